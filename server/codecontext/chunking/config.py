"""How large chunks may become."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class ChunkingConfig(BaseModel):
    """Limits of a chunk.

    Small encoders read about 256 tokens, which is some 1,000 characters of code; the full-text index reads
    everything. A function is the unit that people look for, so it stays whole far beyond what the encoder
    reads (``max_chunk_lines``, ``max_chunk_chars``): its head says what it does. What has no such unit, or is
    larger still, is cut into pieces of at most ``target_lines`` and ``target_chars``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_chunk_lines: int = Field(default=120, ge=1, description="Definitions with more lines are split.")
    max_chunk_chars: int = Field(
        default=4500, ge=200, description="Definitions and lines with more characters are split."
    )
    target_lines: int = Field(
        default=50, ge=1, description="Lines per piece. Classes with more lines become one chunk per method."
    )
    target_chars: int = Field(
        default=1800,
        ge=100,
        description="Characters per piece. Classes with more characters become one chunk per method.",
    )
    min_chunk_chars: int = Field(
        default=80,
        ge=0,
        description="Code between two definitions with fewer letters and digits is merged into one of them.",
    )
    window_lines: int = Field(default=40, ge=1, description="Lines per window of plain text.")
    window_overlap: int = Field(default=8, ge=0, description="Lines by which two windows overlap.")
    max_doc_chars: int = Field(
        default=2000, ge=0, description="Longer documentation is truncated to this many characters."
    )
    max_outline_chars: int = Field(
        default=800, ge=0, description="Maximum characters of the member list in the signature of a split class."
    )
    max_parse_chars: int = Field(
        default=2_000_000, ge=0, description="Files with more characters are cut into windows without being parsed."
    )

    @model_validator(mode="after")
    def _limits_fit_together(self) -> Self:
        if self.window_overlap >= self.window_lines:
            raise ValueError("window_overlap must be smaller than window_lines")
        if self.target_lines > self.max_chunk_lines:
            raise ValueError("target_lines must not be larger than max_chunk_lines")
        if self.target_chars > self.max_chunk_chars:
            raise ValueError("target_chars must not be larger than max_chunk_chars")
        return self
