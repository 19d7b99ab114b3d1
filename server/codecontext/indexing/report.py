"""What an indexing run did."""

from __future__ import annotations

from pydantic import BaseModel, Field


class IndexReport(BaseModel):
    """Counts of one run over one folder. Times in seconds."""

    folder: str = Field(description="The indexed folder.")
    files: int = Field(0, description="Files that are in the index now.")
    files_written: int = Field(0, description="Files that were new or had changed.")
    files_removed: int = Field(0, description="Files that are gone or are skipped now.")
    chunks: int = Field(0, description="Chunks that are in the index now.")
    chunks_embedded: int = Field(0, description="Distinct texts that went through the model.")
    chunks_reused: int = Field(0, description="Distinct texts whose vector was in the cache.")
    coverage: float = Field(0.0, description="Share of chunks with a vector in the active space, 0 to 1.")
    skipped: dict[str, int] = Field(default_factory=dict, description="Skipped files by reason.")
    space_id: str = Field("", description="Id of the active embedding space.")
    adapter: str | None = Field(None, description="Folder of the adapter in use; null for the base model.")
    notices: list[str] = Field(default_factory=list, description="What was repaired or left out.")
    cancelled: bool = Field(False, description="Whether the run was stopped before its end.")
    scan_seconds: float = Field(0.0, description="To list the files and decide which count.")
    first_seconds: float | None = Field(
        None, description="Until the first new chunks were searchable by their words; null for nothing new."
    )
    text_seconds: float = Field(0.0, description="Until every chunk was searchable by its words.")
    embed_seconds: float = Field(0.0, description="To give chunks their vectors, without loading the model.")
    seconds: float = Field(0.0, description="All of it.")
