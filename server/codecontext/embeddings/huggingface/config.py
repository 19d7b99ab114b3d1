"""Settings of the Hugging Face embedding provider, and the same with the adapter's folder checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from codecontext.adapters.files import require_folder
from codecontext.core.errors import AdapterError, ConfigError
from codecontext.core.paths import expand_user
from codecontext.embeddings.base import InstructionType
from codecontext.embeddings.model_files import BUNDLED_MODEL

Device = Annotated[str, StringConstraints(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")]


class HuggingFaceSettings(BaseModel):
    """Which model embeds, with which adapter, where and how.

    A pure value: nothing is looked up on disk. What is wrong with a model or an adapter shows when it is loaded.
    """

    model_config = ConfigDict(extra="forbid", validate_default=True, protected_namespaces=())

    model_name: str = Field(
        BUNDLED_MODEL,
        min_length=1,
        description=(
            "Base model: `all-MiniLM-L6-v2` (installed with CodeContext), a folder (`~` is expanded), or a "
            "Hugging Face name such as `jinaai/jina-code-embeddings-0.5b`."
        ),
    )
    lora_adapter_path: str | None = Field(
        None,
        description=(
            "Folder of a PEFT LoRA adapter (`adapter_config.json` and `adapter_model.safetensors`) made for "
            "the base model; `~` is expanded. Unset: the base model alone."
        ),
    )
    device: Device = Field(
        "auto",
        description="Where the model runs: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.",
    )
    backend: Literal["auto", "torch", "openvino"] = Field(
        "auto",
        description=(
            "What runs the model: `torch` anywhere, `openvino` on CPUs. `auto` takes OpenVINO on a CPU when "
            "it is installed."
        ),
        json_schema_extra={
            "enumDescriptions": [
                "OpenVINO on a CPU when it is installed, else PyTorch.",
                "PyTorch: any device.",
                "OpenVINO: the same vectors on CPUs, in less time.",
            ]
        },
    )
    threads: int | None = Field(
        None,
        ge=1,
        description="CPU threads for the model. Unset: the backend's own choice.",
    )
    max_tokens: int | None = Field(
        None,
        ge=8,
        description="Longer texts are cut to this many tokens. Unset: the model's own limit.",
    )
    dimension: int | None = Field(
        None,
        ge=1,
        description=(
            "Truncate vectors to this many dimensions, for models trained for it (Matryoshka). Unset: all dimensions."
        ),
    )
    allow_download: bool = Field(
        False,
        description="Whether a model that is not on this machine may be downloaded from Hugging Face.",
        json_schema_extra={"user_only": True},
    )
    prompts: dict[InstructionType, str] = Field(
        default_factory=dict,
        description=(
            "Text put before queries and passages, by instruction type (`nl2code.query`, `nl2code.passage`, "
            "`code2code.query`, …). Unset: the model's own."
        ),
    )
    batch_tokens: int | None = Field(
        None,
        ge=1,
        description="Tokens embedded at once, padding included. Unset: chosen for the device and its memory.",
    )

    @field_validator("model_name")
    @classmethod
    def _expand_model_folder(cls, value: str) -> str:
        return str(_expanded(value)) if value.startswith("~") else value

    @field_validator("lora_adapter_path")
    @classmethod
    def _expand_adapter_folder(cls, value: str | None) -> str | None:
        return str(_expanded(value)) if value else None


class HuggingFaceConfig(HuggingFaceSettings):
    """``HuggingFaceSettings`` whose adapter, if any, is known to be a folder with an ``adapter_config.json``.

    Raises ``ValueError`` (pydantic's ``ValidationError``) when it is not.
    """

    @field_validator("lora_adapter_path")
    @classmethod
    def _require_adapter_folder(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                require_folder(Path(value))
            except AdapterError as error:
                raise ValueError(error.message) from error
        return value


def _expanded(value: str) -> Path:
    try:
        return expand_user(value)
    except ConfigError as error:
        raise ValueError(error.message) from error
