"""Batches keep the order and lose nothing."""

from __future__ import annotations

from codecontext.core.batched import batched


def test_the_last_batch_may_be_shorter() -> None:
    assert list(batched("abcde", 2)) == [["a", "b"], ["c", "d"], ["e"]]
    assert list(batched(range(4), 2)) == [[0, 1], [2, 3]]


def test_nothing_makes_no_batch() -> None:
    assert list(batched([], 3)) == []
