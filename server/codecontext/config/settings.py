"""The settings of every room, composed into one tree."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from codecontext.adapters.config import AdaptersConfig
from codecontext.chunking.config import ChunkingConfig
from codecontext.embeddings.huggingface.config import HuggingFaceSettings
from codecontext.indexing.config import ScanConfig
from codecontext.search.config import SearchConfig
from codecontext.store.config import StorageConfig

ENV_PREFIX = "CODECONTEXT_"
ENV_DELIMITER = "__"

TRUSTED_ONLY: JsonDict = {"trusted_only": True}
"""Marks a field, and everything below it, that a project file may not set in a folder that is not trusted.

A field marked ``user_only`` is never taken from a project: it affects the user beyond the folder, such as the network,
the rest of the disk, or a log of searches.
"""


class EmbeddingsSettings(BaseModel):
    """How text is embedded."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: Literal["huggingface"] = Field("huggingface", description="Kind of embedding model.")
    huggingface: HuggingFaceSettings = Field(
        default_factory=HuggingFaceSettings, description="A model in Hugging Face format, and its LoRA adapter."
    )


class LoggingSettings(BaseModel):
    """What is logged."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info",
        description="Minimum log level.",
        json_schema_extra={
            "enumDescriptions": [
                "Everything, for troubleshooting.",
                "What CodeContext does.",
                "Problems that it can work around.",
                "Failures only.",
            ]
        },
    )


class EngineSettings(BaseModel):
    """The service, the background process behind editors. The command line does not use these."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    auto_index: bool = Field(True, description="Index a folder in the background as soon as an editor opens it.")
    idle_minutes: float = Field(
        15.0,
        ge=0,
        description=(
            "Shut the engine down after this many idle minutes, without a search or a changed file, to free its "
            "memory; the next search starts it again. 0: never."
        ),
    )
    reconcile_minutes: float = Field(
        10.0, ge=0.1, description="Minutes between full rescans, which catch changes that file watching missed."
    )
    memory_mb: int | None = Field(
        None,
        ge=1,
        description=(
            "Maximum memory in MB of the engine and its children, not counting mapped files. While they take more, "
            "indexing stops and says so; searches still work. Unset: no limit."
        ),
        json_schema_extra={"user_only": True},
    )
    leave_cores: int = Field(
        1, ge=0, description="CPU cores that indexing leaves free, if there are more; searches may use all."
    )


class Settings(BaseSettings):
    """All settings.

    Created directly, it has the given values and defaults; ``load_settings`` reads the sources, which depend on
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
        description="How text is embedded.",
        json_schema_extra=TRUSTED_ONLY,
    )
    adapters: AdaptersConfig = Field(
        default_factory=AdaptersConfig,
        description="Where adapters are looked up by name.",
        json_schema_extra=TRUSTED_ONLY,
    )
    indexing: ScanConfig = Field(default_factory=ScanConfig, description="Which files are indexed.")
    chunking: ChunkingConfig = Field(default_factory=ChunkingConfig, description="How files are split into chunks.")
    search: SearchConfig = Field(default_factory=SearchConfig, description="How search works.")
    storage: StorageConfig = Field(
        default_factory=StorageConfig,
        description="What is kept on disk.",
        json_schema_extra=TRUSTED_ONLY,
    )
    engine: EngineSettings = Field(
        default_factory=EngineSettings,
        description="How the background process behind editors works.",
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
