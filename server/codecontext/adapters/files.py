"""The files of an adapter folder, and how they are read."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from codecontext.core.errors import AdapterError

CONFIG_FILE = "adapter_config.json"
WEIGHTS_FILE = "adapter_model.safetensors"
PICKLE_FILE = "adapter_model.bin"
MANIFEST_FILE = "codecontext.json"


class AdapterSide(StrEnum):
    """Which texts an adapter was trained for."""

    BOTH = "both"
    QUERY = "query"


class AdapterManifest(BaseModel):
    """What CodeContext itself notes beside an adapter, in ``codecontext.json``; the file is optional."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = ""
    side: AdapterSide = AdapterSide.BOTH
    base_fingerprint: str = ""
    """Digest of the base model that the adapter was trained on; empty when unknown."""


def require_folder(path: Path) -> None:
    """Raise ``AdapterError`` unless ``path`` is a folder with an ``adapter_config.json``."""
    if not path.exists():
        raise AdapterError(f"LoRA adapter path does not exist: {path}", f"Name the folder with {CONFIG_FILE} in it.")
    if not path.is_dir():
        raise AdapterError(
            f"LoRA adapter path must be a directory: {path}", f"Name the folder with {CONFIG_FILE} in it."
        )
    if not (path / CONFIG_FILE).is_file():
        raise AdapterError(
            f"Invalid LoRA adapter: missing {CONFIG_FILE} in {path}",
            "PEFT's save_pretrained writes it; a checkpoint keeps it beside the weights.",
        )


def read_config(path: Path) -> dict[str, Any]:
    """``adapter_config.json`` of the folder ``path``.

    Raises ``AdapterError`` when it is missing, unreadable or no JSON object.
    """
    require_folder(path)
    return _read_json_object(path / CONFIG_FILE) or {}


def read_manifest(path: Path) -> AdapterManifest:
    """``codecontext.json`` of the folder ``path``, or the defaults when there is none."""
    content = _read_json_object(path / MANIFEST_FILE)
    if content is None:
        return AdapterManifest()
    try:
        return AdapterManifest.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        raise AdapterError(
            f"{path / MANIFEST_FILE}: {'.'.join(map(str, first['loc']))} is {first['input']!r}.",
            f"{first['msg']}.",
        ) from error


def _read_json_object(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file; ``None`` when the file does not exist."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise AdapterError(
            f"{path} cannot be read: {error}.", "It may be half-written or damaged; save the adapter again."
        ) from error
    if not isinstance(content, dict):
        raise AdapterError(f"{path} holds {type(content).__name__}, not a JSON object.", "Save the adapter again.")
    return content
