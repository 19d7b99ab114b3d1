"""Which paths below a watched folder can change its index, and what is reported for them."""

from __future__ import annotations

import os
from pathlib import Path

from codecontext.core.paths import DEPENDENCIES_AND_CACHES, VERSION_CONTROL, codecontext_home

EVERYTHING = "."
"""Reported instead of paths when events were lost."""

UNWATCHED = VERSION_CONTROL | DEPENDENCIES_AND_CACHES
# What is in a repository's own folder and still decides which files there are, and the folders that hold it.
_GIT_STATE = frozenset({"HEAD", "info/exclude"})
_GIT_STATE_FOLDERS = frozenset({"", "info"})


def is_relevant(path: str) -> bool:
    """Whether a change of the file ``path`` can change the index."""
    return _reported(path) == path


class WatchedPaths:
    """Tells the paths below one folder that count from those that do not, such as our own home in it."""

    def __init__(self, folder: Path) -> None:
        self.root = os.path.realpath(folder)
        home = Path(os.path.realpath(codecontext_home()))
        self._home = home.relative_to(self.root).as_posix() if Path(self.root) in home.parents else None

    def reported(self, path: str) -> str | None:
        """What to report for an event at ``path``; ``None`` if it does not count."""
        return None if self._is_home(path) else _reported(path)

    def is_watched_folder(self, path: str) -> bool:
        """Whether anything directly inside the folder ``path`` counts."""
        if self._is_home(path) or not _is_utf8(path):
            return False
        _outside, unwatched, inside = _split(path)
        return not unwatched or (unwatched == ".git" and inside in _GIT_STATE_FOLDERS)

    def _is_home(self, path: str) -> bool:
        return self._home is not None and f"{path}/".startswith(f"{self._home}/")


def join(folder: str, name: str) -> str:
    """``name`` in ``folder``, either of which may be empty."""
    return f"{folder}/{name}" if folder and name else folder or name


def identity_of(folder: Path) -> tuple[int, int] | None:
    """Device and inode of a folder; None where there is none."""
    try:
        status = folder.stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def _reported(path: str) -> str | None:
    if not _is_utf8(path):
        return None
    outside, unwatched, inside = _split(path)
    if not unwatched:
        return path
    if unwatched != ".git" or (inside and inside not in _GIT_STATE):
        return None
    return f"{outside}.git/{inside or 'HEAD'}"


def _split(path: str) -> tuple[str, str, str]:
    """The part before the first unwatched folder (empty or ending with ``/``), that folder, what is in it."""
    parts = path.split("/")
    for index, part in enumerate(parts):
        if part in UNWATCHED:
            return "".join(f"{outer}/" for outer in parts[:index]), part, "/".join(parts[index + 1 :])
    return path, "", ""


def _is_utf8(path: str) -> bool:
    """Whether a message can hold the name; files whose name is not UTF-8 are not indexed either."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
