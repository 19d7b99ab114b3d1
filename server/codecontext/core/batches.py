"""Sequences cut into pieces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def batched(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Consecutive slices of ``values``, of ``size`` each but for the last, in order."""
    return (values[start : start + size] for start in range(0, len(values), size))
