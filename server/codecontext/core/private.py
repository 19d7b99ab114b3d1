"""Keeps our own folders and files from other users of the machine, whatever the umask is (POSIX only).

A folder gets its mode before anything is put into it, so its content is out of reach from the first moment; the files
inside, some written by libraries, get theirs when a piece of work is done.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from codecontext.core.paths import codecontext_home

_FOLDER_MODE = 0o700
_FILE_MODE = 0o600
_OTHERS = 0o077


def make_private(folder: Path) -> None:
    """Make ``folder`` and the missing ones above it for their owner alone; loose ones that are ours become so.

    Ours is what lies below the CodeContext home; that itself stays as it is where somebody made it. Raises ``OSError``.
    """
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        with contextlib.suppress(FileExistsError):  # another process was quicker
            place.mkdir(mode=_FOLDER_MODE)
    if not folder.is_dir():
        raise NotADirectoryError(20, "Not a directory", str(folder))
    close_loose(folder)


def is_ours(place: Path) -> bool:
    """Whether ``place`` is below the CodeContext home."""
    return codecontext_home() in place.parents


def close_loose(folder: Path) -> None:
    """Take from others what they may do in ``folder``, and in the folders above it that are ours."""
    home = codecontext_home()
    for place in (folder, *folder.parents):
        if home not in place.parents:
            break
        if _is_loose(place):
            tighten(place)


def create_private(file: Path) -> None:
    """Make an empty ``file`` for its owner alone, or make the one that is there so. Raises ``OSError``."""
    os.close(os.open(file, os.O_RDWR | os.O_CREAT, _FILE_MODE))
    _close(file)


def tighten(place: Path) -> None:
    """Take from others the right to ``place`` and to all that is in it; links are not followed.

    What belongs to somebody else, or goes meanwhile, stays as it is.
    """
    if os.name != "posix":
        return
    _close(place)
    for folder, _folders, files in os.walk(place):
        _close(Path(folder))
        for name in files:
            _close(Path(folder, name))


def _is_loose(place: Path) -> bool:
    if os.name != "posix":
        return False
    try:
        return bool(place.lstat().st_mode & _OTHERS) and not place.is_symlink()
    except OSError:
        return False


def _close(place: Path) -> None:
    with contextlib.suppress(OSError):
        mode = place.lstat().st_mode
        if mode & _OTHERS and (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
            place.chmod(stat.S_IMODE(mode) & ~_OTHERS)
