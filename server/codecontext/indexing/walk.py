"""Lists a folder without git: reads the ignore files that git would read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from codecontext.core import CancelToken
from codecontext.core.paths import DEPENDENCIES_AND_CACHES, NOT_SOURCE_MARKERS, VERSION_CONTROL
from codecontext.indexing.files import Listing, Skipped, SkipReason
from codecontext.indexing.ignore import IgnoreTree, Note, OuterRules, read_outer_rules, rules_from_above
from codecontext.indexing.repositories import common_folder, git_folder

_CANDIDATES_PER_PART = 500

FolderFilter = Callable[[str], bool]


def walk_everything(folder: Path, enter: FolderFilter, cancel: CancelToken) -> Iterator[Listing]:
    """Every file below ``folder``, whatever git thinks; only folders that ``enter`` accepts are opened.

    It comes in parts while the walk goes on.
    """
    return _Walk(folder, None, enter, cancel).run()


def walk_by_ignore_files(
    folder: Path, repository: Path | None, enter: FolderFilter, cancel: CancelToken, note: Note
) -> Iterator[Listing]:
    """The verdict of the ``.gitignore`` files in ``folder`` and above it up to ``repository``.

    What only git knows is not in it: the user's global ignore file, and which files are tracked. In return,
    dependency and cache folders are left out, as nearly every ignore file would have them. It comes in parts while the
    walk goes on.
    """
    ignores = IgnoreTree(folder, ".gitignore", _rules_of_repository(folder, repository, note), note)
    return _Walk(folder, ignores, enter, cancel).run()


def _rules_of_repository(folder: Path, repository: Path | None, note: Note) -> list[OuterRules]:
    if repository is None:
        return []
    data = git_folder(repository)
    private = data and read_outer_rules(common_folder(data) / "info" / "exclude", repository, folder, note)
    return [*([private] if private else []), *rules_from_above(folder, repository, ".gitignore", note)]


class _Walk:
    def __init__(self, folder: Path, git_ignores: IgnoreTree | None, enter: FolderFilter, cancel: CancelToken) -> None:
        self._prefix = os.path.join(folder, "")  # noqa: PTH118 - a path for every folder below is built from it
        self._git_ignores = git_ignores
        self._enter = enter
        self._cancel = cancel
        self._listing = Listing()

    def run(self) -> Iterator[Listing]:
        pending = [""]
        while pending:
            self._cancel.check()
            folder = pending.pop()
            pending.extend(self._open(folder))
            if len(self._listing.candidates) >= _CANDIDATES_PER_PART:
                yield self._listing
                self._listing = Listing()
        yield self._listing

    def _open(self, folder: str) -> list[str]:
        """Take the files of ``folder``; returns the folders in it that are worth opening."""
        try:
            with os.scandir(self._prefix + folder) as entries:
                content = list(entries)
        except OSError as error:
            self._skip(f"{folder or '.'}/", SkipReason.UNREADABLE, error.strerror or str(error))
            return []
        if folder and not self._is_own_source(folder, {entry.name for entry in content}):
            return []
        return list(self._subfolders(folder, content))

    def _is_own_source(self, folder: str, names: set[str]) -> bool:
        """Whether the folder belongs to this tree: it is no repository, no dependency and no cache."""
        if self._git_ignores is None:
            return True
        if ".git" in names:
            self._listing.candidates.append(folder)
            return False
        if folder.rpartition("/")[2] in DEPENDENCIES_AND_CACHES or not NOT_SOURCE_MARKERS.isdisjoint(names):
            self._skip(f"{folder}/", SkipReason.EXCLUDED, "dependencies or cache")
            return False
        return True

    def _subfolders(self, folder: str, content: list[os.DirEntry[str]]) -> Iterator[str]:
        """Take the files of ``folder`` and give the folders in it that are worth opening."""
        for entry in content:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if not entry.is_dir(follow_symlinks=False):
                self._take_unless_ignored(path)
            elif entry.name not in VERSION_CONTROL and not self._is_ignored_folder(path) and self._enter(path):
                yield path

    def _take_unless_ignored(self, path: str) -> None:
        covering = self._git_ignores and self._git_ignores.covering_entry(path)
        if covering:
            self._skip(covering, SkipReason.IGNORED_BY_GIT)
        elif path.rpartition("/")[2] != ".git":
            self._listing.candidates.append(path)

    def _is_ignored_folder(self, path: str) -> bool:
        covering = self._git_ignores and self._git_ignores.covering_folder(path)
        if covering:
            self._skip(covering, SkipReason.IGNORED_BY_GIT)
        return bool(covering)

    def _skip(self, path: str, reason: SkipReason, detail: str = "") -> None:
        self._listing.skipped.append(Skipped(path, reason, detail))
