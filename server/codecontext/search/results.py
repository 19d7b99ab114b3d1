"""What a search answers: hits with the evidence that put them where they are."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class Freshness(StrEnum):
    """How a hit compares with the file as it is now."""

    FRESH = "fresh"
    MOVED = "moved"
    CHANGED = "changed"


class Evidence(BaseModel):
    """Why a hit is where it is. Ranks count from 1; None where that retrieval did not find it."""

    model_config = ConfigDict(frozen=True)

    lexical_rank: int | None = None
    lexical_score: float | None = Field(None, description="BM25, summed over the fields.")
    semantic_rank: int | None = None
    semantic_score: float | None = Field(None, description="Cosine of query and chunk.")
    rules: list[str] = Field(
        default_factory=list, description="Ranking rules that applied, with their factor."
    )


class Hit(BaseModel):
    """One place in the code. Lines are 1-based and inclusive, and those of the file as it is now."""

    model_config = ConfigDict(frozen=True)

    path: str = Field(description="Relative to the searched folder, with '/'.")
    start_line: int
    end_line: int
    score: float = Field(description="Comparable within one answer only.")
    language: str
    kind: str
    symbol: str = ""
    qualified_name: str = ""
    signature: str = ""
    text: str = Field("", description="The lines themselves.")
    freshness: Freshness = Freshness.FRESH
    evidence: Evidence = Evidence()


class SearchState(BaseModel):
    """What the answer rests on."""

    model_config = ConfigDict(frozen=True)

    space: str = Field("", description="Id of the embedding space that answered; empty for words alone.")
    adapter: str | None = Field(
        None, description="Folder of the LoRA adapter in use; null for the base model."
    )
    fingerprint: str | None = Field(None, description="Digest of the adapter's content.")
    coverage: float = Field(0.0, description="Share of chunks with a vector, 0 to 1.")
    degraded: str | None = Field(None, description="What is missing from a full answer, and why.")


class SearchResponse(BaseModel):
    """Hits, best first."""

    model_config = ConfigDict(frozen=True)

    query: str
    hits: list[Hit]
    state: SearchState
    message: str = Field("", description="Why there are no hits, where there are none.")
    milliseconds: float = 0.0
