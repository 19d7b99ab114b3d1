"""Removes the indexes of deleted folders."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from codecontext.core.errors import IndexLocked
from codecontext.core.paths import codecontext_home, index_directory
from codecontext.engine.index_folders import delete_index, index_directories, indexed_folder_of, size_of


class Verdict(StrEnum):
    """What happened to one index. The values are stable: they are printed."""

    REMOVED = "removed"
    MAYBE_UNMOUNTED = "maybe_unmounted"
    IN_USE = "in_use"
    UNKNOWN = "unknown"


class PrunedIndex(BaseModel):
    """One index whose folder does not exist."""

    model_config = ConfigDict(frozen=True)

    folder: str = Field(description="The indexed folder; empty if the index does not record it.")
    index_directory: str = Field(description="The folder of its index.")
    bytes: int = Field(description="Disk space of the index and of everything else kept for the folder.")
    verdict: Verdict = Field(
        description="removed; or kept because the folder's drive may not be mounted (maybe_unmounted), another process "
        "is writing the index (in_use), or the index does not record its folder (unknown)."
    )


class PruneReport(BaseModel):
    """What was removed, and what was kept although its folder does not exist."""

    model_config = ConfigDict(frozen=True)

    dry_run: bool = Field(description="Whether this only shows what would be removed.")
    indexes: list[PrunedIndex] = Field(description="All indexes whose folder does not exist.")
    bytes_freed: int = Field(description="Disk space of the removed indexes.")
    kept: int = Field(description="Number of indexes whose folder exists.")


def prune(*, dry_run: bool = False) -> PruneReport:
    """Remove every index whose folder was deleted, with the logged searches and training state of that folder.

    A folder counts as deleted only if its parent exists and is not empty: a drive that is not mounted leaves no parent,
    or an empty one. ``dry_run`` removes nothing. Raises ``StoreError`` if the disk refuses.
    """
    gone: list[PrunedIndex] = []
    kept = 0
    for directory in index_directories():
        found = _look_at(directory)
        if found is None:
            kept += 1
            continue
        if found.verdict is Verdict.REMOVED and not dry_run:
            found = _remove(directory, found)
        gone.append(found)
    freed = sum(item.bytes for item in gone if item.verdict is Verdict.REMOVED)
    return PruneReport(dry_run=dry_run, indexes=gone, bytes_freed=freed, kept=kept)


def _look_at(directory: Path) -> PrunedIndex | None:
    """What to do with the index in ``directory``; None if its folder exists."""
    folder = indexed_folder_of(directory)
    if folder is not None and _exists(folder):
        return None
    return PrunedIndex(
        folder=str(folder or ""),
        index_directory=str(directory),
        bytes=sum(size_of(place) for place in _belongings(directory)),
        verdict=_verdict(directory, folder),
    )


def _verdict(directory: Path, folder: Path | None) -> Verdict:
    # An index is named after its folder: one that records another name was not written by us.
    if folder is None or not folder.is_absolute() or index_directory(folder).name != directory.name:
        return Verdict.UNKNOWN
    try:
        return Verdict.REMOVED if any(folder.parent.iterdir()) else Verdict.MAYBE_UNMOUNTED
    except OSError:
        return Verdict.MAYBE_UNMOUNTED


def _exists(folder: Path) -> bool:
    """Whether the folder exists; one that we may not look at counts as existing."""
    try:
        folder.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def _belongings(directory: Path) -> list[Path]:
    """The index and everything else kept for its folder."""
    home = codecontext_home()
    return [directory, home / "training" / directory.name, home / "searches" / f"{directory.name}.jsonl"]


def _remove(directory: Path, found: PrunedIndex) -> PrunedIndex:
    """Delete the index and all that belongs to its folder, unless it is being written."""
    try:
        delete_index(directory, also=_belongings(directory)[1:])
    except IndexLocked:
        return found.model_copy(update={"verdict": Verdict.IN_USE})
    return found
