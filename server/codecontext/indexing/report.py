"""What an indexing run did."""

from __future__ import annotations

from pydantic import BaseModel, Field


class IndexReport(BaseModel):
    """Counts of one run over one folder. Times in seconds."""

    folder: str = Field(description="The indexed folder.")
    files: int = Field(0, description="Files in the index now.")
    files_written: int = Field(0, description="New and changed files.")
    files_removed: int = Field(0, description="Files that were deleted or are skipped now.")
    chunks: int = Field(0, description="Chunks in the index now.")
    chunks_embedded: int = Field(0, description="Distinct texts embedded by the model.")
    chunks_reused: int = Field(0, description="Distinct texts whose vector came from the cache.")
    coverage: float = Field(0.0, description="Share of chunks with a vector in the active space, 0 to 1.")
    skipped: dict[str, int] = Field(default_factory=dict, description="Skipped files by reason.")
    space_id: str = Field("", description="Id of the active embedding space.")
    adapter: str | None = Field(None, description="Folder of the adapter in use; null for the base model.")
    notices: list[str] = Field(default_factory=list, description="What was repaired or left out.")
    cancelled: bool = Field(False, description="Whether the run was stopped before it finished.")
    scan_seconds: float = Field(0.0, description="To list the files and decide which are indexed.")
    first_seconds: float | None = Field(
        None, description="Until keyword search found the first new chunks; null if there were none."
    )
    text_seconds: float = Field(0.0, description="Until keyword search found every chunk.")
    embed_seconds: float = Field(0.0, description="To embed the chunks, not counting loading the model.")
    seconds: float = Field(0.0, description="The whole run.")
