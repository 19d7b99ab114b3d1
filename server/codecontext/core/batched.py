"""Slices of a sequence; ``itertools.batched`` needs Python 3.12."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

_T = TypeVar("_T")


def batched(items: Sequence[_T], size: int) -> Iterator[list[_T]]:
    """``items`` in order, ``size`` at a time; the last batch may be shorter."""
    return (list(items[start : start + size]) for start in range(0, len(items), size))
