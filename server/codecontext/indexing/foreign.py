"""Folders inside a folder that are not its source: what CodeContext, git and PEFT keep there."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from codecontext.core.paths import codecontext_home
from codecontext.indexing.files import Skipped, SkipReason
from codecontext.indexing.ignore import unknown_folders
from codecontext.indexing.repositories import is_git_data, is_second_checkout

_OWN_FOLDER = ".codecontext"
"""What a project keeps for CodeContext itself: adapters, which are no code."""
_PARTS_OF_HOME = ("adapters", "cache", "indexes", "searches", "training")
_ADAPTER_CONFIG = "adapter_config.json"
_ADAPTER_WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")


class ForeignFolders:
    """Knows, folder by folder, what is left out although no rule says so."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._prefix = os.path.join(folder, "")  # noqa: PTH118 - a path for every folder below is built from it
        self._own = _parts_of_home_in(folder)
        self._covering: dict[str, Skipped | None] = {"": None}

    def covering(self, path: str) -> Skipped | None:
        """The topmost such folder that is or covers the folder ``path``, which no link leads to."""
        if path not in self._covering:
            for parent, folder in unknown_folders(path, self._covering):
                self._covering[folder] = self._covering[parent] or self._judge(folder)
        return self._covering[path]

    def _judge(self, path: str) -> Skipped | None:
        place = self._prefix + path
        if path in self._own:
            return Skipped(f"{path}/", SkipReason.IGNORED_BY_CODECONTEXT, "data of CodeContext itself")
        if path.rpartition("/")[2] == _OWN_FOLDER or _is_adapter(place):
            return Skipped(f"{path}/", SkipReason.IGNORED_BY_CODECONTEXT, "project adapters")
        if is_git_data(place):
            return Skipped(f"{path}/", SkipReason.GIT_DATA, "a repository without a checkout")
        if os.path.lexists(f"{place}/.git") and is_second_checkout(Path(place), self._folder):
            return Skipped(
                f"{path}/", SkipReason.WORKTREE, "another checkout of a repository that is already indexed here"
            )
        return None


def files_written_to() -> frozenset[tuple[int, int]]:
    """Device and inode of the files that take what this process prints: ``codecontext index > index.log``."""
    found = []
    for descriptor in (1, 2):
        with suppress(OSError):
            status = os.fstat(descriptor)
            if stat.S_ISREG(status.st_mode):
                found.append((status.st_dev, status.st_ino))
    return frozenset(found)


def _parts_of_home_in(folder: Path) -> frozenset[str]:
    """Where below ``folder`` CodeContext keeps indexes, cache and adapters."""
    home, real = Path(os.path.realpath(codecontext_home())), Path(os.path.realpath(folder))
    if home == real:
        return frozenset(_PARTS_OF_HOME)
    return frozenset([home.relative_to(real).as_posix()] if home.is_relative_to(real) else [])


def _is_adapter(folder: str) -> bool:
    """Whether PEFT saved an adapter there: configuration and weights, with a model card of prose."""
    return os.path.lexists(f"{folder}/{_ADAPTER_CONFIG}") and any(
        os.path.lexists(f"{folder}/{name}") for name in _ADAPTER_WEIGHTS
    )
