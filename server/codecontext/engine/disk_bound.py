"""Keeps the indexes of all folders within the size that the settings allow: what was unused for longest goes first.

First go the vectors of models and adapters that a folder no longer uses, then whole indexes. What is in use stays, and
so does an index that another process writes; whatever went is made again when its folder is opened.
"""

from __future__ import annotations

from contextlib import closing, suppress
from pathlib import Path

from codecontext.core.errors import IndexCorrupt, IndexLocked
from codecontext.engine.index_folders import delete_index, index_directories, indexed_folder_of, size_of
from codecontext.engine.last_use import unused_seconds
from codecontext.store.index_store import IndexStore
from codecontext.store.lock import writer_lock

IN_USE_SECONDS = 600.0
"""An index that was used so recently may be open; whoever has it open notes that more often."""

_MEGABYTE = 1_000_000


def bound_indexes(max_mb: int, current: Path) -> list[str]:
    """Remove what is needed to keep all indexes within ``max_mb``; returns a sentence for each thing that went.

    ``current`` is the directory of the index that has just been written; it stays. Raises ``StoreError``.
    """
    sizes = {directory: size_of(directory) for directory in index_directories()}
    excess = sum(sizes.values()) - max_mb * _MEGABYTE
    said: list[str] = []
    if excess <= 0:
        return said
    unused = {directory: unused_seconds(directory) for directory in sizes if directory != current}
    idle = sorted((each for each in unused if unused[each] > IN_USE_SECONDS), key=lambda each: -unused[each])
    reason = f"to keep all indexes within storage.index_mb ({max_mb:,})"
    for remove, what in ((_drop_old_spaces, "vectors of models and adapters no longer in use"), (_drop, "the index")):
        for directory in idle:
            folder = indexed_folder_of(directory) or directory
            if excess > 0 and (freed := remove(directory)):
                excess -= freed
                said.append(f"Removed {what} of {folder}, unused for {_days(unused[directory])}, {reason}.")
    if excess > 0:
        said.append(
            f"All indexes together exceed storage.index_mb ({max_mb:,}) by {-(-excess // _MEGABYTE):,} MB, "
            "and all that is left is in use."
        )
    return said


def _drop_old_spaces(directory: Path) -> int:
    """Remove the vectors of all spaces but the active one; returns the bytes freed."""
    before = size_of(directory)
    with closing(IndexStore(directory)) as store, suppress(IndexCorrupt, IndexLocked):
        spaces = store.state().spaces
        if len(spaces) < 2:
            return 0
        with writer_lock(directory):
            store.set_spaces(spaces[:1])
    return max(0, before - size_of(directory))


def _drop(directory: Path) -> int:
    """Remove an index; returns the bytes freed, 0 if another process writes it."""
    before = size_of(directory) if directory.is_dir() else 0
    with suppress(IndexLocked):
        delete_index(directory)
        return before
    return 0


def _days(seconds: float) -> str:
    days = int(seconds // 86_400)
    return "less than a day" if days < 1 else "1 day" if days == 1 else f"{days:,} days"
