"""What a change is called, and what it is worth."""

from __future__ import annotations

import pytest

from codecontext.training.evaluation.results import Interval, Verdict, described_change


@pytest.mark.parametrize(
    ("mean", "said"),
    [
        (0.0123, "gains +0.012 MRR@10 over base"),
        (0.0, "gains +0.000 MRR@10 over base"),
        (-0.0123, "loses 0.012 MRR@10 against base"),
    ],
)
def test_a_loss_is_not_called_a_gain(mean: float, said: str) -> None:
    assert described_change(Interval(mean=mean, low=mean, high=mean), "MRR@10", "base") == said


@pytest.mark.parametrize(
    ("mean", "low", "high", "verdict"),
    [
        (0.02, 0.001, 0.04, Verdict.BETTER),
        (0.02, 0.0, 0.04, Verdict.BETTER),
        (0.0, 0.0, 0.0, Verdict.SAME),
        (0.02, -0.001, 0.04, Verdict.SAME),
        (-0.006, -0.02, 0.01, Verdict.SAME),
        (-0.02, -0.04, -0.001, Verdict.WORSE),
    ],
)
def test_only_an_interval_that_excludes_the_opposite_decides(
    mean: float, low: float, high: float, verdict: Verdict
) -> None:
    assert Interval(mean=mean, low=low, high=high).verdict is verdict


def test_no_verdict_calls_a_loss_an_improvement() -> None:
    assert Verdict.SAME.summary == "No significant improvement in search"
    assert Verdict.WORSE.summary == "Search gets significantly worse"
