"""Batches of texts that are about as long as each other, so that little is padding."""

from __future__ import annotations

import random
from collections.abc import Sequence

from codecontext.core.batched import batched


def batches_by_length(token_ids: Sequence[Sequence[int]], size: int) -> list[list[int]]:
    """Numbers of all texts in batches of ``size``, shortest first."""
    return list(batched(sorted(range(len(token_ids)), key=lambda number: len(token_ids[number])), size))


def batches_of_epoch(lengths: Sequence[int], size: int, seed: int) -> list[list[int]]:
    """Numbers of all pairs in batches of ``size``, in an order that ``seed`` decides.

    The order is random, then pairs within some batches' reach are sorted by length.
    """
    generator = random.Random(seed)
    numbers = list(range(len(lengths)))
    generator.shuffle(numbers)
    near = [number for reach in batched(numbers, 16 * size) for number in sorted(reach, key=lengths.__getitem__)]
    batches = list(batched(near, size))
    generator.shuffle(batches)
    return batches
