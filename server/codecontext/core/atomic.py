"""Writes files and folders so that they are there as a whole or not at all, also after a power failure.

Everything is written beside its target, flushed to the disk, and renamed; then the folder that holds it is flushed.
"""

from __future__ import annotations

import errno
import glob
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from codecontext.core.private import tighten

_PRIVATE_MODE = 0o600
_DEFAULT_MODE = 0o666
"""Before the umask."""
_ABANDONED_SECONDS = 3600
"""Drafts that nobody wrote to for so long are of a process that was killed."""


def write_file(file: Path, content: str | bytes, *, private: bool = False) -> None:
    """Make ``content`` the whole of ``file``, in UTF-8 if it is text, with line ends as they are.

    See ``replacement`` for what ``private`` means. Raises ``OSError``; then the file is as it was.
    """
    with replacement(file, private=private) as draft:
        draft.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


@contextmanager
def replacement(file: Path, *, private: bool = False) -> Iterator[Path]:
    """Gives an empty file to write, which takes the place of ``file`` when the block ends without an exception.

    A ``private`` file is its owner's alone; others keep the mode of the file that they replace. Raises ``OSError``.
    """
    _remove_abandoned_drafts(file)
    draft = file.with_name(f".{file.name}.{secrets.token_hex(6)}.tmp")
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE_MODE if private else _DEFAULT_MODE))
        yield draft
        if private:
            tighten(draft)  # a library may have made a file of its own in its place
        elif file.exists():
            draft.chmod(stat.S_IMODE(file.stat().st_mode))
        move_into_place(draft, file)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def move_into_place(draft: Path, target: Path) -> None:
    """Rename ``draft``, a file or a folder on the same file system, to ``target`` once all of it is on the disk.

    A file at ``target`` is replaced; a folder must not be there. Raises ``OSError``.
    """
    flush(draft)
    draft.replace(target)
    _flush_folder(target.parent)


def flush(place: Path) -> None:
    """Wait until a file, or a folder with all that is in it, is on the disk. Raises ``OSError``."""
    if place.is_file():
        _flush_file(place)
    for folder, _folders, files in os.walk(place):
        for name in files:
            _flush_file(Path(folder, name))
        _flush_folder(Path(folder))


def _flush_file(file: Path) -> None:
    with file.open("rb" if os.name == "posix" else "rb+") as opened:  # Windows flushes only what it may write
        os.fsync(opened.fileno())


def _flush_folder(folder: Path) -> None:
    """Make the entries of a folder durable where the system can: Windows and some network file systems cannot."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(descriptor)


def _remove_abandoned_drafts(file: Path) -> None:
    for draft in file.parent.glob(f".{glob.escape(file.name)}.*.tmp"):
        with suppress(OSError):  # another process was quicker
            if time.time() - draft.stat().st_mtime > _ABANDONED_SECONDS:
                draft.unlink()
