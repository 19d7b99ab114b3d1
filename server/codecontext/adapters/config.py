"""Settings of where adapters are looked for."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class AdaptersConfig(BaseModel):
    """Where adapters are found by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folders: tuple[str, ...] = Field(
        (),
        description=(
            "More folders whose subfolders are adapters; `~` is expanded. `~/.codecontext/adapters` and the project's "
            "`.codecontext/adapters` are always looked through."
        ),
    )
