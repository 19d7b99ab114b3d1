"""Fusion of keyword and semantic scores."""

from __future__ import annotations

import numpy as np
import pytest

from codecontext.search.candidates import Candidates, fuse

NONE = float("nan")


def candidates(lexical: list[float], semantic: list[float]) -> Candidates:
    return Candidates(
        rows=np.arange(len(lexical)),
        lexical=np.array(lexical, np.float32),
        semantic=np.array(semantic, np.float32),
    )


def test_the_best_of_both_scores_one() -> None:
    scores = fuse(candidates([8, 4, NONE], [0.9, 0.2, 0.5]), semantic_share=0.5)
    assert scores[0] == pytest.approx(1.0)
    assert scores[0] > scores[1]
    assert scores[0] > scores[2]


@pytest.mark.parametrize(("share", "best"), [(0.1, 0), (0.9, 1)])
def test_the_share_decides_between_words_and_meaning(share: float, best: int) -> None:
    assert int(np.argmax(fuse(candidates([9, 1], [0.1, 0.9]), share))) == best


def test_one_retrieval_alone_keeps_its_order() -> None:
    assert fuse(candidates([1, 3, 2], [NONE] * 3), 0.9).argsort().tolist() == [0, 2, 1]
    assert fuse(candidates([NONE] * 3, [0.1, 0.3, 0.2]), 0.1).argsort().tolist() == [0, 2, 1]


def test_no_candidates() -> None:
    assert fuse(candidates([], []), 0.5).shape == (0,)


def test_scaling_one_retrieval_changes_nothing() -> None:
    once = fuse(candidates([1, 2, 4], [0.1, 0.5, 0.2]), 0.5)
    scaled = fuse(candidates([10, 20, 40], [0.1, 0.5, 0.2]), 0.5)
    np.testing.assert_allclose(once, scaled, rtol=1e-6)
