"""The result of an evaluation: two systems over the same queries, by source, and query by query.

Plain models without numpy, so that the command line can name them and still start at once.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

METRIC_NAMES = {
    "recall_at_1": "Recall@1",
    "recall_at_5": "Recall@5",
    "recall_at_10": "Recall@10",
    "mrr_at_10": "MRR@10",
    "ndcg_at_10": "nDCG@10",
}
MAIN_METRIC = "mrr_at_10"
"""The one that decides, and that is shown where there is room for one."""

SHOWN_CHANGES = 10


class Verdict(StrEnum):
    """Which way a change goes, as far as its interval tells it from chance."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "same"

    @property
    def summary(self) -> str:
        """What to say about search with an adapter; a sentence without its full stop."""
        return {
            Verdict.BETTER: "Search improves significantly",
            Verdict.WORSE: "Search gets significantly worse",
            Verdict.SAME: "No significant improvement in search",
        }[self]


class Interval(BaseModel):
    """A mean and its 95 % confidence interval."""

    model_config = ConfigDict(frozen=True)

    mean: float = Field(description="Mean over the queries.")
    low: float = Field(description="Lower end of the 95 % interval.")
    high: float = Field(description="Upper end of the 95 % interval.")

    @property
    def verdict(self) -> Verdict:
        """Of a difference: whether the interval excludes a loss, or a gain."""
        if self.mean > 0 and self.low >= 0:
            return Verdict.BETTER
        return Verdict.WORSE if self.high < 0 else Verdict.SAME


class Comparison(BaseModel):
    """One metric of two systems over the same queries."""

    model_config = ConfigDict(frozen=True)

    before: Interval = Field(description="The baseline.")
    after: Interval = Field(description="The adapter.")
    gain: Interval = Field(description="The difference, paired by query.")


def described_change(change: Interval, metric: str, other: str) -> str:
    """What the whole search does, for a sentence: ``gains +0.012 MRR@10 over base``, or ``loses 0.012 …``."""
    if change.mean < 0:
        return f"loses {-change.mean:.3f} {metric} against {other}"
    return f"gains {change.mean:+.3f} {metric} over {other}"


class SystemName(BaseModel):
    """One of the two systems compared."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(description="Name of the adapter, or `base`.")
    path: str | None = Field(None, description="Folder of the adapter; null for the base model.")
    fingerprint: str | None = Field(None, description="Digest of the adapter's content.")
    side: str | None = Field(None, description="Which texts the adapter is for.")


class QueryChange(BaseModel):
    """How one query fared. Ranks count from 1; null: not among the results that were examined."""

    model_config = ConfigDict(frozen=True)

    query: str = Field(description="The query.")
    wanted: str = Field(description="The code that answers it, as `path:line name`.")
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

    queries: int = Field(description="How many queries were run.")
    left_out: int = Field(0, description="Queries that were skipped because the adapter was trained on them.")
    not_found: int = Field(0, description="Queries whose code is not in the index.")
    dense: dict[str, Comparison] = Field(description="By vectors alone, by metric.")
    search: dict[str, Comparison] = Field(description="Through the whole search, by metric.")
    sources: list[SourceComparison] = Field(description="MRR@10 by source.")
    changes: list[QueryChange] = Field(description="Every query, those that gained most first.")

    @property
    def verdict(self) -> Verdict:
        """What the adapter does to the whole search."""
        return self.search[MAIN_METRIC].gain.verdict

    @property
    def gained(self) -> list[QueryChange]:
        """The queries that gained most rank in the whole search."""
        return [change for change in self.changes if search_gain_of(change) > 0][:SHOWN_CHANGES]

    @property
    def lost(self) -> list[QueryChange]:
        """The queries that lost most rank in the whole search."""
        return [change for change in reversed(self.changes) if search_gain_of(change) < 0][:SHOWN_CHANGES]


class Evaluation(BaseModel):
    """An adapter against the base model or another adapter."""

    folder: str = Field(description="The folder.")
    adapter: SystemName = Field(description="The adapter.")
    against: SystemName = Field(description="The baseline: the base model or another adapter.")
    base_model: str = Field(description="The base model of both.")
    chunks: int = Field(description="How many chunks were searched.")
    pairs: QuerySet | None = Field(description="Held-out pairs of the repository.")
    own: QuerySet | None = Field(None, description="The user's own labelled queries.")
    helps_search: bool = Field(
        description="Whether search improves significantly, by your own queries where there are any: the interval of "
        "the gain excludes a loss."
    )
    report: str | None = Field(None, description="Path of the HTML report.")
    seconds: float = Field(0.0, description="How long it took.")

    @property
    def deciding(self) -> QuerySet:
        """The user's own queries where there are any, else the held-out pairs."""
        chosen = self.own or self.pairs
        if chosen is None:
            raise ValueError("an evaluation has queries")
        return chosen


def gain_of(change: QueryChange) -> float:
    """How much a query gained: in reciprocal rank of the whole search, ties by that of the vectors."""
    dense = _reciprocal(change.dense_after) - _reciprocal(change.dense_before)
    return search_gain_of(change) + dense / 1000


def search_gain_of(change: QueryChange) -> float:
    """How much a query gained in reciprocal rank of the whole search."""
    return _reciprocal(change.search_after) - _reciprocal(change.search_before)


def _reciprocal(rank: int | None) -> float:
    return 1 / rank if rank else 0.0
