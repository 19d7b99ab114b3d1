"""The settings of every room, composed into one tree."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from codecontext.adapters.places import AdaptersConfig
from codecontext.chunking.config import ChunkingConfig
from codecontext.embeddings.huggingface.config import HuggingFaceSettings
from codecontext.indexing.scan import ScanConfig
from codecontext.search.config import SearchConfig
from codecontext.store.config import StorageConfig

ENV_PREFIX = "CODECONTEXT_"
ENV_DELIMITER = "__"

TRUSTED_ONLY: JsonDict = {"trusted_only": True}
"""Marks a field, and all below it, whose value a project file may not set in a folder that is not trusted.

A field marked ``user_only`` is never taken from a project: it spends what is the user's own, such as the network, disk
outside the folder, or a record of what was searched.
"""


class EmbeddingsSettings(BaseModel):
    """What turns text into vectors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: Literal["huggingface"] = Field("huggingface", description="Which kind of model embeds.")
    huggingface: HuggingFaceSettings = Field(
        default_factory=HuggingFaceSettings, description="A model in Hugging Face format, and its adapter."
    )


class LoggingSettings(BaseModel):
    """What is written to the log."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info",
        description="The least serious messages that are logged.",
        json_schema_extra={
            "enumDescriptions": [
                "Everything, for finding a fault.",
                "What is done.",
                "What is not as it should be.",
                "Only what failed.",
            ]
        },
    )


class EngineSettings(BaseModel):
    """The engine process behind an editor. The command line does not use these."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    auto_index: bool = Field(
        True, description="Whether a folder is indexed in the background by itself as soon as an editor opens it."
    )
    idle_minutes: float = Field(
        15.0,
        ge=0,
        description=(
            "After so many minutes without a question or a changed file the engine ends and gives all its memory "
            "back; the next question starts it again. 0: never."
        ),
    )
    reconcile_minutes: float = Field(
        10.0, ge=0.1, description="How often a folder is compared with its index, for what no event told."
    )
    leave_cores: int = Field(
        1, ge=0, description="CPU cores that indexing leaves alone, where there are more; questions may use all."
    )


class Settings(BaseSettings):
    """All settings.

    Made directly it takes the values given and defaults; ``load_settings`` asks the sources, which depend on
    the folder.
    """

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter=ENV_DELIMITER,
        env_ignore_empty=True,
        env_parse_none_str="null",
        extra="forbid",
        frozen=True,
    )

    embeddings: EmbeddingsSettings = Field(
        default_factory=EmbeddingsSettings,
        description="What turns text into vectors.",
        json_schema_extra=TRUSTED_ONLY,
    )
    adapters: AdaptersConfig = Field(
        default_factory=AdaptersConfig,
        description="Where adapters are found by name.",
        json_schema_extra=TRUSTED_ONLY,
    )
    indexing: ScanConfig = Field(default_factory=ScanConfig, description="Which files are indexed.")
    chunking: ChunkingConfig = Field(default_factory=ChunkingConfig, description="How files are cut into chunks.")
    search: SearchConfig = Field(default_factory=SearchConfig, description="How searches are answered.")
    storage: StorageConfig = Field(
        default_factory=StorageConfig,
        description="What is kept on disk.",
        json_schema_extra=TRUSTED_ONLY,
    )
    engine: EngineSettings = Field(
        default_factory=EngineSettings,
        description="How the engine behind an editor works.",
        json_schema_extra=TRUSTED_ONLY,
    )
    logging: LoggingSettings = Field(
        default_factory=LoggingSettings, description="What is logged.", json_schema_extra=TRUSTED_ONLY
    )

    @classmethod
    def settings_customise_sources(  # type: ignore[override]  # the other usual sources are not wanted
        cls,
        _settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        **_usual: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only the values given."""
        return (init_settings,)
