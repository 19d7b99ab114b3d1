"""Finds the files of a folder that are worth indexing, and counts the rest with the reason.

Git's own verdict decides wherever git can be run; elsewhere the same ignore files are read here. A tracked
file is indexed even if an ignore rule matches it, because git does not apply ignore rules to tracked files.
Submodules and other repositories inside the folder are indexed by their own ignore rules, as part of what
the user has open; a linked worktree is not, where another checkout of its repository is (``repositories``). Symbolic
links are never followed, so a link can neither loop nor lead out of the folder.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from codecontext.core import CancelToken
from codecontext.core.errors import ConfigError
from codecontext.indexing.classify import classify_path
from codecontext.indexing.config import ScanConfig
from codecontext.indexing.files import Listing, Skipped, SkipReason, SourceFile
from codecontext.indexing.foreign import ForeignFolders, files_written_to
from codecontext.indexing.git import GitSilent, GitUnavailable, ask_git
from codecontext.indexing.gitignore import path_bytes
from codecontext.indexing.ignore import (
    OWN_IGNORE_FILE,
    IgnorePatterns,
    IgnoreTree,
    NotForGit,
    check_ignore_file,
    folders_down_to,
    rules_from_above,
)
from codecontext.indexing.repositories import enclosing_repository, git_folder, is_bare, is_git_data
from codecontext.indexing.scope import WHOLE_FOLDER, Scope
from codecontext.indexing.walk import walk_by_ignore_files, walk_everything

__all__ = ["ScanConfig", "ScanResult", "scan_folder", "scan_scope"]

_MAX_NOTES = 20
"""Sentences about ignore files that a scan gives; further ones are only counted."""


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What a scan found, each list ordered by path.

    ``notes`` are sentences for the user: where git could not be run and what was done instead.
    """

    files: list[SourceFile] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def scan_folder(folder: Path, config: ScanConfig, cancel: CancelToken | None = None) -> ScanResult:
    """Files of ``folder`` to index, judged without reading them; ``classify_content`` judges the rest.

    A folder that is ignored as a whole is one skipped entry with a trailing ``/``; version control's own
    folders are not counted. Raises ``ConfigError`` if ``folder`` is not a folder that can be listed, so that
    a folder that is briefly away is never taken for an empty one, and ``OperationCancelled``.
    """
    return scan_scope(folder, config, WHOLE_FOLDER, cancel)


def scan_scope(folder: Path, config: ScanConfig, scope: Scope, cancel: CancelToken | None = None) -> ScanResult:
    """What ``scan_folder`` says about the part of ``folder`` that is in ``scope``, without looking at other files.

    A skipped folder around a path of the scope is part of the answer. Raises as ``scan_folder`` does.
    """
    folder = folder.absolute()
    try:
        os.scandir(folder).close()
    except OSError as error:
        raise ConfigError(
            f"Cannot list the folder {folder}: {error.strerror}.", "Name a folder that can be read."
        ) from error
    scan = _Scan(folder, config, scope, cancel or CancelToken())
    scan.run()
    return ScanResult(
        sorted(scan.files, key=lambda file: file.path),
        sorted(scan.skipped.values(), key=lambda entry: entry.path),
        scan.notes,
    )


