"""What training minimises."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Protocol


class Objective(Protocol):
    """A loss over numbered training pairs."""

    def lengths(self) -> Sequence[int]:
        """Length of each pair's query, for batches that need little padding."""
        ...

    def backward(self, batch: Sequence[int], seed: int) -> float:
        """Add the gradients of a batch to the adapter's weights and return its loss; ``seed`` decides all chance."""
        ...


def batches_of_epoch(lengths: Sequence[int], size: int, seed: int) -> list[list[int]]:
    """Numbers of all pairs in batches of ``size``, in an order that ``seed`` decides.

    The order is random, then pairs within some batches' reach are sorted by length, so that little is padding.
    """
    reach = 16 * size
    generator = random.Random(seed)
    numbers = list(range(len(lengths)))
    generator.shuffle(numbers)
    near = [
        number
        for start in range(0, len(numbers), reach)
        for number in sorted(numbers[start : start + reach], key=lengths.__getitem__)
    ]
    batches = [near[start : start + size] for start in range(0, len(near), size)]
    generator.shuffle(batches)
    return batches
