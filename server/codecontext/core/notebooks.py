r"""Jupyter notebooks as text: the lines that a person wrote, and where they stand in the file.

A notebook (``.ipynb``, nbformat 3 and 4) is JSON. It is read leniently from start to end, for half of one can be
searched too: truncated files and those with conflict markers give the cells that can be told. Outputs are passed over
without being decoded, and time is linear in the size whatever the file holds.

Tools write one string of JSON, and so one line of the file, for each line of a cell; but a cell, or a whole notebook,
may also stand on one line. So each line of the file *shows* zero, one or more lines of cells (``shown_lines``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

NOTEBOOK_SUFFIX = ".ipynb"

# One that stays open ends with its line, so that no quote is tried twice.
_STRING_SOURCE = r'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"?'
_STRING = re.compile(_STRING_SOURCE)
_TOKEN = re.compile(rf"{_STRING_SOURCE}|[\[\]{{}}]")
_OTHER = re.compile(r'[^\s,:\[\]{}"]+')
_BETWEEN = re.compile(r"[\s,:]*+")
_COLON = re.compile(r"\s*+:")
_LINE_END = re.compile(r"\r\n?")
_EMBEDDED_DATA = re.compile(r"(;base64,)[A-Za-z0-9+/=]{32,}+")
_DECODER = json.JSONDecoder(strict=False)

_Extent = tuple[int, int]
"""Where a value of JSON begins and ends in the text."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What a person wrote into a cell: its lines, and for each the 0-based row of the file that shows it."""

    kind: str
    """``code``, ``markdown``, ``raw`` or another word; empty where the file does not say."""
    language: str
    """The language of this one cell, where several are mixed; empty for that of the notebook."""
    lines: tuple[str, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Notebook:
    """The cells of a notebook that have a line, in order, and the name that its kernel gives to its language."""

    language: str
    cells: tuple[Cell, ...]


def is_notebook(path: str) -> bool:
    """Whether the name is that of a notebook."""
    return path.lower().endswith(NOTEBOOK_SUFFIX)


def read_notebook(text: str) -> Notebook:
    """The notebook whose file reads ``text`` (as ``decode_source`` gives it). No text raises."""
    return _Reader(text).read()


def shown_lines(path: str, text: str) -> list[str]:
    r"""What each line of a file shows to a reader: itself, or in a notebook the source that stands there.

    ``text`` is as ``decode_source`` gives it, and the list is as long as its lines are many. A line of a notebook that
    holds no source is empty; one that holds several lines of source has them all, with ``\n`` between.
    """
    lines = text.split("\n")
    if not is_notebook(path):
        return lines
    shown: list[list[str]] = [[] for _ in lines]
    for cell in read_notebook(text).cells:
        for line, row in zip(cell.lines, cell.rows, strict=True):
            shown[row].append(line)
    return ["\n".join(parts) for parts in shown]


class _Reader:
    """Reads one text; the extents that it is given come in ascending order."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._row = 0
        self._counted_to = 0

    def read(self) -> Notebook:
        language = ""
        cells: list[Cell] = []
        for key, extent in self._members(self._first_value()):
            if key == "cells":
                cells += self._cells(extent)
            elif key == "worksheets":  # nbformat 3
                for sheet in self._values(extent):
                    cells += [
                        cell for name, inner in self._members(sheet) if name == "cells" for cell in self._cells(inner)
                    ]
            elif key == "metadata":
                language = self._language(extent)
        return Notebook(language, tuple(cells))

    def _cells(self, extent: _Extent) -> Iterator[Cell]:
        for cell in self._values(extent):
            kind = language = ""
            fragments: list[tuple[int, str]] = []
            for key, value in self._members(cell):
                if key == "cell_type":
                    kind = self._string(value)
                elif key in {"source", "input"}:  # "input" in nbformat 3
                    fragments += self._fragments(value)
                elif key == "metadata":
                    language = self._at(value, "vscode", "languageId")
            lines, rows = _lines_of(fragments)
            if lines:
                yield Cell(kind, language, lines, rows)

    def _language(self, metadata: _Extent) -> str:
        return self._at(metadata, "language_info", "name") or self._at(metadata, "kernelspec", "language")

    def _fragments(self, source: _Extent) -> Iterator[tuple[int, str]]:
        """The strings of a cell, each with the row where it stands."""
        is_list = self._text.startswith("[", source[0])
        for extent in self._values(source) if is_list else [source]:
            row = self._row_of(extent[0])
            yield row, _EMBEDDED_DATA.sub(r"\1", _LINE_END.sub("\n", self._string(extent)))

    def _at(self, extent: _Extent, *keys: str) -> str:
        """The string at a path of keys, empty for none."""
        for key in keys:
            found = next((value for name, value in self._members(extent) if name == key), None)
            if found is None:
                return ""
            extent = found
        return self._string(extent)

    # JSON, read leniently.

    def _first_value(self) -> _Extent:
        start = self._text.find("{")
        return (start, self._end_of(start)) if start >= 0 else (0, 0)

    def _members(self, extent: _Extent) -> Iterator[tuple[str, _Extent]]:
        """Keys and values of an object; nothing for another value."""
        if not self._text.startswith("{", extent[0]):
            return
        key: str | None = None
        for value in self._values(extent):
            if key is not None:
                yield key, value
                key = None
            elif _COLON.match(self._text, value[1]):
                key = self._string(value)

    def _values(self, extent: _Extent) -> Iterator[_Extent]:
        """The values between the brackets of a list or object, keys included."""
        position, end = extent[0] + 1, extent[1]
        while position < end:
            between = _BETWEEN.match(self._text, position, end)
            position = between.end() if between else position
            if position >= end or self._text[position] in "]}":
                return
            after = min(self._end_of(position), end)
            yield position, after
            position = after

    def _end_of(self, start: int) -> int:
        """The end of the value at ``start``; that of the text where a bracket stays open."""
        if self._text[start] not in "[{":
            value = _STRING.match(self._text, start) or _OTHER.match(self._text, start)
            return value.end() if value else start + 1
        depth = 0
        for token in _TOKEN.finditer(self._text, start):
            if token[0] in "[{":
                depth += 1
            elif token[0] in "]}":
                depth -= 1
                if depth == 0:
                    return token.end()
        return len(self._text)

    def _string(self, extent: _Extent) -> str:
        """The string that stands there; other values and what is no JSON as they are written, without quotes."""
        literal = self._text[extent[0] : extent[1]]
        if not literal.startswith('"'):
            return "" if literal[:1] in "[{" else literal
        try:
            value, _ = _DECODER.raw_decode(literal)
        except ValueError:
            value = literal.strip('"')
        # JSON may hold halves of surrogate pairs.
        return str(value).encode("utf-8", "replace").decode("utf-8")

    def _row_of(self, position: int) -> int:
        self._row += self._text.count("\n", self._counted_to, position)
        self._counted_to = position
        return self._row


def _lines_of(fragments: list[tuple[int, str]]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The lines of a cell and their rows. A row begins a line, whether or not the string before it ends with one."""
    lines: list[str] = []
    rows: list[int] = []
    for row, group in groupby(fragments, key=lambda fragment: fragment[0]):
        shown = "".join(text for _, text in group).removesuffix("\n").split("\n")
        for gap in range(rows[-1] + 1, row) if rows else ():
            lines.append("")
            rows.append(gap)
        lines += shown
        rows += [row] * len(shown)
    return tuple(lines), tuple(rows)
