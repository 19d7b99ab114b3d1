"""Batches: everything once, in an order that the seed decides, and little padding."""

from __future__ import annotations

import random

from codecontext.training.optimize.batches import batches_of_epoch

LENGTHS = [random.Random(0).randint(5, 300) for _ in range(1000)]


def test_every_pair_comes_once() -> None:
    batches = batches_of_epoch(LENGTHS, 32, seed=1)
    assert sorted(number for batch in batches for number in batch) == list(range(1000))
    assert len(batches) == 32


def test_the_seed_decides_the_order() -> None:
    assert batches_of_epoch(LENGTHS, 32, seed=1) == batches_of_epoch(LENGTHS, 32, seed=1)
    assert batches_of_epoch(LENGTHS, 32, seed=1) != batches_of_epoch(LENGTHS, 32, seed=2)


def test_texts_of_a_batch_are_about_as_long_as_each_other() -> None:
    batches = batches_of_epoch(LENGTHS, 32, seed=1)
    padding = sum(max(LENGTHS[number] for number in batch) - LENGTHS[number] for batch in batches for number in batch)
    assert padding < 0.1 * sum(LENGTHS)
