"""Settings of where adapters are kept."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

from codecontext.core.errors import ConfigError
from codecontext.core.paths import expand_user


class AdaptersConfig(BaseModel):
    """Where adapters are found by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folders: tuple[str, ...] = Field(
        (),
        description=(
            "More folders whose subfolders are adapters; `~` is expanded. `~/.codecontext/adapters` and the project's "
            "`.codecontext/adapters` are always searched."
        ),
    )

    @field_validator("folders")
    @classmethod
    def _home_folders_must_exist(cls, folders: tuple[str, ...]) -> tuple[str, ...]:
        for folder in folders:
            try:
                expand_user(folder)
            except ConfigError as error:
                raise ValueError(error.message) from error
        return folders
