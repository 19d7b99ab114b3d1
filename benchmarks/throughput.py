"""Chunks embedded in a second, and the time of one query, beside sentence-transformers.

The same model folder, texts, threads and process for all. Every round takes other texts, because no text is
ever embedded twice in use; within a round the systems take turns in going first.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import Context, in_fresh_process, milliseconds
from benchmarks.corpus import read_chunks
from benchmarks.machine import usable_cores
from benchmarks.questions import QUESTIONS
from benchmarks.results import Figure, Result, at_least
from codecontext.chunking import embedding_text
from codecontext.embeddings.base import InstructionType
from codecontext.embeddings.huggingface import HuggingFaceConfig, HuggingFaceEmbeddingProvider
from codecontext.embeddings.model_files import bundled_model_folder

PEER = "sentence-transformers"
NAMES = {"torch": "CodeContext, torch", "openvino": "CodeContext, OpenVINO"}
SPEED_UP = {NAMES["torch"]: at_least(1.25), NAMES["openvino"]: at_least(2.5)}
SAME_VECTORS = at_least(0.999)

_SEED = 20260102

Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is embedded: ``rounds`` times ``texts``, after ``warm_up`` others."""

    rounds: int
    texts: int
    warm_up: int
    threads: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class System:
    """One way to embed: many texts at once, and one query."""

    description: str
    encode: Callable[[list[str]], Matrix]
    encode_query: Callable[[str], Matrix]


@dataclass(slots=True)
class Measured:
    """Of one system: chunks/s by round, milliseconds by query, lowest cosine with the peer's vectors."""

    description: str
    rates: list[float] = field(default_factory=list)
    query_ms: list[float] = field(default_factory=list)
    cosine: float = 1.0


def run(context: Context) -> Result:
    """Measure with one thread and with all."""
    cores = usable_cores()
    sizes = Sizes(rounds=5, texts=512, warm_up=64, threads=tuple(sorted({1, cores})))
    if context.quick:
        sizes = replace(sizes, rounds=2, texts=16, warm_up=4, threads=(1,))
    figures: list[Figure] = []
    details = {}
    for threads in sizes.threads:
        measured = in_fresh_process(
            context.environment(threads), _measure, context.folder, context.backends, sizes, threads
        )
        figures += _figures(measured, "1 thread" if threads == 1 else f"{threads} threads")
        details[str(threads)] = measured
    used = ", ".join(f"{name}: {system.description}" for name, system in measured.items())
    notes = [
        f"What ran: {used}.",
        f"Medians over {sizes.rounds} rounds of {sizes.texts} chunks; a ratio is taken within each round.",
    ]
    return Result(title="Embedding throughput", figures=figures, notes=notes, details=details)


def _figures(measured: dict[str, Measured], threads: str) -> list[Figure]:
    peer = measured[PEER]
    figures = []
    for name, system in measured.items():
        label = f"{name}, {threads}"
        figures.append(Figure(label, statistics.median(system.rates), "chunks/s"))
        if system is not peer:
            ratios = [rate / other for rate, other in zip(system.rates, peer.rates, strict=True)]
            figures += [
                Figure(f"{label}: against {PEER}", statistics.median(ratios), "x", SPEED_UP[name]),
                Figure(f"{label}: lowest cosine with {PEER}", system.cosine, "cosine", SAME_VECTORS),
            ]
        figures.append(Figure(f"{label}: one query", statistics.median(system.query_ms), "ms"))
    return figures


def _measure(folder: Path, backends: Sequence[str], sizes: Sizes, threads: int) -> dict[str, Measured]:
    """Runs in a process of its own, whose environment bounds the threads of all libraries."""
    texts = _texts(folder, sizes)
    systems = {PEER: _sentence_transformers()}
    systems |= {NAMES[backend]: _codecontext(backend, threads) for backend in backends}
    measured = {name: Measured(system.description) for name, system in systems.items()}
    for system in systems.values():
        system.encode(texts[: sizes.warm_up])
        system.encode_query(QUESTIONS[0])
    order = list(systems)
    for number in range(sizes.rounds):
        order.append(order.pop(0))
        start = sizes.warm_up + number * sizes.texts
        _measure_round(systems, order, texts[start : start + sizes.texts], measured)
    for question in QUESTIONS:
        order.append(order.pop(0))
        for name in order:
            measured[name].query_ms.append(milliseconds(systems[name].encode_query, question))
    return measured


def _measure_round(
    systems: dict[str, System], order: list[str], texts: list[str], measured: dict[str, Measured]
) -> None:
    vectors: dict[str, Matrix] = {}
    for name in order:
        started = time.perf_counter()
        vectors[name] = systems[name].encode(texts)
        measured[name].rates.append(len(texts) / (time.perf_counter() - started))
    for name in order:
        measured[name].cosine = min(measured[name].cosine, _lowest_cosine(vectors[name], vectors[PEER]))


def _texts(folder: Path, sizes: Sizes) -> list[str]:
    """Distinct texts as indexing embeds them, a fair sample of the folder."""
    wanted = sizes.warm_up + sizes.rounds * sizes.texts
    texts = sorted({embedding_text(chunk) for file in read_chunks(folder) for chunk in file.chunks})
    if len(texts) <= sizes.warm_up:
        raise RuntimeError(f"'{folder}' has too little code to embed: {len(texts)} distinct chunks.")
    random.Random(_SEED).shuffle(texts)
    # Too small a folder gives some texts again, in another round.
    return [texts[position % len(texts)] for position in range(wanted)]


def _sentence_transformers() -> System:
    """The peer with its own defaults, on the CPU; its threads are torch's, which our torch backend sets."""
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    model = SentenceTransformer(str(bundled_model_folder()), device="cpu")

    def encode(texts: list[str]) -> Matrix:
        vectors: Matrix = model.encode(texts, show_progress_bar=False)
        return vectors

    return System("SentenceTransformer.encode", encode, lambda query: encode([query])[0])


def _codecontext(backend: str, threads: int) -> System:
    config = HuggingFaceConfig.model_validate({"backend": backend, "device": "cpu", "threads": threads})
    provider = HuggingFaceEmbeddingProvider(config)
    provider.initialize()
    return System(
        provider.backend_name,
        lambda texts: provider.embed_batch(texts, InstructionType.NL2CODE_PASSAGE),
        lambda query: provider.embed_text(query, InstructionType.NL2CODE_QUERY),
    )


def _lowest_cosine(left: Matrix, right: Matrix) -> float:
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return float(((left * right).sum(axis=1) / lengths).min())
