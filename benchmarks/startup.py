"""How long commands take from nothing: a new process each time."""

from __future__ import annotations

import statistics

from benchmarks.common import MEGABYTE, Context, run_codecontext
from benchmarks.corpus import copy_part
from benchmarks.questions import QUESTIONS
from benchmarks.results import Figure, Result

_FILES = 20
_RUNS = 5


def run(context: Context) -> Result:
    """Measure ``codecontext version`` and ``codecontext search`` on a small indexed folder."""
    folder = context.fresh_folder("small")
    copy_part(context.folder, folder, _FILES)
    chunks = run_codecontext(context, "index", folder).output["chunks"]
    count = 2 if context.quick else _RUNS
    versions = [run_codecontext(context, "version") for _ in range(count)]
    searches = [run_codecontext(context, "search", QUESTIONS[0], "--folder", folder) for _ in range(count)]
    return Result(
        title="Start-up",
        figures=[
            Figure("codecontext version", statistics.median(run.seconds for run in versions), "s"),
            Figure("codecontext search, cold", statistics.median(run.seconds for run in searches), "s"),
            Figure("codecontext search: peak memory", max(run.peak_bytes for run in searches) / MEGABYTE, "MB"),
        ],
        notes=[f"Medians of {count} processes; the folder has {chunks:,} chunks, the model is prepared."],
        details={"version": [run.seconds for run in versions], "search": [run.seconds for run in searches]},
    )
