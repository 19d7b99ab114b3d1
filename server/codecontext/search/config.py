"""Settings of search, and the weights behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from codecontext.search.query import QueryKind


class SearchConfig(BaseModel):
    """Settings of search."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(
        10, ge=1, le=200, description="Maximum number of results per search, unless the request sets its own."
    )
    query_time_embeddings: int = Field(
        24,
        ge=0,
        le=256,
        description=(
            "While an index is being built, how many of the best keyword matches are embedded during a search, as far "
            "as a tenth of a second allows, so that they are ranked semantically too. "
            "0 turns it off."
        ),
    )
    keep_log: bool = Field(
        False,
        description=(
            "Log queries and the results opened from them to a local file, for training adapters. The log never "
            "leaves this machine."
        ),
        json_schema_extra={"user_only": True},
    )


class Retrieval(StrEnum):
    """Which retrieval is used; both, unless a benchmark compares them."""

    HYBRID = "hybrid"
    LEXICAL = "lexical"
    SEMANTIC = "semantic"


@dataclass(frozen=True, slots=True)
class Weights:
    """Numbers of the ranking, found on the development sets of ``make quality`` (docs/evaluation.md)."""

    fields: dict[str, float] = field(default_factory=lambda: {"name_terms": 0.5, "path_terms": 1.0, "body_terms": 1.0})
    """Factor of each term field's BM25."""
    depth: int = 200
    """Candidates taken from each retrieval."""
    semantic_share: dict[QueryKind, float] = field(
        default_factory=lambda: {
            QueryKind.PHRASE: 0.45,
            QueryKind.SYMBOL: 0.2,
            QueryKind.CODE: 0.8,
        }
    )
    """Weight of the semantic score against the keyword score, 0 to 1."""
    definition: float = 2.0
    """Factor for the chunk that defines the symbol in the query."""
    side_path: float = 0.5
    """Factor for tests, examples, documents and copies of other projects, unless the query mentions them."""
    file_evidence: float = 0.3
    """How much a file gains, at most, from the scores of all its candidates."""
    repeat: float = 0.85
    """Factor for a file's second chunk, applied again for each further one."""
