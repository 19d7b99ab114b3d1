"""The files of an adapter folder, and how they are read."""

from __future__ import annotations

import os
import reprlib
from dataclasses import dataclass
from enum import StrEnum
from io import FileIO
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from codecontext.core.errors import AdapterError
from codecontext.core.json_file import parse_json
from codecontext.core.reading import MAX_RULES_BYTES, UnreadableFile, open_file, read_file

CONFIG_FILE = "adapter_config.json"
WEIGHTS_FILE = "adapter_model.safetensors"
PICKLE_FILE = "adapter_model.bin"
MANIFEST_FILE = "codecontext.json"

MAX_WEIGHTS_BYTES = 4_000_000_000
"""Largest file of weights that is read; adapters have 1 to 50 MB, with embeddings of their own up to 3 GB."""

MAX_MANIFEST_BYTES = 50_000_000
"""Largest ``codecontext.json``; the digests of a hundred thousand training questions take 2 MB."""

# https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_HALF_WRITTEN = "It may be half-written or damaged; save the adapter again."

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80
_SHORT.maxlevel = 3


class AdapterSide(StrEnum):
    """Which texts an adapter was trained for."""

    BOTH = "both"
    QUERY = "query"


_FileStamp = tuple[int, int, int, int]
"""A file as ``stat`` sees it: inode, size, times of the last change of content and of anything, in nanoseconds.

No program can set the last of them, so what was read is what is there as long as all four are the same.
"""


@dataclass(frozen=True, slots=True)
class AdapterStamp:
    """State of an adapter folder and its files, without reading them; None for a file that cannot be found."""

    folder: Path
    """The real folder, with all links followed."""
    config: _FileStamp | None
    weights: _FileStamp | None
    manifest: _FileStamp | None


def stamp_of(path: Path) -> AdapterStamp:
    """State of the adapter at ``path``, which need not exist; never raises for what it finds there."""
    try:
        folder = Path(os.path.realpath(path))
    except (OSError, ValueError):  # not a path on this system: with a null character, or not in its encoding
        folder = path
    return AdapterStamp(folder, *(_file_stamp(folder / name) for name in (CONFIG_FILE, WEIGHTS_FILE, MANIFEST_FILE)))


def _file_stamp(file: Path) -> _FileStamp | None:
    try:
        status = file.stat()
    except (OSError, ValueError):
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


