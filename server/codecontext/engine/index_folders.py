"""The indexes in the CodeContext home, as folders on the disk."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

from codecontext.core.errors import IndexCorrupt, StoreError
from codecontext.core.paths import codecontext_home
from codecontext.store.index_reader import RECORDS_FOLDER
from codecontext.store.index_store import IndexStore
from codecontext.store.lock import writer_lock


def index_directories() -> list[Path]:
    """The folder of every index, by name; links are none."""
    root = codecontext_home() / "indexes"
    found = sorted(root.iterdir()) if root.is_dir() else []
    return [directory for directory in found if directory.is_dir() and not directory.is_symlink()]


def indexed_folder_of(directory: Path) -> Path | None:
    """The folder that an index belongs to; None if the index does not say."""
    recorded = ""
    with closing(IndexStore(directory)) as store, suppress(IndexCorrupt, StoreError):
        recorded = store.folder()
    return Path(recorded) if recorded else None


def size_of(place: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    files = place.rglob("*") if place.is_dir() else [place]
    return sum(file.lstat().st_size for file in files if file.is_file() and not file.is_symlink())


def delete_index(directory: Path, also: Sequence[Path] = ()) -> None:
    """Delete an index under its writer's lock, after what else belongs to its folder.

    What names the folder goes last, so that a next run can resume. Raises ``IndexLocked`` and ``StoreError``.
    """
    try:
        with writer_lock(directory):
            for place in also:
                _delete(place)
            for entry in sorted(directory.iterdir(), key=lambda entry: entry.name in RECORDS_FOLDER):
                if entry.name != "writer.lock":
                    _delete(entry)
        _delete(directory)
    except OSError as error:
        raise StoreError(
            f"The index {directory} cannot be removed: {error.strerror}.", "Check the folder's permissions."
        ) from error


def _delete(place: Path) -> None:
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)
