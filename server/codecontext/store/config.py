"""Settings of what is kept on disk."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class StorageConfig(BaseModel):
    """How much disk CodeContext may use."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cache_mb: int = Field(
        2000,
        ge=10,
        description=(
            "Maximum size in MB of the embedding cache that all folders share (a vector of the bundled model takes "
            "about 1.6 kB). When it is full, the oldest vectors are removed first."
        ),
        json_schema_extra={"user_only": True},
    )
    index_mb: int | None = Field(
        None,
        ge=1,
        description=(
            "Maximum size in MB of the indexes of all folders together. When it is exceeded, vectors of models and "
            "adapters no longer in use are removed first, then the indexes that were unused for longest, but none that "
            "is in use; they are rebuilt when their folder is opened. Unset: no limit."
        ),
        json_schema_extra={"user_only": True},
    )
