"""What it costs to get the bundled model ready: from nothing to the first vector, in fresh processes.

The first load on a machine finds an empty home; later ones find what it left there.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

from benchmarks.common import MEGABYTE, Context, disk_bytes, in_fresh_process, peak_memory
from benchmarks.questions import QUESTIONS
from benchmarks.results import Figure, Result, at_most

FIRST_LOAD = at_most(0.7)
KEPT = at_most(0.01)

_LOADS = 5


@dataclass(frozen=True, slots=True)
class Start:
    """One process, from its first import to its first vector."""

    seconds: float
    cpu_seconds: float
    import_seconds: float
    """Part of ``seconds`` before the model is looked for."""
    peak_bytes: int
    kept_bytes: int
    """What is in the home afterwards."""


def run(context: Context) -> Result:
    """Measure each backend that is installed."""
    figures: list[Figure] = []
    details = {}
    count = 1 if context.quick else _LOADS
    for backend in context.backends:
        first = [_start(context, backend, fresh=True) for _ in range(count)]
        later = [_start(context, backend, fresh=False) for _ in range(count)]
        figures += _figures(f"{backend}: first load", first, is_budgeted=backend == "openvino")
        figures += _figures(f"{backend}: later load", later)
        kept = max(start.kept_bytes for start in first) / MEGABYTE
        figures.append(Figure(f"{backend}: kept on disk", kept, "MB", KEPT))
        details[backend] = {"first": first, "later": later}
    return Result(
        title="Loading the bundled model",
        figures=figures,
        notes=[f"Medians of {count} processes, from their first import to the vector of one query."],
        details=details,
    )


def _start(context: Context, backend: str, *, fresh: bool) -> Start:
    home = context.work / "model-home"
    if fresh:
        context.fresh_folder(home.name)
    environment = context.environment() | {"CODECONTEXT_HOME": str(home)}
    seconds, cpu, imports, peak = in_fresh_process(environment, _measure, backend)
    return Start(seconds, cpu, imports, peak, disk_bytes(home))


def _figures(what: str, starts: list[Start], *, is_budgeted: bool = False) -> list[Figure]:
    return [
        Figure(
            f"{what}: to the first vector",
            statistics.median(start.seconds for start in starts),
            "s",
            FIRST_LOAD if is_budgeted else None,
        ),
        Figure(f"{what}: of that, imports", statistics.median(start.import_seconds for start in starts), "s"),
        Figure(f"{what}: CPU time", statistics.median(start.cpu_seconds for start in starts), "s"),
        Figure(f"{what}: peak memory", statistics.median(start.peak_bytes for start in starts) / MEGABYTE, "MB"),
    ]


def _measure(backend: str) -> tuple[float, float, float, int]:
    """Runs in a process of its own, which has imported none of this yet."""
    started, cpu = time.perf_counter(), time.process_time()
    from codecontext.embeddings import InstructionType
    from codecontext.embeddings.huggingface import HuggingFaceConfig, HuggingFaceEmbeddingProvider

    imported = time.perf_counter()
    config = HuggingFaceConfig.model_validate({"backend": backend, "device": "cpu"})
    with HuggingFaceEmbeddingProvider(config) as provider:
        provider.embed_text(QUESTIONS[0], InstructionType.NL2CODE_QUERY)
        seconds, used = time.perf_counter() - started, time.process_time() - cpu
    return seconds, used, imported - started, peak_memory()
