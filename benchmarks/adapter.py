"""What a LoRA adapter costs: load time, memory, and search with it merged in, beside the base model.

The adapters are made with PEFT on the spot: rank 8, alpha 16, on query and value of the bundled model, with
B not zero. Every load is measured in a process of its own, which has loaded the base model and no adapter yet.
"""

from __future__ import annotations

import gc
import statistics
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.common import MEGABYTE, Context, in_fresh_process, milliseconds
from benchmarks.corpus import copy_part
from benchmarks.questions import QUESTIONS
from benchmarks.results import Figure, Result, at_most
from codecontext.chunking import CHUNK_FORMAT
from codecontext.config import load_settings
from codecontext.embeddings.base import InstructionType
from codecontext.embeddings.huggingface import HuggingFaceConfig, HuggingFaceEmbeddingProvider
from codecontext.embeddings.model_files import BUNDLED_MODEL, bundled_model_folder
from codecontext.engine.engine import Engine

LOAD = at_most(500)
MEMORY = at_most(100)
SLOWDOWN = at_most(5)
SWAP = at_most(1000)
NOTHING_EMBEDDED = at_most(0)

_FILES = 60
_LOADS = 3
_ROUNDS = 5
# Standard deviation of B. Merged, it moves weights by about 0.003; they themselves spread by 0.04 to 0.1.
_B_SPREAD = 0.02


@dataclass(frozen=True, slots=True)
class Loading:
    """What one process measured."""

    load_ms: float
    load_cpu_ms: float
    """CPU time of the load, of all threads."""
    to_base_ms: float
    """Swap back to the base model."""
    again_ms: float
    """The same adapter once more."""
    added_bytes: int
    """Memory that the first load added."""


@dataclass(frozen=True, slots=True)
class Searching:
    """The same searches with and without the adapter, in pairs."""

    base_ms: list[float]
    adapter_ms: list[float]
    embedded_after_swap: int
    """Chunks embedded by an index run with the base model after one with the adapter."""


def run(context: Context) -> Result:
    """Measure each backend that is installed."""
    environment = context.environment()
    folder = context.fresh_folder("adapted")
    copy_part(context.folder, folder, _FILES)
    loads, rounds = (1, 1) if context.quick else (_LOADS, _ROUNDS)
    known, *unknown = in_fresh_process(environment, make_adapters, context.fresh_folder("adapters"), 1 + loads)
    figures: list[Figure] = []
    details = {}
    for backend in context.backends:
        searching = in_fresh_process(environment, _measure_search, folder, backend, known, rounds)
        loadings = [in_fresh_process(environment, _measure_loading, backend, known) for _ in range(loads)]
        figures += _load_figures(backend, loadings) + _search_figures(backend, searching)
        details[backend] = {"loadings": loadings, "searching": searching}
    if "openvino" in context.backends:
        first = [in_fresh_process(environment, _measure_loading, "openvino", path) for path in unknown]
        figures += _first_load_figures(first)
        details["openvino"]["first_loadings"] = first
    return Result(
        title="LoRA adapter, merged",
        figures=figures,
        notes=[
            f"Medians of {loads} processes that had the base model loaded.",
            f"Medians of {len(searching.base_ms)} pairs of searches, each pair side by side.",
            "The first load on a machine is of an adapter that nobody has loaded there before.",
        ],
        details=details,
    )


def _load_figures(backend: str, loadings: list[Loading]) -> list[Figure]:
    return [
        Figure(f"{backend}: load", statistics.median(loading.load_ms for loading in loadings), "ms", LOAD),
        Figure(f"{backend}: load, CPU time", statistics.median(loading.load_cpu_ms for loading in loadings), "ms"),
        Figure(
            f"{backend}: memory added by the load",
            statistics.median(loading.added_bytes for loading in loadings) / MEGABYTE,
            "MB",
            MEMORY,
        ),
        Figure(
            f"{backend}: back to the base model",
            statistics.median(loading.to_base_ms for loading in loadings),
            "ms",
            SWAP,
        ),
        Figure(
            f"{backend}: load again in the same process",
            statistics.median(loading.again_ms for loading in loadings),
            "ms",
            SWAP,
        ),
    ]


