"""Reads files that somebody else wrote: source code, ignore files, settings, adapters.

A name in a repository may be a FIFO, a device, a link to either or a link out of the folder, and may become one between
a look at it and the reading. So a file is opened first, without waiting and without following links where none is
allowed, then looked at through the open descriptor, then read up to a limit.
"""

from __future__ import annotations

import errno
import os
import stat
from io import FileIO
from pathlib import Path, PurePosixPath

MAX_RULES_BYTES = 2_000_000
"""Largest file of ignore rules or settings that is read; people write a few thousand bytes."""
MAX_SOURCE_BYTES = 256_000_000
"""Largest file that is read to show what is in it now, whatever the limit was when it was indexed."""

_OPEN = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOCTTY", 0)
_OPEN |= getattr(os, "O_BINARY", 0)
_NO_FOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
_FOLDER: int = getattr(os, "O_DIRECTORY", 0)
_PART = 1 << 20
_OPENS_BELOW = bool(_NO_FOLLOW and _FOLDER and os.open in os.supports_dir_fd)


class UnreadableFile(OSError):
    """The name stands for something that must not be read; ``strerror`` says what it is."""

    def __init__(self, reason: str, path: str | os.PathLike[str]) -> None:
        super().__init__(errno.EINVAL, reason, os.fspath(path))


class NotRegularFile(UnreadableFile):
    """A FIFO, a device, a socket, a folder, or a link where none is followed."""


class FileTooLarge(UnreadableFile):
    """More bytes than the caller wants to hold."""


def read_file(path: Path, *, max_bytes: int, follow_links: bool = True) -> bytes:
    """Content of the regular file ``path``.

    ``follow_links`` is about the last part of ``path`` only. Raises ``NotRegularFile``, ``FileTooLarge`` or another
    ``OSError``; never waits for a writer and never holds more than ``max_bytes``.
    """
    if not follow_links and not _NO_FOLLOW and path.is_symlink():
        raise NotRegularFile("is a symbolic link", path)
    return _read(_open(path, follow_links=follow_links), path, max_bytes)


def read_file_inside(folder: Path, path: str, *, max_bytes: int) -> bytes:
    """Content of the regular file at ``path``, relative to ``folder`` with ``/``, reached through no link at all.

    ``folder`` itself may be one. Raises as ``read_file``, and ``NotRegularFile`` for a path that leads out of it.
    """
    parts = PurePosixPath(path).parts
    if not parts or ".." in parts or PurePosixPath(path).is_absolute():
        raise NotRegularFile("leads out of the folder", path)
    if not _OPENS_BELOW:
        whole = folder.joinpath(*parts)
        real = Path(os.path.realpath(folder)).joinpath(*parts)
        if os.path.normcase(os.path.realpath(whole)) != os.path.normcase(real):
            raise NotRegularFile("is reached through a symbolic link", path)
        return read_file(whole, max_bytes=max_bytes, follow_links=False)
    return _read(_open_below(folder, parts), path, max_bytes)


def read_text_file(path: Path, *, max_bytes: int = MAX_RULES_BYTES, follow_links: bool = True) -> str:
    """Text of a small file that people write in UTF-8, without byte order mark.

    Raises as ``read_file``, and ``UnicodeDecodeError``.
    """
    return read_file(path, max_bytes=max_bytes, follow_links=follow_links).decode("utf-8-sig")


def open_file(path: Path, *, max_bytes: int | None = None) -> FileIO:
    """The regular file ``path``, open for whoever reads it part by part. Raises as ``read_file``."""
    descriptor = _open(path, follow_links=True)
    try:
        _require_regular(descriptor, path, max_bytes)
    except OSError:
        os.close(descriptor)
        raise
    return FileIO(descriptor, "rb")


def _open(path: Path, *, follow_links: bool) -> int:
    try:
        return os.open(path, _OPEN | (0 if follow_links else _NO_FOLLOW))
    except OSError as error:
        raise _named(error, path) from error


def _open_below(folder: Path, parts: tuple[str, ...]) -> int:
    """Open one part after the other, each from the one before, so that no link can come in between."""
    place = os.open(folder, _OPEN | _FOLDER)
    try:
        for part in parts[:-1]:
            inner = os.open(part, _OPEN | _FOLDER | _NO_FOLLOW, dir_fd=place)
            os.close(place)
            place = inner
        return os.open(parts[-1], _OPEN | _NO_FOLLOW, dir_fd=place)
    except OSError as error:
        raise _named(error, folder.joinpath(*parts)) from error
    finally:
        os.close(place)


def _named(error: OSError, path: Path) -> OSError:
    """The fault in the words of this module where opening alone tells what the name stands for.

    ``ELOOP``: a link (``EMLINK`` on BSD). ``ENXIO``: a socket, or a device without a driver. ``ENOTDIR`` stays: a
    part of the path is a file or a link now, so the file that was meant is gone.
    """
    if error.errno in (errno.ELOOP, errno.EMLINK):
        return NotRegularFile("is a symbolic link", path)
    return NotRegularFile("is not a regular file", path) if error.errno == errno.ENXIO else error


def _require_regular(descriptor: int, path: str | os.PathLike[str], max_bytes: int | None) -> None:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise NotRegularFile("is not a regular file", path)
    if max_bytes is not None and status.st_size > max_bytes:
        raise FileTooLarge(f"is larger than {max_bytes:,} bytes", path)


def _read(descriptor: int, path: str | os.PathLike[str], max_bytes: int) -> bytes:
    try:
        _require_regular(descriptor, path, max_bytes)
        content = bytearray()
        while len(content) <= max_bytes and (part := os.read(descriptor, min(max_bytes + 1 - len(content), _PART))):
            content += part
    finally:
        os.close(descriptor)
    if len(content) > max_bytes:  # it grows, or is one of those files whose size is not known before
        raise FileTooLarge(f"is larger than {max_bytes:,} bytes", path)
    return bytes(content)
