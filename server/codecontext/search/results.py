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

    lexical_rank: int | None = Field(None, description="Rank by words.")
    lexical_score: float | None = Field(None, description="BM25, summed over the fields.")
    semantic_rank: int | None = Field(None, description="Rank by meaning.")
    semantic_score: float | None = Field(None, description="Cosine of query and chunk.")
    rules: list[str] = Field(default_factory=list, description="Ranking rules that applied, with their factor.")


class Hit(BaseModel):
    """One place in the code. Lines are 1-based and inclusive, and those of the file as it is now."""

    model_config = ConfigDict(frozen=True)

    path: str = Field(description="Relative to the searched folder, with '/'.")
    start_line: int = Field(description="First line, with decorators and leading comments.")
    end_line: int = Field(description="Last line.")
    score: float = Field(description="Comparable within one answer only.")
    language: str = Field(description="Language of the file.")
    kind: str = Field(description="function, method, class, module, section or block.")
    symbol: str = Field("", description="Name of the definition or section.")
    qualified_name: str = Field("", description="The name with those around it.")
    signature: str = Field("", description="Declaration up to the body.")
    text: str = Field("", description="The lines themselves.")
    freshness: Freshness = Field(
        Freshness.FRESH, description="Whether the file still says what was indexed: fresh, moved or changed."
    )
    evidence: Evidence = Field(default_factory=Evidence, description="Why the hit is where it is.")


class SearchState(BaseModel):
    """What the answer rests on."""

    model_config = ConfigDict(frozen=True)

    space: str = Field("", description="Id of the embedding space that answered; empty for words alone.")
    adapter: str | None = Field(None, description="Folder of the LoRA adapter in use; null for the base model.")
    fingerprint: str | None = Field(None, description="Digest of the adapter's content.")
    coverage: float = Field(0.0, description="Share of chunks with a vector, 0 to 1.")
    degraded: str | None = Field(None, description="What is missing from a full answer, and why.")


class SearchResponse(BaseModel):
    """Hits, best first."""

    model_config = ConfigDict(frozen=True)

    query: str = Field(description="The query as it was asked.")
    hits: list[Hit] = Field(description="The answer, best first.")
    state: SearchState = Field(description="What the answer rests on.")
    message: str = Field("", description="Why there are no hits, where there are none.")
    milliseconds: float = Field(0.0, description="From query to answer, without loading the model.")
