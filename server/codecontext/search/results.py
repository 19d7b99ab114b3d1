"""What a search returns: hits with the evidence that put them where they are."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from codecontext.core.messages import Message, Sentence


class Freshness(StrEnum):
    """How a hit compares with the file as it is now."""

    FRESH = "fresh"
    MOVED = "moved"
    CHANGED = "changed"


class Evidence(Message):
    """Why a hit is where it is. Ranks count from 1; null where that retrieval did not find it."""

    lexical_rank: int | None = Field(None, description="Rank in keyword search.")
    lexical_score: float | None = Field(None, description="BM25, summed over the fields.")
    semantic_rank: int | None = Field(None, description="Rank in semantic search.")
    semantic_score: float | None = Field(None, description="Cosine of query and chunk.")
    rules: list[str] = Field(default_factory=list, description="Ranking rules that applied, with their factor.")


class FoundCode(Message):
    """What every hit says, wherever its place is given by lines or by the editor's positions."""

    folder: str = Field("", description="The searched folder; in LSP its URI.")
    path: str = Field(description="Path relative to that folder, with '/'.")
    score: float = Field(description="Comparable within one response only.")
    language: str = Field(description="Language of the file.")
    kind: str = Field(description="function, method, class, module, section or block.")
    symbol: str = Field("", description="Name of the definition or section; may be empty.")
    qualified_name: str = Field("", description="The name with those around it; may be empty.")
    signature: str = Field("", description="Declaration up to the body; may be empty.")
    text: str = Field("", description="The lines themselves.")
    freshness: Freshness = Field(
        Freshness.FRESH, description="Whether the text is as it was indexed: fresh, moved or changed."
    )
    evidence: Evidence = Field(default_factory=Evidence, description="Why the hit is where it is.")


class Hit(FoundCode):
    """One place in the code. Lines are 1-based and inclusive, and those of the file as it is now."""

    start_line: int = Field(description="First line, with decorators and leading comments.")
    end_line: int = Field(description="Last line.")


class SearchState(Message):
    """What the results of one folder rest on."""

    folder: str = Field("", description="The searched folder; in LSP its URI.")
    space: str = Field("", description="Id of the embedding space in use; empty for keyword search only.")
    adapter: str | None = Field(None, description="Folder of the LoRA adapter in use; null for the base model.")
    fingerprint: str | None = Field(None, description="Digest of the adapter's content.")
    coverage: float = Field(0.0, description="Share of chunks that are embedded, 0 to 1.")
    degraded: Sentence | None = Field(None, description="What is missing from full results, and why; null if nothing.")


class Results(Message):
    """What comes with hits of any kind."""

    query: str = Field(description="The query as it was given.")
    states: list[SearchState] = Field(description="What the results rest on, by folder.")
    message: Sentence = Field("", description="Why there are no hits, where there are none.")
    milliseconds: float = Field(0.0, description="Time from query to results, without loading the model.")


class SearchResponse(Results):
    """Hits, best first, of one folder or of several."""

    hits: list[Hit] = Field(description="The results, best first.")

    @property
    def state(self) -> SearchState:
        """What the results of the first folder rest on, which is the only one unless several were searched."""
        return self.states[0]
