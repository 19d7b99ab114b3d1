"""The part of a folder that a run scans: all of it, or what lies at and below some paths."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from codecontext.core.paths import NOT_SOURCE_MARKERS
from codecontext.indexing.git import is_inside
from codecontext.indexing.ignore import OWN_IGNORE_FILE

_MAX_PATHS = 500
"""Beyond this, scanning the whole folder is as quick."""

# Such a file decides about others: those next to and below it.
_RULE_FILES = frozenset({".git", ".gitignore", OWN_IGNORE_FILE, *NOT_SOURCE_MARKERS})
_GIT_EXCLUDE = ".git/info/exclude"


def _folders_above(path: str) -> Iterator[str]:
    """``a/b``, ``a`` and the empty path for ``a/b/c``; nothing for the empty path."""
    while path:
        path = path.rpartition("/")[0]
        yield path


@dataclass(frozen=True, slots=True)
class Scope:
    """``paths`` and everything below them, relative to the folder, with ``/``; the empty path is the folder.

    ``above`` are the folders on the way to them.
    """

    paths: frozenset[str]
    above: frozenset[str]

    @classmethod
    def of(cls, paths: Iterable[str]) -> Scope:
        """The scope of ``paths``, files or folders, whether they exist or not."""
        chosen = frozenset(path.rstrip("/") for path in paths)
        return cls(chosen, frozenset(folder for path in chosen for folder in _folders_above(path)))

    @property
    def is_whole(self) -> bool:
        """Whether nothing is outside."""
        return "" in self.paths

    def covers(self, path: str) -> bool:
        """Whether ``path`` is inside; a folder may end with ``/``."""
        if self.is_whole:
            return True
        path = path.rstrip("/")
        return path in self.paths or any(folder in self.paths for folder in _folders_above(path))

    def meets(self, folder: str) -> bool:
        """Whether ``folder`` is inside, or something inside is below it."""
        return self.covers(folder) or folder.rstrip("/") in self.above

    def widened(self, entries: Iterable[str]) -> Scope:
        """With those folders among ``entries`` (they end with ``/``) that hold something of this scope."""
        around = {entry.rstrip("/") for entry in entries if entry.endswith("/")} & self.above
        return Scope.of(self.paths | around) if not around <= self.paths else self


WHOLE_FOLDER = Scope.of([""])


def scope_of_changes(paths: Collection[str]) -> Scope:
    """What to scan after ``paths`` changed: more than themselves where one of them decides about others.

    Paths that lead out of the folder, or into version control's own data, are dropped.
    """
    if len(paths) > _MAX_PATHS or any(_decides_about_others(path.rstrip("/")) for path in paths):
        return WHOLE_FOLDER
    return Scope.of(path for path in paths if is_inside(path))


def _decides_about_others(path: str) -> bool:
    name = path.rpartition("/")[2]
    return path in ("", ".") or name in _RULE_FILES or f"/{path}".endswith(f"/{_GIT_EXCLUDE}")
