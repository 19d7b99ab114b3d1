"""Finds the project that contains a directory."""

from __future__ import annotations

import shlex
from pathlib import Path

from codecontext.core.errors import ConfigError, IndexNotReady
from codecontext.core.paths import expand_user, index_directory
from codecontext.indexing.repositories import enclosing_repository, is_second_checkout
from codecontext.store.index_store import IndexStore


def existing_folder(path: Path) -> Path:
    """``path``, absolute and with ``~`` and links resolved. Raises ``ConfigError`` if it is not a folder."""
    folder = expand_user(path).resolve()
    if folder.is_dir():
        return folder
    if folder.exists():
        raise ConfigError(f"'{path}' is a file, not a folder.", "Name the folder that contains it.")
    raise ConfigError(f"There is no folder '{path}'.", "Name a folder that exists.")


def has_index(folder: Path) -> bool:
    """Whether ``folder`` itself is indexed."""
    return IndexStore(index_directory(folder)).has_index()


def nearest_folder(place: Path) -> Path:
    """The project that ``place``, a folder, belongs to.

    The nearest one upwards that has an index in which ``place`` can be; else the nearest git repository; else
    ``place``. The index of a repository contains nothing of its linked worktrees, wherever they are.
    """
    checkouts: list[Path] = []
    for folder in (place, *place.parents):
        if has_index(folder) and not any(is_second_checkout(checkout, folder) for checkout in checkouts):
            return folder
        if (folder / ".git").exists():
            checkouts.append(folder)
    return enclosing_repository(place) or place


def indexed_folder(place: Path) -> Path:
    """``nearest_folder``, which must have an index. Raises ``IndexNotReady``."""
    return with_index(nearest_folder(place))


def with_index(folder: Path) -> Path:
    """``folder``, which must have an index. Raises ``IndexNotReady``."""
    if not has_index(folder):
        is_outdated = IndexStore(index_directory(folder)).is_outdated()
        message = "'s index was made by an earlier version." if is_outdated else " has no index yet."
        raise IndexNotReady(f"The folder {folder}{message}", f"Run: codecontext index {shlex.quote(str(folder))}")
    return folder
