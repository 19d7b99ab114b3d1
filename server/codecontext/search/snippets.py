"""Checks a hit against its file before it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from codecontext.core.decoding import decode_source
from codecontext.core.notebooks import shown_lines
from codecontext.core.reading import MAX_SOURCE_BYTES, read_file_inside
from codecontext.search.results import Freshness


@dataclass(frozen=True, slots=True)
class Snippet:
    """The lines of a hit in the file as it is now; lines are 1-based and inclusive."""

    start_line: int
    end_line: int
    text: str
    freshness: Freshness


def locate(folder: Path, path: str, start_line: int, end_line: int, text: str) -> Snippet | None:
    """Find the chunk ``text`` in the file ``path`` of ``folder``.

    None if the file is gone: also where its name stands for a device or a pipe now, or is reached through a link,
    which may lead out of the folder.

    Text that moved is followed to the nearest place that has it. Text that changed is shown as it is now,
    at the old lines as far as the file still has them.
    """
    try:
        lines = shown_lines(path, decode_source(read_file_inside(folder, path, max_bytes=MAX_SOURCE_BYTES)))
    except OSError:
        return None
    wanted = text.split("\n")
    here = lines[start_line - 1 : end_line]
    if here == wanted or _is_part(text, here):
        return Snippet(start_line, end_line, text, Freshness.FRESH)
    starts = [i for i, line in enumerate(lines) if line == wanted[0] and lines[i : i + len(wanted)] == wanted]
    if not starts and (inside := [i for i, line in enumerate(lines) if "\n" in line and text in line]):
        start = min(inside, key=lambda index: abs(index - (start_line - 1)))
        return Snippet(start + 1, start + 1, text, Freshness.MOVED)
    if starts:
        start = min(starts, key=lambda index: abs(index - (start_line - 1)))
        return Snippet(start + 1, start + len(wanted), text, Freshness.MOVED)
    end = min(end_line, len(lines))
    start = min(start_line, end)
    return Snippet(start, end, "\n".join(lines[start - 1 : end]), Freshness.CHANGED)


def _is_part(text: str, lines: list[str]) -> bool:
    """Whether ``text`` is in lines that make several chunks: a very long one, or one with a whole cell in it."""
    return (len(lines) == 1 or any("\n" in line for line in lines)) and text in "\n".join(lines)
