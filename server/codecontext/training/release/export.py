"""Copies an adapter for others: the files that PEFT and CodeContext read, and the card."""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
from pathlib import Path

from codecontext.adapters import inspect_adapter
from codecontext.adapters.files import CONFIG_FILE, MANIFEST_FILE, MAX_MANIFEST_BYTES, WEIGHTS_FILE
from codecontext.core.atomic import move_into_place
from codecontext.core.errors import AdapterError, StoreError
from codecontext.core.json_file import read_json_file
from codecontext.core.paths import expand_user
from codecontext.training.release.artifact import CARD_FILE

_PRIVATE_FIELDS = ("trained_queries",)


def export_adapter(adapter: Path, target: Path) -> dict[str, int]:
    """Copy the adapter to ``target``, a folder or a ``.zip``; returns file name → size in bytes.

    Raises ``AdapterError`` for an invalid adapter or a target that exists, ``StoreError`` when the disk
    refuses; then nothing is left of it.
    """
    inspect_adapter(adapter)
    target = expand_user(target).absolute()
    if target.exists():
        raise AdapterError(f"{target} already exists.", "Choose a new folder or archive.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as temporary:
            draft = Path(temporary) / adapter.name
            files = _copy(adapter, draft)
            if target.suffix == ".zip":
                archive = Path(temporary) / target.name
                _pack(draft, archive)
                move_into_place(archive, target)
            else:
                move_into_place(draft, target)
    except OSError as error:
        raise StoreError(
            f"The adapter cannot be written to {target}: {error.strerror}.", "Choose another place."
        ) from error
    return files


def _copy(adapter: Path, folder: Path) -> dict[str, int]:
    folder.mkdir()
    for name in (CONFIG_FILE, WEIGHTS_FILE, CARD_FILE):
        if (adapter / name).is_file():
            shutil.copyfile(adapter / name, folder / name)
    manifest = adapter / MANIFEST_FILE
    if manifest.is_file():
        content = read_json_file(manifest, max_bytes=MAX_MANIFEST_BYTES)
        shared = {key: value for key, value in content.items() if key not in _PRIVATE_FIELDS}
        (folder / MANIFEST_FILE).write_text(json.dumps(shared, indent=2) + "\n", encoding="utf-8")
    return {file.name: file.stat().st_size for file in sorted(folder.iterdir())}


def _pack(folder: Path, archive: Path) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for item in sorted(folder.iterdir()):
            file.write(item, f"{folder.name}/{item.name}")
