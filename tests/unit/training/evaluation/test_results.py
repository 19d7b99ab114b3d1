"""What a change is called."""

from __future__ import annotations

import pytest

from codecontext.training.evaluation.results import Interval, described_change


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
