"""How many pairs each source gave."""

from __future__ import annotations

from pydantic import BaseModel, Field


class SourceCount(BaseModel):
    """What one source gave."""

    source: str = Field(description="Where the pairs come from.")
    pairs: int = Field(description="Pairs that are kept.")
    left_out: dict[str, int] = Field(description="Pairs that are not, by reason.")
