"""The lines of one file, and spans of them.

Inside this room a span is a pair of 0-based rows, both included; ``Chunk`` counts from 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a source that stands for a syntax node where no grammar gives one; points are rows and columns."""

    start_byte: int
    end_byte: int
    start_point: tuple[int, int]
    end_point: tuple[int, int]

    @property
    def id(self) -> int:
        """Different for all regions that begin at different bytes, and from the ids of all nodes."""
        return -1 - self.start_byte


_WORD_CHARACTER = re.compile(r"[^\W_]")
_CLOSERS = re.compile(r"[\s})\];,]*")


class SourceLines:
    r"""Text cut at ``\n`` (see ``decode_source``), with sizes of spans in constant time."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        if len(self.lines) > 1 and not self.lines[-1]:
            self.lines.pop()
        self._ends = list(accumulate(map(len, self.lines), initial=0))

    def __len__(self) -> int:
        return len(self.lines)

    def text(self, span: Span) -> str:
        """The source of a span, without the last line end."""
        return "\n".join(self.lines[span[0] : span[1] + 1])

    def texts(self, span: Span, max_chars: int, slice_chars: int) -> Iterator[str]:
        """The source of a span; if it is one line longer than ``max_chars``, slices of it that have words."""
        if span[0] < span[1] or self.chars(span) <= max_chars:
            yield self.text(span)
        else:
            yield from filter(_WORD_CHARACTER.search, _slices(self.lines[span[0]], slice_chars))

    def chars(self, span: Span) -> int:
        """Characters of a span, line ends included."""
        first, last = span
        return self._ends[last + 1] - self._ends[first] + last + 1 - first

    def fits(self, span: Span, max_lines: int, max_chars: int) -> bool:
        """Whether a span keeps to both limits."""
        first, last = span
        rows = last + 1 - first
        return rows <= max_lines and self._ends[last + 1] - self._ends[first] + rows <= max_chars

    def has_words(self, span: Span) -> bool:
        """Whether there is a letter or digit in a span; brackets and rules alone are worth no chunk."""
        return any(map(_WORD_CHARACTER.search, self.lines[span[0] : span[1] + 1]))

    def has_word_characters(self, span: Span, count: int) -> bool:
        """Whether there are at least ``count`` letters and digits in a span."""
        found = 0
        for row in range(span[0], span[1] + 1):
            if found >= count:
                break
            found += len(_WORD_CHARACTER.findall(self.lines[row]))
        return found >= count

    def trimmed(self, span: Span) -> Span | None:
        """A span without blank lines around it and closing brackets before it; None if no words are left."""
        first, last = span
        while first <= last and _CLOSERS.fullmatch(self.lines[first]):
            first += 1
        while first <= last and not self.lines[last].strip():
            last -= 1
        return (first, last) if first <= last and self.has_words((first, last)) else None

    def pieces(self, span: Span, breaks: Iterable[int], max_lines: int, max_chars: int) -> Iterator[Span]:
        """Cut a span into the fewest pieces that keep to the limits.

        A cut goes to the last of ``breaks`` (rows where a piece may begin) that still keeps to them, and to any
        row where there is none. Only a piece of one line may be longer than ``max_chars``.
        """
        first, last = span
        best = first
        for row in (*sorted(row for row in set(breaks) if first < row <= last), last + 1):
            while not self.fits((first, row - 1), max_lines, max_chars):
                if best == first:
                    best = self._longest_prefix((first, row - 1), max_lines, max_chars)
                    if best >= row:
                        break
                yield first, best - 1
                first = best
            best = row
        if first <= last:
            yield first, last

    def _longest_prefix(self, span: Span, max_lines: int, max_chars: int) -> int:
        """The row after the longest beginning of a span that keeps to the limits; at least one line."""
        first, last = span
        row = first + 1
        while row <= last and self.fits((first, row), max_lines, max_chars):
            row += 1
        return row


def _slices(line: str, max_chars: int) -> Iterator[str]:
    """Slices of a line of at most ``max_chars`` characters each, cut after a space where there is one."""
    start = 0
    while start < len(line):
        end = start + max_chars
        if end < len(line):
            space = line.rfind(" ", start, end)
            end = space + 1 if space > start else end
        yield line[start:end]
        start = end
