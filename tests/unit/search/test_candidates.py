"""Fusion of keyword and semantic scores."""

from __future__ import annotations

import numpy as np
import pytest

from codecontext.search.candidates import fuse
from codecontext.store.vector_file import Floats

NONE = float("nan")


def fused(lexical: list[float], semantic: list[float], share: float) -> Floats:
    return fuse(np.array(lexical, np.float32), np.array(semantic, np.float32), share)


def test_the_best_of_both_scores_one() -> None:
    scores = fused([8, 4, NONE], [0.9, 0.2, 0.5], 0.5)
    assert scores[0] == pytest.approx(1.0)
    assert scores[0] > scores[1]
    assert scores[0] > scores[2]


@pytest.mark.parametrize(("share", "best"), [(0.1, 0), (0.9, 1)])
def test_the_share_decides_between_words_and_meaning(share: float, best: int) -> None:
    assert int(np.argmax(fused([9, 1], [0.1, 0.9], share))) == best


def test_one_retrieval_alone_keeps_its_order() -> None:
    assert fused([1, 3, 2], [NONE] * 3, 0.9).argsort().tolist() == [0, 2, 1]
    assert fused([NONE] * 3, [0.1, 0.3, 0.2], 0.1).argsort().tolist() == [0, 2, 1]


def test_no_candidates() -> None:
    assert fused([], [], 0.5).shape == (0,)


def test_scaling_one_retrieval_changes_nothing() -> None:
    once = fused([1, 2, 4], [0.1, 0.5, 0.2], 0.5)
    scaled = fused([10, 20, 40], [0.1, 0.5, 0.2], 0.5)
    np.testing.assert_allclose(once, scaled, rtol=1e-6)
