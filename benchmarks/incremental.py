"""What a change to one file costs: from the moment it is on disk until a search shows it."""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from benchmarks.common import Context, in_fresh_process
from benchmarks.corpus import read_chunks
from benchmarks.questions import QUESTIONS
from benchmarks.results import Figure, Result, at_most
from codecontext.config import load_settings
from codecontext.core import Chunk, ChunkKind
from codecontext.engine.engine import Engine
from codecontext.indexing.report import IndexReport

SEARCHABLE = at_most(1)
ONE_CHUNK = at_most(1)
NO_CHUNK = at_most(0)

_ROUNDS = 5


@dataclass(slots=True)
class Change:
    """Of one kind of change: seconds until searchable, and the most chunks that were embedded for it."""

    seconds: list[float] = field(default_factory=list)
    embedded: int = 0

    def add(self, seconds: float, report: IndexReport) -> None:
        """Count one change."""
        self.seconds.append(seconds)
        self.embedded = max(self.embedded, report.chunks_embedded)


@dataclass(slots=True)
class Changes:
    """What was measured, and on how much code."""

    files: int
    chunks: int
    edit: Change = field(default_factory=Change)
    rename: Change = field(default_factory=Change)
    delete: Change = field(default_factory=Change)


def run(context: Context) -> Result:
    """Edit, rename and delete files of a copy of the code."""
    folder = context.fresh_folder("edited") / context.folder.name
    shutil.copytree(context.folder, folder, symlinks=True)
    changes = in_fresh_process(context.environment(), _measure, folder, 2 if context.quick else _ROUNDS)
    return Result(
        title="Incremental update",
        figures=[
            Figure(
                "edit of a function body, until searchable",
                statistics.median(changes.edit.seconds),
                "s",
                SEARCHABLE,
            ),
            Figure("edit of a function body: chunks embedded", changes.edit.embedded, "count", ONE_CHUNK),
            Figure("rename of a file, until searchable", statistics.median(changes.rename.seconds), "s", SEARCHABLE),
            Figure("rename of a file: chunks embedded", changes.rename.embedded, "count", NO_CHUNK),
            Figure("deletion of a file, until gone", statistics.median(changes.delete.seconds), "s", SEARCHABLE),
        ],
        notes=[
            f"{changes.files:,} files, {changes.chunks:,} chunks; medians of {len(changes.edit.seconds)}.",
            "Each time Engine.index looks at the whole folder, then a search must show the change.",
        ],
        details={"changes": changes},
    )


def _measure(folder: Path, rounds: int) -> Changes:
    """Runs in a process of its own."""
    with Engine(folder, load_settings(folder).settings) as engine:
        report = engine.index()
        engine.search(QUESTIONS[0])
        changes = Changes(report.files, report.chunks)
        for number, function in enumerate(islice(_functions(folder), rounds)):
            word = f"quokka{number}"
            before = folder / function.path
            after = before.with_stem(f"{before.stem}_{word}")
            _insert_line(before, function, word)
            changes.edit.add(*_until(engine, word, function.path, shown=True))
            before.rename(after)
            renamed = after.relative_to(folder).as_posix()
            changes.rename.add(*_until(engine, word, renamed, shown=True))
            after.unlink()
            changes.delete.add(*_until(engine, word, renamed, shown=False))
    if not changes.edit.seconds:
        raise RuntimeError(f"'{folder}' has no Python function with a 'return' at its end to edit.")
    return changes


def _functions(folder: Path) -> Iterator[Chunk]:
    """One Python function or method a file, of those that end in a plain ``return``."""
    for file in read_chunks(folder):
        for chunk in file.chunks:
            last_line = chunk.text.rsplit("\n", 1)[-1]
            if (
                chunk.language == "python"
                and chunk.kind in {ChunkKind.FUNCTION, ChunkKind.METHOD}
                and last_line.startswith((" ", "\t"))
                and last_line.lstrip().startswith("return ")
            ):
                yield chunk
                break


def _insert_line(file: Path, function: Chunk, word: str) -> None:
    """Put a statement with a new word before the last line of ``function``."""
    lines = file.read_text(encoding="utf-8").split("\n")
    last = lines[function.end_line - 1]
    indent = last[: len(last) - len(last.lstrip())]
    lines.insert(function.end_line - 1, f"{indent}{word} = None")
    file.write_text("\n".join(lines), encoding="utf-8")


def _until(engine: Engine, word: str, path: str, *, shown: bool) -> tuple[float, IndexReport]:
    """Seconds until a search for ``word`` shows ``path``, or no longer does, and what indexing did."""
    started = time.perf_counter()
    report = engine.index()
    found = {hit.path for hit in engine.search(word).hits}
    seconds = time.perf_counter() - started
    if (path in found) != shown:
        raise RuntimeError(f"After a change and an index run, a search for '{word}' finds {sorted(found)}.")
    return seconds, report
