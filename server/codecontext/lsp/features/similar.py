"""``codecontext/findSimilar``: find code that does what the code at a place does."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from codecontext.lsp.documents import Documents
from codecontext.lsp.errors import invalid_field
from codecontext.lsp.features.requests import holder, in_time, register_request
from codecontext.lsp.features.search import shown
from codecontext.lsp.protocol import FindSimilarParams, Method, Position, SearchResult
from codecontext.lsp.server import CodeContextServer
from codecontext.rpc.messages import Similar

_AROUND = 20
"""Lines before and after a cursor, at most, in code that is not saved yet, so that no definition is known there."""


def register(server: CodeContextServer) -> None:
    """Add the handler."""

    async def handle(params: FindSimilarParams) -> SearchResult:
        folder, path = holder(server, Method.FIND_SIMILAR, params.uri)
        relative = folder.relative(path)
        place = _place(server.documents(), path, params)
        request = Similar(
            folder=folder.key,
            path=relative,
            start_line=place.start + 1,
            end_line=max(place.end, place.start + 1),
            text=place.text,
            limit=params.limit,
        )
        similar = await in_time(server, server.engine.similar(request))
        shown_place = f"{relative}:{params.range.start.line + 1}"
        return shown(server, similar.model_copy(update={"query": shown_place}), [folder])

    register_request(server, Method.FIND_SIMILAR, FindSimilarParams, handle)


@dataclass(frozen=True, slots=True)
class _Place:
    """Code to find similar code for: lines of the file (from 0, end exclusive), and its text; none for a definition.

    Code that is not in the file is placed before its first line, so that no hit is excluded.
    """

    start: int
    end: int
    text: str


def _place(documents: Documents, path: Path, params: FindSimilarParams) -> _Place:
    """Where the code is in the file, which is what is indexed, and its text in the document."""
    try:
        lines = documents.lines(path)
    except OSError as error:
        raise invalid_field(
            Method.FIND_SIMILAR, "uri", f"'{params.uri}' cannot be read: {error.strerror or error}."
        ) from error
    start, end = params.range.start, params.range.end
    if start.line >= len(lines):
        raise invalid_field(
            Method.FIND_SIMILAR, "range", f"line {start.line} is past the end of a document of {len(lines)} lines."
        )
    if (end.line, end.character) < (start.line, start.character):
        raise invalid_field(Method.FIND_SIMILAR, "range", "the end is before the start.")
    text = _selected(documents, lines, start, end)
    last = min(len(lines), end.line + (end.character > 0 or end.line == start.line))
    unsaved = documents.unsaved(path)
    if unsaved is None:
        return _Place(start.line, last, text)
    in_file = unsaved.to_file.span(start.line, last)
    if in_file is not None:
        return _Place(*in_file, text)
    text = text or _paragraph(lines, start.line)
    if not text.strip():
        raise invalid_field(Method.FIND_SIMILAR, "range", "there is no code at this place.")
    return _Place(-1, -1, text)


def _paragraph(lines: list[str], line: int) -> str:
    """The lines around a place up to the next empty ones."""
    above = takewhile(str.strip, reversed(lines[max(0, line - _AROUND) : line + 1]))
    below = takewhile(str.strip, lines[line + 1 : line + 1 + _AROUND])
    return "\n".join([*reversed(list(above)), *below])


def _selected(documents: Documents, lines: list[str], start: Position, end: Position) -> str:
    """The text of a range; empty for an empty range."""
    selected = lines[start.line : end.line + 1]
    if start.line == end.line:
        line = selected[0]
        return line[documents.column(line, start.character) : documents.column(line, end.character)]
    if end.line < len(lines):
        selected[-1] = selected[-1][: documents.column(selected[-1], end.character)]
    selected[0] = selected[0][documents.column(selected[0], start.character) :]
    return "\n".join(selected)
