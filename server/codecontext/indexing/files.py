"""What a scan says about files: to be indexed, or skipped and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from codecontext.core.reading import read_file_inside

MAX_FILE_BYTES = 1_000_000
"""Files that are larger are left out unless the settings say otherwise."""


class SkipReason(StrEnum):
    """Why a file is not in the index. The values are stable: they are stored, counted and printed."""

    IGNORED_BY_GIT = "ignored_by_git"
    IGNORED_BY_CODECONTEXT = "ignored_by_codecontext"
    EXCLUDED = "excluded"
    NOT_INCLUDED = "not_included"
    TOO_LARGE = "too_large"
    BINARY = "binary"
    GENERATED = "generated"
    MINIFIED = "minified"
    SECRET = "secret"  # noqa: S105 - a reason, not a password
    UNREADABLE = "unreadable"
    SYMLINK = "symlink"
    SUBMODULE = "submodule"
    WORKTREE = "worktree"
    GIT_DATA = "git_data"
    EMPTY = "empty"
    LFS_POINTER = "lfs_pointer"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to index, as it was when scanned.

    ``path`` is relative to the scanned ``folder``, with ``/``; ``size`` is in bytes; ``changed_ns`` is the later
    of modification and status change, so that an edit that puts the modification time back is seen. ``max_bytes``
    is the most that may be read of it.
    """

    path: str
    folder: Path
    size: int
    mtime_ns: int
    changed_ns: int
    max_bytes: int = MAX_FILE_BYTES

    def read(self) -> bytes:
        """Its content now.

        Raises ``OSError``: it may be gone since the scan, or be something else, reached through a link or too large
        (``core.reading``).
        """
        return read_file_inside(self.folder, self.path, max_bytes=self.max_bytes)


@dataclass(frozen=True, slots=True)
class Skipped:
    r"""A file, or with a trailing ``/`` a whole folder, that is not indexed.

    ``path`` is printable and valid UTF-8: bytes of a name that are not are written as ``\xff``.
    """

    path: str
    reason: SkipReason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """What lies in one folder or repository, before the files themselves are judged.

    ``candidates`` are paths relative to that folder; undecodable bytes are surrogate escapes. One may be gone
    from the disk, and one that is a folder stands for another repository inside.
    """

    candidates: list[str] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