def _search_figures(backend: str, searching: Searching) -> list[Figure]:
    ratios = [adapted / base for adapted, base in zip(searching.adapter_ms, searching.base_ms, strict=True)]
    return [
        Figure(f"{backend}: search with the base model", statistics.median(searching.base_ms), "ms"),
        Figure(f"{backend}: search with the adapter", statistics.median(searching.adapter_ms), "ms"),
        Figure(f"{backend}: search slower by", (statistics.median(ratios) - 1) * 100, "%", SLOWDOWN),
        Figure(
            f"{backend}: chunks embedded after the swap back",
            searching.embedded_after_swap,
            "count",
            NOTHING_EMBEDDED,
        ),
    ]


def _first_load_figures(loadings: list[Loading]) -> list[Figure]:
    return [
        Figure(
            "openvino: first load on this machine",
            statistics.median(loading.load_ms for loading in loadings),
            "ms",
            LOAD,
        ),
        Figure(
            "openvino: first load on this machine, CPU time",
            statistics.median(loading.load_cpu_ms for loading in loadings),
            "ms",
        ),
        Figure(
            "openvino: memory added by the first load on this machine",
            statistics.median(loading.added_bytes for loading in loadings) / MEGABYTE,
            "MB",
            MEMORY,
        ),
    ]


def make_adapters(folder: Path, count: int) -> list[Path]:
    """Runs in a process of its own. Adapters of the same shape and different content."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModel
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    warnings.simplefilter("ignore", FutureWarning)  # PEFT calls what transformers will rename
    adapters = []
    for seed in range(count):
        torch.manual_seed(seed)
        base = AutoModel.from_pretrained(bundled_model_folder(), local_files_only=True)
        base.name_or_path = BUNDLED_MODEL  # PEFT writes it down as the base of the adapter
        config = LoraConfig(r=8, lora_alpha=16, target_modules=["query", "value"])
        model = get_peft_model(base, config)
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=_B_SPREAD)
        adapters.append(folder / str(seed))
        model.save_pretrained(adapters[-1])
    return adapters


def _measure_loading(backend: str, adapter: Path) -> Loading:
    """Runs in a process of its own."""
    with _provider(backend) as provider:
        provider.embed_text(QUESTIONS[0], InstructionType.NL2CODE_QUERY)
        before = _resident_bytes()
        cpu = time.process_time()
        load_ms = milliseconds(provider.reload_adapter, adapter)
        load_cpu_ms = (time.process_time() - cpu) * 1000
        provider.embed_text(QUESTIONS[0], InstructionType.NL2CODE_QUERY)
        added = _resident_bytes() - before
        to_base_ms = milliseconds(provider.reload_adapter, None)
        again_ms = milliseconds(provider.reload_adapter, adapter)
    return Loading(load_ms, load_cpu_ms, to_base_ms, again_ms, added)


def _measure_search(folder: Path, backend: str, adapter: Path, rounds: int) -> Searching:
    """Runs in a process of its own. The two engines take turns in going first."""
    settings = load_settings(folder).settings
    with (
        _provider(backend) as base_provider,
        _provider(backend, adapter) as adapted_provider,
        Engine(folder, settings, provider=base_provider) as base,
        Engine(folder, settings, provider=adapted_provider) as adapted,
    ):
        for engine in (base, adapted):
            engine.index()
        searching = Searching([], [], base.index().chunks_embedded)
        engines = [(base, searching.base_ms), (adapted, searching.adapter_ms)]
        for question in QUESTIONS:
            for engine, _ in engines:
                engine.search(question)
        for _ in range(rounds):
            for question in QUESTIONS:
                engines.reverse()
                for engine, times in engines:
                    times.append(milliseconds(engine.search, question))
    return searching


def _provider(backend: str, adapter: Path | None = None) -> HuggingFaceEmbeddingProvider:
    config = HuggingFaceConfig.model_validate(
        {"backend": backend, "device": "cpu", "lora_adapter_path": str(adapter) if adapter else None}
    )
    return HuggingFaceEmbeddingProvider(config, chunk_format=CHUNK_FORMAT)


def _resident_bytes() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)
