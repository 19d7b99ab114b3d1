"""Scores of rankings, and confidence intervals of the difference between two systems."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from codecontext.training.data.labels import Labelled
from codecontext.training.evaluation.results import (
    MAIN_METRIC,
    METRIC_NAMES,
    Comparison,
    Interval,
    QueryChange,
    QuerySet,
    SourceComparison,
    gain_of,
)

CUTOFF = 10
RESAMPLES = 5000
CONFIDENCE = 0.95

Values = npt.NDArray[np.float64]
"""One value a query."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """The results of one query.

    ``answers`` has, for each result from the best, the number of the wanted place that it shows, or None; ``wanted``
    is how many places are wanted.
    """

    answers: Sequence[int | None]
    wanted: int

    @property
    def rank(self) -> int | None:
        """Rank of the first right result, from 1; None if there is none among those that were examined."""
        return next((number for number, answer in enumerate(self.answers, start=1) if answer is not None), None)

    def score(self) -> dict[str, float]:
        """Each of ``METRIC_NAMES``. A place counts once, with the first result that shows it (binary relevance)."""
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


def reciprocal_ranks(rankings: Sequence[Ranking]) -> Values:
    """The main metric of each query."""
    return np.array([ranking.score()[MAIN_METRIC] for ranking in rankings])


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


class Rankings(BaseModel):
    """One system's rankings of the same queries in both views."""

    model_config = ConfigDict(arbitrary_types_allowed=True, frozen=True)

    dense: list[Ranking]
    search: list[Ranking]


def summarise(queries: Sequence[Labelled], before: Rankings, after: Rankings) -> QuerySet:
    """Compare two systems over ``queries``, of which there is at least one."""
    changes = [
        _change(query, *ranks)
        for query, *ranks in zip(queries, before.dense, after.dense, before.search, after.search, strict=True)
    ]
    return QuerySet(
        queries=len(queries),
        dense=_by_metric(before.dense, after.dense),
        search=_by_metric(before.search, after.search),
        sources=_by_source(queries, before, after),
        changes=sorted(changes, key=lambda change: (-gain_of(change), change.query)),
    )


def _by_metric(before: Sequence[Ranking], after: Sequence[Ranking]) -> dict[str, Comparison]:
    scores = [[ranking.score() for ranking in rankings] for rankings in (before, after)]
    old, new = ({metric: np.array([row[metric] for row in rows]) for metric in METRIC_NAMES} for rows in scores)
    return {metric: compare(old[metric], new[metric]) for metric in METRIC_NAMES}


def _by_source(queries: Sequence[Labelled], before: Rankings, after: Rankings) -> list[SourceComparison]:
    sources = dict.fromkeys(query.pair.source for query in queries)
    found: list[SourceComparison] = []
    for source in sources:
        numbers = [number for number, query in enumerate(queries) if query.pair.source == source]
        dense = _main_comparison(before.dense, after.dense, numbers)
        search = _main_comparison(before.search, after.search, numbers)
        found.append(SourceComparison(source=source, queries=len(numbers), dense=dense, search=search))
    return sorted(found, key=lambda item: -item.queries)


def _main_comparison(before: Sequence[Ranking], after: Sequence[Ranking], numbers: Sequence[int]) -> Comparison:
    old, new = (reciprocal_ranks([rankings[number] for number in numbers]) for rankings in (before, after))
    return compare(old, new)


def _change(
    query: Labelled, dense_before: Ranking, dense_after: Ranking, search_before: Ranking, search_after: Ranking
) -> QueryChange:
    span = query.pair.code[0]
    others = f" and {len(query.pair.code) - 1} more" if len(query.pair.code) > 1 else ""
    return QueryChange(
        query=query.pair.query,
        wanted=f"{span.path}:{span.start_line}{f' {span.name}' if span.name else ''}{others}",
        source=query.pair.source,
        dense_before=dense_before.rank,
        dense_after=dense_after.rank,
        search_before=search_before.rank,
        search_after=search_after.rank,
    )
