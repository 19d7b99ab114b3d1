"""Indexing a whole project from nothing with ``codecontext index``, and once more without changes."""

from __future__ import annotations

from benchmarks.common import MEGABYTE, CommandRun, Context, run_codecontext
from benchmarks.corpus import copy_part
from benchmarks.results import Figure, Result, at_most

WORDS_SEARCHABLE = at_most(5)
MEMORY = at_most(800)
NOTHING_EMBEDDED = at_most(0)
RESTART = at_most(3)

_FEW_FILES = 4


def run(context: Context) -> Result:
    """Measure the first run on a machine, the first on the project, and a second on the project."""
    context.fresh_folder("home")
    few = context.fresh_folder("few")
    copy_part(context.folder, few, _FEW_FILES)
    first = run_codecontext(context, "index", few)
    cold = run_codecontext(context, "index", context.folder)
    disk = _disk(context)
    again = run_codecontext(context, "index", context.folder)
    report = cold.output
    return Result(
        title="Indexing",
        figures=[
            *_first_run(first),
            Figure("files indexed", report["files"], "count"),
            Figure("chunks indexed", report["chunks"], "count"),
            Figure("until the first files are searchable by words", report["first_seconds"], "s", WORDS_SEARCHABLE),
            Figure("until all files are", report["scan_seconds"] + report["text_seconds"], "s"),
            Figure("until done, start of the process included", cold.seconds, "s"),
            Figure("chunks embedded in a second", report["chunks_embedded"] / report["embed_seconds"], "chunks/s"),
            Figure("CPU time", cold.cpu_seconds, "s"),
            Figure("peak memory", cold.peak_bytes / MEGABYTE, "MB", MEMORY),
            *disk,
            Figure("second run: chunks embedded", again.output["chunks_embedded"], "count", NOTHING_EMBEDDED),
            Figure("second run: until done", again.seconds, "s", RESTART),
            Figure("second run: peak memory", again.peak_bytes / MEGABYTE, "MB"),
        ],
        notes=[
            "Each run is a process of its own; times of stages count from when it began to index.",
            "The first run on a machine also prepares the model for its CPU, which is done once.",
        ],
        details={"cold": cold.output, "again": again.output},
    )


def _first_run(first: CommandRun) -> list[Figure]:
    return [
        Figure(f"first run on this machine, {_FEW_FILES} files", first.seconds, "s"),
        Figure("first run on this machine: peak memory", first.peak_bytes / MEGABYTE, "MB", MEMORY),
    ]


def _disk(context: Context) -> list[Figure]:
    status = run_codecontext(context, "status", context.folder).output
    places = {
        "disk: index": status["index_bytes"],
        "disk: cache of vectors": status["cache_bytes"],
    }
    return [Figure(name, size / MEGABYTE, "MB") for name, size in places.items()]
