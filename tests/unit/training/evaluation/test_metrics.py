"""Metrics against values worked out by hand, and intervals against what they must cover."""

from __future__ import annotations

import math

import numpy as np
import pytest

from codecontext.training.evaluation.metrics import Ranking, compare


def test_a_single_answer() -> None:
    scores = Ranking([None, None, 0, None], wanted=1).score()
    assert scores["recall_at_1"] == 0
    assert scores["recall_at_5"] == scores["recall_at_10"] == 1
    assert scores["mrr_at_10"] == pytest.approx(1 / 3)
    assert scores["ndcg_at_10"] == pytest.approx(1 / math.log2(4))


def test_several_answers_count_once_each() -> None:
    ranking = Ranking([1, 1, None, 0], wanted=3)
    scores = ranking.score()
    assert ranking.rank == 1
    assert scores["recall_at_1"] == pytest.approx(1 / 3)
    assert scores["recall_at_5"] == pytest.approx(2 / 3)
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert scores["ndcg_at_10"] == pytest.approx((1 + 1 / math.log2(5)) / ideal)


def test_what_comes_after_rank_10_counts_for_nothing() -> None:
    ranking = Ranking([*[None] * 10, 0], wanted=1)
    assert ranking.rank == 11
    assert set(ranking.score().values()) == {0.0}


def test_nothing_found() -> None:
    ranking = Ranking([None] * 20, wanted=2)
    assert ranking.rank is None
    assert set(ranking.score().values()) == {0.0}


def test_a_steady_gain_is_told_from_chance() -> None:
    generator = np.random.default_rng(0)
    before = generator.random(300)
    gain = compare(before, before + 0.05 + generator.normal(0, 0.1, 300)).gain
    assert 0 < gain.low < gain.mean < gain.high
    assert gain.mean == pytest.approx(0.05, abs=0.02)
    width = 2 * 1.96 * 0.1 / math.sqrt(300)
    assert gain.high - gain.low == pytest.approx(width, rel=0.15)


def test_no_difference_is_not_called_one() -> None:
    generator = np.random.default_rng(1)
    before, after = generator.random(200), generator.random(200)
    gain = compare(before, after).gain
    assert gain.low < 0 < gain.high


def test_the_same_values_give_the_same_intervals() -> None:
    values = np.random.default_rng(2).random(50)
    assert compare(values, values[::-1]) == compare(values, values[::-1])
    assert compare(values, values).gain.high == 0