class AdapterManifest(BaseModel):
    """What CodeContext itself notes with an adapter, in ``codecontext.json``; the file is optional."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = ""
    side: AdapterSide = AdapterSide.BOTH
    base_fingerprint: str = ""
    """Digest of the base model that the adapter was trained on; empty when unknown."""


def require_folder(path: Path) -> None:
    """Raise ``AdapterError`` unless ``path`` is a folder with an ``adapter_config.json``."""
    # os.path returns False where Path raises: no permission, a name too long, circular links.
    if not os.path.exists(path):  # noqa: PTH110
        raise AdapterError(f"LoRA adapter path does not exist: {path}", f"Name the folder with {CONFIG_FILE} in it.")
    if not os.path.isdir(path):  # noqa: PTH112
        raise AdapterError(
            f"LoRA adapter path must be a directory: {path}", f"Name the folder with {CONFIG_FILE} in it."
        )
    if not has_config(path):
        raise AdapterError(
            f"Invalid LoRA adapter: missing {CONFIG_FILE} in {path}",
            "PEFT's save_pretrained writes it, in the same folder as the weights.",
        )


def has_config(folder: Path) -> bool:
    """Whether ``folder`` has what makes it an adapter, as a regular file; False where that cannot be seen."""
    return os.path.isfile(folder / CONFIG_FILE)  # noqa: PTH113


def read_config(path: Path) -> dict[str, Any]:
    """``adapter_config.json`` of the folder ``path``.

    Raises ``AdapterError`` when it is missing, unreadable or no JSON object.
    """
    require_folder(path)
    return _read_json_object(path / CONFIG_FILE, MAX_RULES_BYTES) or {}


def read_adapter_manifest(path: Path) -> AdapterManifest:
    """``codecontext.json`` of the folder ``path``, or the defaults when there is none."""
    content = _read_json_object(path / MANIFEST_FILE, MAX_MANIFEST_BYTES)
    if content is None:
        return AdapterManifest()
    try:
        return AdapterManifest.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        raise AdapterError(
            f"{path / MANIFEST_FILE}: {'.'.join(map(str, first['loc']))} is {shown(first['input'])}.",
            f"{first['msg']}.",
        ) from error


def open_weights(path: Path) -> FileIO:
    """``adapter_model.safetensors`` of the folder ``path``, looked at before it is read.

    Raises ``AdapterError`` when it is missing, a pickle, a Git LFS pointer, no regular file or far too large.
    """
    weights = path / WEIGHTS_FILE
    try:
        file = open_file(weights, max_bytes=MAX_WEIGHTS_BYTES)
    except FileNotFoundError as error:
        raise _no_weights(path) from error
    except OSError as error:
        raise unreadable(weights, error) from error
    beginning = file.read(len(_LFS_POINTER))
    file.seek(0)
    if beginning == _LFS_POINTER:
        file.close()
        raise _lfs_pointer(weights)
    return file


def read_weights(path: Path) -> bytes:
    """Content of ``adapter_model.safetensors`` in the folder ``path``. Raises ``AdapterError`` as ``open_weights``."""
    open_weights(path).close()
    try:
        # Read, not mapped: truncating a mapped file crashes the process.
        return read_file(path / WEIGHTS_FILE, max_bytes=MAX_WEIGHTS_BYTES)
    except OSError as error:
        raise unreadable(path / WEIGHTS_FILE, error) from error


def unreadable(file: Path, error: OSError) -> AdapterError:
    """The error for a file of an adapter that cannot be read."""
    reason = error.strerror or str(error)
    said = f"{file} {reason}" if isinstance(error, UnreadableFile) else f"{file} cannot be read: {reason}"
    return AdapterError(f"{said}.", "Copy the adapter again, and check its permissions.")


def shown(value: Any) -> str:
    """``value`` as a message may show it, shortened whatever its size and depth."""
    return _SHORT.repr(value)


def _read_json_object(path: Path, max_bytes: int) -> dict[str, Any] | None:
    """The object in a JSON file; ``None`` when the file does not exist."""
    try:
        raw = read_file(path, max_bytes=max_bytes)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unreadable(path, error) from error
    if raw.startswith(_LFS_POINTER):
        raise _lfs_pointer(path)
    try:
        content = parse_json(raw)
    except ValueError as error:
        raise AdapterError(f"{path} cannot be read: {error}.", _HALF_WRITTEN) from error
    if not isinstance(content, dict):
        raise AdapterError(f"{path} contains {type(content).__name__}, not a JSON object.", "Save the adapter again.")
    return content


def _lfs_pointer(file: Path) -> AdapterError:
    return AdapterError(
        f"{file} is a Git LFS pointer: Git has not fetched the file itself.",
        "Fetch it with: git lfs pull",
    )


def _no_weights(path: Path) -> AdapterError:
    if os.path.lexists(path / PICKLE_FILE):
        return AdapterError(
            f"The adapter in {path} has its weights as a pickle ({PICKLE_FILE}), which can run any code when "
            "loaded, so it is refused.",
            "If you trust it, convert it once: torch.load(file, weights_only=True), then "
            f"safetensors.torch.save_file(tensors, '{WEIGHTS_FILE}').",
        )
    return AdapterError(
        f"The adapter in {path} has no weights: {WEIGHTS_FILE} is missing.",
        "Save the adapter again with PEFT's save_pretrained, or copy all its files.",
    )
