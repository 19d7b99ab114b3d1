"""Finds the files of a folder that are worth indexing, and counts the rest with the reason.

Git's own verdict decides wherever git can be asked; elsewhere the same ignore files are read here. A tracked
file is indexed even if an ignore rule matches it, because git does not apply ignore rules to tracked files.
Submodules and other repositories inside the folder are indexed by their own ignore rules, as part of what
the user has open. Symbolic links are never followed, so a link can neither loop nor lead out of the folder.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from pathspec import GitIgnoreSpec
from pydantic import BaseModel, ConfigDict, Field, field_validator

from codecontext.core import CancelToken
from codecontext.core.errors import ConfigError
from codecontext.core.notebooks import is_notebook
from codecontext.indexing.classify import classify_path
from codecontext.indexing.files import Listing, Skipped, SkipReason, SourceFile
from codecontext.indexing.git import GitUnavailable, ask_git, enclosing_repository
from codecontext.indexing.ignore import OWN_IGNORE_FILE, IgnorePatterns, IgnoreTree, folders_down_to, rules_from_above
from codecontext.indexing.scope import WHOLE_FOLDER, Scope
from codecontext.indexing.walk import walk_by_ignore_files, walk_everything

NOTEBOOK_SIZE = 20
"""How many times larger than other files a notebook may be."""

OWN_FOLDER = ".codecontext/"
"""What a project keeps for CodeContext itself: adapters, which are no code."""


class ScanConfig(BaseModel):
    """Which files of a folder are indexed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    include: tuple[str, ...] = Field(
        (),
        description=(
            "Index only files that match one of these globs (gitignore syntax, relative to the folder; a "
            "folder stands for everything in it). Empty: all files."
        ),
    )
    exclude: tuple[str, ...] = Field(
        (),
        description=(
            "Leave out files and folders that match these globs (gitignore syntax, relative to the folder; "
            "`!` takes back)."
        ),
    )
    max_file_bytes: int = Field(
        1_000_000,
        ge=1,
        description=(
            "Leave out larger files: code written by hand is hardly ever so long, data often is. A notebook may be "
            f"{NOTEBOOK_SIZE} times as large, since most of it is outputs, which are not indexed."
        ),
    )
    respect_gitignore: bool = Field(
        True,
        description=(
            "Leave out what git ignores. Where git cannot be asked, `.gitignore` files are read instead and "
            "dependency, cache and virtual environment folders are left out."
        ),
    )

    def max_bytes(self, path: str) -> int:
        """The size up to which the file ``path`` is indexed."""
        return self.max_file_bytes * (NOTEBOOK_SIZE if is_notebook(path) else 1)

    @field_validator("include", "exclude")
    @classmethod
    def _globs_must_compile(cls, globs: tuple[str, ...]) -> tuple[str, ...]:
        for glob in globs:
            try:
                GitIgnoreSpec.from_lines([glob])
            except ValueError as error:
                raise ValueError(f"{glob!r} is not a glob in gitignore syntax") from error
        return globs


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What a scan found, each list ordered by path.

    ``notes`` are sentences for the user: where git could not be asked and what was done instead.
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
        self._folder = folder
        self._config = config
        self._scope = scope
        self._cancel = cancel
        self._repository = enclosing_repository(folder)
        own_rules_above = rules_from_above(folder, self._repository, OWN_IGNORE_FILE)
        self._own_ignores = IgnoreTree(folder, OWN_IGNORE_FILE, own_rules_above)
        self._excludes = IgnoreTree(folder, None, [("", IgnorePatterns(config.exclude))])
        self._includes = GitIgnoreSpec.from_lines(config.include) if config.include else None
        self._real_folders: dict[str, bool] = {"": True}
        self._pending = [""]

    def run(self) -> None:
        """Scan the folder, then each repository that was met inside it."""
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

    def _list(self, root: str) -> Listing:
        """What lies below ``root``: nothing for the folder itself, else a repository's path and a ``/``."""
        place = self._folder / root

        def enter(path: str) -> bool:
            return self._scope.meets(root + path) and not self._is_left_out_folder(root + path)

        if not self._config.respect_gitignore:
            return walk_everything(place, enter, self._cancel)
        repository = place if root else self._repository
        if repository is not None:
            try:
                return ask_git(place)
            except GitUnavailable as reason:
                self.notes.append(f"Ignore files were read without git in {place}: {reason}.")
        return walk_by_ignore_files(place, repository, enter, self._cancel)

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
        elif not any(folder.iterdir()):
            self._skip(f"{path}/", SkipReason.SUBMODULE, "not checked out")

    def _consider_file(self, path: str, status: os.stat_result) -> None:
        """Take the file or skip it: the user's own rules first, then what the file is."""
        own_rule = self._own_ignores.covering_entry(path)
        excluded = self._excludes.covering_entry(path)
        if path.startswith(OWN_FOLDER):
            self._skip(OWN_FOLDER, SkipReason.IGNORED_BY_CODECONTEXT, "adapters of the project")
        elif own_rule:
            self._skip(own_rule, SkipReason.IGNORED_BY_CODECONTEXT)
        elif excluded:
            self._skip(excluded, SkipReason.EXCLUDED)
        elif self._includes is not None and not self._includes.match_file(path):
            self._skip(path, SkipReason.NOT_INCLUDED)
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
            changed_ns = max(status.st_mtime_ns, status.st_ctime_ns)
            self.files.append(SourceFile(path, self._folder / path, status.st_size, status.st_mtime_ns, changed_ns))

    def _skip(self, path: str, reason: SkipReason, detail: str = "") -> None:
        path = _printable(path)
        self.skipped.setdefault(path, Skipped(path, reason, detail))

    def _concerns_scope(self, entry: str) -> bool:
        return self._scope.meets(entry) if entry.endswith("/") else self._scope.covers(entry)

    def _is_left_out_folder(self, path: str) -> bool:
        """Whether the user's own rules leave out the whole folder, which is then counted."""
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

    def _link_detail(self, path: str) -> str:
        try:
            target = os.path.realpath(self._folder / path, strict=True)
        except OSError:
            return "leads nowhere"
        inside = Path(target).is_relative_to(os.path.realpath(self._folder))
        return "leads to another place in the folder" if inside else "leads out of the folder"


def _is_plain_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _printable(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
