"""What a ranking is worth, and how sure a difference between two systems is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from codecontext.training.evaluation.intervals import Comparison, Interval

CUTOFF = 10
MAIN_METRIC = "mrr_at_10"
"""The one that decides, and that is shown where there is room for one."""
METRICS = ("recall_at_1", "recall_at_5", "recall_at_10", "mrr_at_10", "ndcg_at_10")

RESAMPLES = 5000
CONFIDENCE = 0.95

Values = npt.NDArray[np.float64]
"""One value a query."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """How one query was answered.

    ``answers`` has, for each result from the best, the number of the wanted place that it shows, or None; ``wanted``
    is how many places are wanted.
    """

    answers: Sequence[int | None]
    wanted: int

    @property
    def rank(self) -> int | None:
        """Rank of the first right answer, from 1; None if there is none in what was looked at."""
        return next((number for number, answer in enumerate(self.answers, start=1) if answer is not None), None)

    def score(self) -> dict[str, float]:
        """The ``METRICS``. A place counts once, with the first result that shows it (binary relevance)."""
        first: dict[int, int] = {}
        for number, answer in enumerate(self.answers, start=1):
            if answer is not None:
                first.setdefault(answer, number)
        ranks = sorted(first.values())
        gain = sum(1 / math.log2(rank + 1) for rank in ranks if rank <= CUTOFF)
        ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(self.wanted, CUTOFF) + 1))
        recalls = {f"recall_at_{depth}": sum(rank <= depth for rank in ranks) / self.wanted for depth in (1, 5, 10)}
        return {
            **recalls,
            "mrr_at_10": 1 / ranks[0] if ranks and ranks[0] <= CUTOFF else 0.0,
            "ndcg_at_10": gain / ideal,
        }


def compare(before: Values, after: Values, seed: int = 0) -> Comparison:
    """Compare two systems by a paired bootstrap over the queries (percentile intervals, ``RESAMPLES`` draws).

    Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13; both systems are drawn with the same
    queries, so what makes queries easy or hard cancels out.
    """
    count = len(before)
    generator = np.random.default_rng(seed)
    means = np.empty((RESAMPLES, 2))
    values = np.stack([before, after], axis=1)
    for number in range(RESAMPLES):
        means[number] = values[generator.integers(0, count, count)].mean(axis=0)
    return Comparison(
        before=_interval(before, means[:, 0]),
        after=_interval(after, means[:, 1]),
        gain=_interval(after - before, means[:, 1] - means[:, 0]),
    )


def _interval(values: Values, means: Values) -> Interval:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(mean=float(values.mean()), low=float(low), high=float(high))
