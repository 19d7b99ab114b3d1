"""How long a warm search takes end to end, and what memory it needs, by size of the index."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.common import MEGABYTE, Context, in_fresh_process, milliseconds, peak_memory, percentile
from benchmarks.questions import QUESTIONS
from benchmarks.results import Budget, Figure, Result, at_most
from benchmarks.synthetic import SyntheticIndex, build_index
from codecontext.config import load_settings
from codecontext.engine.engine import Engine

SIZES = (1_000, 20_000, 200_000)
BUDGET_SIZE = 20_000
MEDIAN = at_most(30)
NEARLY_ALL = at_most(100)
MEMORY = at_most(800)

_QUICK_SIZES = (100,)
_REPEATS = 5


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of the first search of a process and of warm ones; peak memory in bytes."""

    first_ms: float
    warm_ms: list[float]
    peak_bytes: int


def run(context: Context) -> Result:
    """Measure every size with an index and a process of its own."""
    figures: list[Figure] = []
    notes: list[str] = []
    details = {}
    for size in _QUICK_SIZES if context.quick else SIZES:
        folder = context.fresh_folder("synthetic")
        index = in_fresh_process(context.environment(), _build, context.folder, folder, size)
        latency = in_fresh_process(context.environment(), _measure, folder)
        index.delete()
        figures += _figures(size, latency)
        notes += _note(index)
        details[str(size)] = latency
    notes.append(
        f"{len(QUESTIONS)} questions, {_REPEATS} times each; every search embeds its question anew, and reads "
        "the files of its hits."
    )
    return Result(title="Query latency", figures=figures, notes=notes, details=details)


def _figures(size: int, latency: Latency) -> list[Figure]:
    def budget(wanted: Budget) -> Budget | None:
        return wanted if size == BUDGET_SIZE else None

    label = f"{size:,} chunks"
    return [
        Figure(f"{label}: p50", percentile(latency.warm_ms, 50), "ms", budget(MEDIAN)),
        Figure(f"{label}: p95", percentile(latency.warm_ms, 95), "ms", budget(NEARLY_ALL)),
        Figure(f"{label}: first search, model and index loaded", latency.first_ms, "ms"),
        Figure(f"{label}: peak memory", latency.peak_bytes / MEGABYTE, "MB", budget(MEMORY)),
    ]


def _note(index: SyntheticIndex) -> list[str]:
    if index.real == index.chunks:
        return []
    copies = "the others are copies of them with other paths and vectors a little off"
    return [f"{index.chunks:,} chunks: {index.real:,} are real, {copies}."]


def _build(source: Path, folder: Path, chunks: int) -> SyntheticIndex:
    """Runs in a process of its own."""
    with Engine(source, load_settings(source).settings) as engine:
        return build_index(engine, folder, chunks)


def _measure(folder: Path) -> Latency:
    """Runs in a process of its own."""
    with Engine(folder, load_settings(folder).settings) as engine:

        def search(question: str) -> None:
            state = engine.search(question).state
            if state.coverage < 1 or state.degraded:
                raise RuntimeError(f"The index of {folder} does not answer in full: {state}")

        first = milliseconds(search, QUESTIONS[0])
        for question in QUESTIONS:
            search(question)
        warm = [milliseconds(search, question) for _ in range(_REPEATS) for question in QUESTIONS]
    return Latency(first, warm, peak_memory())
