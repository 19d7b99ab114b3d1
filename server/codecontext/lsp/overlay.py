"""Maps lines between an unsaved document and its file."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

_MAX_LINES = 3000
"""Of a changed middle that is compared line by line; the comparison is quadratic at worst."""
_COMMON = 16
"""A line that occurs this often identifies no place; comparing with it is what makes the worst case so slow."""


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines ``old`` to ``old + length`` are the lines ``new`` to ``new + length``; all count from 0."""

    old: int
    new: int
    length: int


class LineMap:
    """Follows lines from one version of a text to another. Lines count from 0."""

    def __init__(self, old: Sequence[str], new: Sequence[str]) -> None:
        self._blocks = _equal_blocks(old, new)
        self._end = len(old)

    def span(self, start: int, end: int) -> tuple[int, int] | None:
        """Where lines ``start`` to ``end`` (exclusive) are now; None where none of them is left.

        Lines that were changed in place count as left when something around them is.
        """
        first, last = self._edge(start, after=False), self._edge(end, after=True)
        return (first, last) if last > first else None

    def _edge(self, line: int, *, after: bool) -> int:
        """Where the boundary before ``line`` is now.

        Between blocks the boundary could be anywhere in the inserted lines; ``after`` takes their end, so that a span
        keeps lines that were changed inside it.
        """
        line = min(line, self._end)
        index = bisect_right(self._blocks, line, key=lambda block: block.old) - 1
        block = self._blocks[index]
        if line < block.old + block.length or (after and line == block.old + block.length):
            return block.new + line - block.old
        return self._blocks[index + 1].new if after else block.new + block.length


def _equal_blocks(old: Sequence[str], new: Sequence[str]) -> list[_Block]:
    """Blocks in order; the first begins both texts and the last ends them, if with no lines at all."""
    most = min(len(old), len(new))
    head = next((i for i in range(most) if old[i] != new[i]), most)
    tail = next((i for i in range(most - head) if old[-1 - i] != new[-1 - i]), most - head)
    middle_old, middle_new = old[head : len(old) - tail], new[head : len(new) - tail]
    blocks = [_Block(0, 0, head)]
    if middle_old and middle_new and max(len(middle_old), len(middle_new)) <= _MAX_LINES:
        often = {line for line, times in Counter(middle_new).items() if times > _COMMON}
        matcher = SequenceMatcher(often.__contains__ if often else None, middle_old, middle_new, autojunk=False)
        blocks += [
            _Block(head + match.a, head + match.b, match.size) for match in matcher.get_matching_blocks() if match.size
        ]
    return [*blocks, _Block(len(old) - tail, len(new) - tail, tail)]