class _Scan:
    """One scan. Paths are relative to the folder; a repository inside it is listed on its own."""

    def __init__(self, folder: Path, config: ScanConfig, scope: Scope, cancel: CancelToken) -> None:
        self.files: list[SourceFile] = []
        self.skipped: dict[str, Skipped] = {}
        self.notes: list[str] = []
        self._notes_on_rules: dict[str, None] = {}
        self._folder = folder
        self._config = config
        self._scope = scope
        self._cancel = cancel
        self._repository = enclosing_repository(folder)
        self._git_is_silent = False
        note = self._note_on_rules
        own_rules_above = rules_from_above(folder, self._repository, OWN_IGNORE_FILE, note)
        self._own_ignores = IgnoreTree(folder, OWN_IGNORE_FILE, own_rules_above, note)
        self._excludes = IgnoreTree(folder, None, [("", IgnorePatterns.of(config.exclude))])
        self._includes = IgnorePatterns.of(config.include) if config.include else None
        self._foreign = ForeignFolders(folder)
        self._own_output = files_written_to()
        self._real_folders: dict[str, bool] = {"": True}
        self._pending = [""]

    def run(self) -> None:
        """Scan the folder, then each repository that was met inside it."""
        if is_git_data(self._folder):
            self._skip("./", SkipReason.GIT_DATA, "a repository without a checkout")
            return
        while self._pending:
            root = self._pending.pop()
            listing = self._list(root)
            for entry in listing.skipped:
                if self._concerns_scope(root + entry.path):
                    self._skip(root + entry.path, entry.reason, entry.detail)
            for path in listing.candidates:
                self._cancel.check()
                if self._scope.meets(root + path):
                    self._consider(root + path)
        self.notes += list(self._notes_on_rules)[:_MAX_NOTES]
        if len(self._notes_on_rules) > _MAX_NOTES:
            self.notes.append(f"{len(self._notes_on_rules) - _MAX_NOTES:,} more ignore files have problems.")

    def _list(self, root: str) -> Listing:
        """What lies below ``root``: nothing for the folder itself, else a repository's path and a ``/``."""
        place = self._folder / root

        def enter(path: str) -> bool:
            return self._scope.meets(root + path) and not self._is_left_out_folder(root + path)

        if not self._config.respect_gitignore:
            return walk_everything(place, enter, self._cancel)
        repository = place if root else self._repository
        if repository is not None and not _is_bare(repository):
            try:
                return self._listed_by_git(place)
            except GitUnavailable as reason:
                self._git_is_silent = self._git_is_silent or isinstance(reason, GitSilent)
                self.notes.append(f"Ignore files in {place} were read without git: {reason}.")
        return walk_by_ignore_files(place, repository, enter, self._cancel, self._note_on_rules)

    def _listed_by_git(self, place: Path) -> Listing:
        """Git's verdict, where every ignore file means to git what it means to whoever wrote it."""
        if self._git_is_silent:  # one time limit is enough for a scan
            raise GitUnavailable("git timed out in another folder")
        listing = ask_git(place, self._cancel)
        try:
            for path in listing.candidates:
                if path.rpartition("/")[2] == ".gitignore":
                    check_ignore_file(place / path, self._note_on_rules)
        except NotForGit as reason:
            raise GitUnavailable(str(reason)) from reason
        return listing

    def _consider(self, path: str) -> None:
        if not self._is_real_folder(path.rpartition("/")[0]):
            return  # still in git's index, but its folder is gone or a link now, which is judged by itself
        try:
            status = os.lstat(self._folder / path)
            if stat.S_ISDIR(status.st_mode):
                self._consider_repository(path)
            elif self._scope.covers(path):
                self._consider_file(path, status)
        except FileNotFoundError:
            return  # tracked but deleted, or deleted this moment
        except OSError as error:
            self._skip(path, SkipReason.UNREADABLE, error.strerror or str(error))

    def _consider_repository(self, path: str) -> None:
        if self._is_left_out_folder(path):
            return
        folder = self._folder / path
        if (folder / ".git").exists():
            self._pending.append(f"{path}/")
        else:
            self._skip(f"{path}/", SkipReason.SUBMODULE, "not checked out")

    def _consider_file(self, path: str, status: os.stat_result) -> None:
        """Take the file or skip it: the user's own rules first, then what the file is."""
        foreign = self._foreign.covering(path.rpartition("/")[0])
        own_rule = None if foreign else self._own_ignores.covering_entry(path)
        excluded = None if foreign else self._excludes.covering_entry(path)
        if foreign:
            self._skip(foreign.path, foreign.reason, foreign.detail)
        elif own_rule:
            self._skip(own_rule, SkipReason.IGNORED_BY_CODECONTEXT)
        elif excluded:
            self._skip(excluded, SkipReason.EXCLUDED)
        elif self._includes is not None and not self._includes.cover(path):
            self._skip(path, SkipReason.NOT_INCLUDED)
        elif (status.st_dev, status.st_ino) in self._own_output:
            self._skip(path, SkipReason.IGNORED_BY_CODECONTEXT, "output of this command")
        elif stat.S_ISLNK(status.st_mode):
            self._skip(path, SkipReason.SYMLINK, self._link_detail(path))
        elif not stat.S_ISREG(status.st_mode):
            self._skip(path, SkipReason.UNREADABLE, "not a regular file")
        elif path != _printable(path):
            self._skip(path, SkipReason.UNREADABLE, "the name is not UTF-8")
        elif reason := classify_path(path):
            self._skip(path, reason)
        elif status.st_size == 0:
            self._skip(path, SkipReason.EMPTY)
        elif status.st_size > self._config.max_bytes(path):
            self._skip(path, SkipReason.TOO_LARGE, f"{status.st_size} bytes")
        else:
            self.files.append(self._source_file(path, status))

    def _source_file(self, path: str, status: os.stat_result) -> SourceFile:
        return SourceFile(
            path,
            self._folder / path,
            size=status.st_size,
            mtime_ns=status.st_mtime_ns,
            changed_ns=max(status.st_mtime_ns, status.st_ctime_ns),
            max_bytes=self._config.max_bytes(path),
        )

    def _skip(self, path: str, reason: SkipReason, detail: str = "") -> None:
        path = _printable(path)
        self.skipped.setdefault(path, Skipped(path, reason, detail))

    def _concerns_scope(self, entry: str) -> bool:
        return self._scope.meets(entry) if entry.endswith("/") else self._scope.covers(entry)

    def _is_left_out_folder(self, path: str) -> bool:
        """Whether the whole folder is left out, by the user's own rules or for what it is; it is then counted."""
        if foreign := self._foreign.covering(path):
            self._skip(foreign.path, foreign.reason, foreign.detail)
            return True
        for rules, reason in (
            (self._own_ignores, SkipReason.IGNORED_BY_CODECONTEXT),
            (self._excludes, SkipReason.EXCLUDED),
        ):
            covering = rules.covering_folder(path)
            if covering:
                self._skip(covering, reason)
                return True
        return False

    def _is_real_folder(self, path: str) -> bool:
        """Whether no part of ``path`` is a link: git's index may still know it as a folder."""
        if path not in self._real_folders:
            real = True
            for folder in folders_down_to(path):
                if folder not in self._real_folders:
                    self._real_folders[folder] = real and _is_plain_folder(self._folder / folder)
                real = self._real_folders[folder]
        return self._real_folders[path]

    def _note_on_rules(self, sentence: str) -> None:
        self._notes_on_rules.setdefault(_printable(sentence))

    def _link_detail(self, path: str) -> str:
        try:
            target = os.path.realpath(self._folder / path, strict=True)
        except OSError:
            return "is broken"
        inside = Path(target).is_relative_to(os.path.realpath(self._folder))
        return "leads to another place in the folder" if inside else "leads out of the folder"


def _is_plain_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _is_bare(repository: Path) -> bool:
    """Whether it only holds a bare repository and linked worktrees side by side, of which git lists nothing."""
    data = git_folder(repository)
    return data is not None and is_bare(data)


def _printable(path: str) -> str:
    return path_bytes(path).decode("utf-8", "backslashreplace")
