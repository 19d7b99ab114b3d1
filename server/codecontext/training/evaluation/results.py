"""What an evaluation says: two systems over the same queries, by source, and query by query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from codecontext.training.data.labels import Labelled
from codecontext.training.evaluation.intervals import Comparison
from codecontext.training.evaluation.metrics import MAIN_METRIC, METRICS, Ranking, compare

SHOWN_CHANGES = 10

View = Literal["dense", "search"]


class SystemName(BaseModel):
    """One of the two systems compared."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(description="Name of the adapter, or `base`.")
    path: str | None = Field(None, description="Folder of the adapter; null for the base model.")
    fingerprint: str | None = Field(None, description="Digest of the adapter's content.")
    side: str | None = Field(None, description="Which texts the adapter is for.")


class QueryChange(BaseModel):
    """How one query fared. Ranks count from 1; null: not among the results that were looked at."""

    model_config = ConfigDict(frozen=True)

    query: str = Field(description="The query.")
    wanted: str = Field(description="What answers it, as `path:line name`.")
    source: str = Field(description="Where the query comes from.")
    dense_before: int | None = Field(description="Rank by vectors alone, before.")
    dense_after: int | None = Field(description="Rank by vectors alone, with the adapter.")
    search_before: int | None = Field(description="Rank in the whole search, before.")
    search_after: int | None = Field(description="Rank in the whole search, with the adapter.")


class SourceComparison(BaseModel):
    """The queries of one source."""

    model_config = ConfigDict(frozen=True)

    source: str = Field(description="Where the queries come from.")
    queries: int = Field(description="How many there are.")
    dense: Comparison = Field(description="MRR@10 by vectors alone.")
    search: Comparison = Field(description="MRR@10 through the whole search.")


class QuerySet(BaseModel):
    """The comparison over one set of queries."""

    queries: int = Field(description="How many queries were asked.")
    left_out: int = Field(0, description="Queries that were not, since the adapter was trained with them.")
    not_found: int = Field(0, description="Queries whose answer is not in the index.")
    dense: dict[str, Comparison] = Field(description="By vectors alone, by metric.")
    search: dict[str, Comparison] = Field(description="Through the whole search, by metric.")
    sources: list[SourceComparison] = Field(description="MRR@10 by source.")
    changes: list[QueryChange] = Field(description="Every query, those that gained most first.")

    @property
    def helps_search(self) -> bool:
        """Whether the whole search gained, and the interval of the gain does not reach below zero."""
        gain = self.search[MAIN_METRIC].gain
        return gain.mean > 0 and gain.low >= 0

    @property
    def gained(self) -> list[QueryChange]:
        """The queries whose rank in the whole search rose most."""
        return [change for change in self.changes if search_gain_of(change) > 0][:SHOWN_CHANGES]

    @property
    def lost(self) -> list[QueryChange]:
        """The queries whose rank fell most."""
        return [change for change in reversed(self.changes) if search_gain_of(change) < 0][:SHOWN_CHANGES]


class Evaluation(BaseModel):
    """An adapter against the base model or another adapter."""

    folder: str = Field(description="The folder.")
    adapter: SystemName = Field(description="The adapter.")
    against: SystemName = Field(description="What it is compared with.")
    base_model: str = Field(description="The base model of both.")
    chunks: int = Field(description="Chunks among which the answers are searched.")
    pairs: QuerySet | None = Field(description="Held-out pairs of the repository.")
    own: QuerySet | None = Field(None, description="The user's own labelled queries.")
    helps_search: bool = Field(
        description="Whether the gain on the whole search excludes a loss, on your own queries where there are any."
    )
    report: str | None = Field(None, description="Where the HTML report is.")
    seconds: float = Field(0.0, description="How long it took.")

    @property
    def deciding(self) -> QuerySet:
        """The user's own queries where there are any, else the held-out pairs."""
        chosen = self.own or self.pairs
        if chosen is None:
            raise ValueError("an evaluation has queries")
        return chosen


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


def gain_of(change: QueryChange) -> float:
    """How much a query gained: in reciprocal rank of the whole search, ties by that of the vectors."""
    dense = _reciprocal(change.dense_after) - _reciprocal(change.dense_before)
    return search_gain_of(change) + dense / 1000


def search_gain_of(change: QueryChange) -> float:
    """How much a query gained in reciprocal rank of the whole search."""
    return _reciprocal(change.search_after) - _reciprocal(change.search_before)


def _reciprocal(rank: int | None) -> float:
    return 1 / rank if rank else 0.0


def _by_metric(before: Sequence[Ranking], after: Sequence[Ranking]) -> dict[str, Comparison]:
    scores = [[ranking.score() for ranking in rankings] for rankings in (before, after)]
    old, new = ({metric: np.array([row[metric] for row in rows]) for metric in METRICS} for rows in scores)
    return {metric: compare(old[metric], new[metric]) for metric in METRICS}


def _by_source(queries: Sequence[Labelled], before: Rankings, after: Rankings) -> list[SourceComparison]:
    sources = dict.fromkeys(query.pair.source for query in queries)
    found: list[SourceComparison] = []
    for source in sources:
        numbers = [number for number, query in enumerate(queries) if query.pair.source == source]
        dense, search = (
            _by_metric([old[number] for number in numbers], [new[number] for number in numbers])[MAIN_METRIC]
            for old, new in ((before.dense, after.dense), (before.search, after.search))
        )
        found.append(SourceComparison(source=source, queries=len(numbers), dense=dense, search=search))
    return sorted(found, key=lambda item: -item.queries)


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
