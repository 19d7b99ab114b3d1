"""Workspace folders: where a URI of the editor is on disk, and in which folder."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, unquote_to_bytes, urlsplit

from pygls import IS_WIN
from pygls.uris import from_fs_path, to_fs_path

from codecontext.lsp.errors import short

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Folder:
    """A workspace folder. ``uri`` and ``path`` are spelled as the editor does, links included."""

    uri: str
    path: Path
    name: str
    key: str = ""
    """How the engine knows it: its real path, so that one place is opened once, whatever links lead there."""

    def __post_init__(self) -> None:
        """Look up the real path."""
        if not self.key:
            object.__setattr__(self, "key", os.path.realpath(self.path))

    def uri_of(self, relative: str) -> str:
        """URI of a file in it, by its path with ``/``."""
        return _uri_of(self.path / relative)

    def relative(self, path: Path) -> str:
        """Path of a file in it, with ``/``."""
        return path.relative_to(self.path).as_posix()


class Folders:
    """The open folders, each spelling of a place once. Folders that are not on disk are left out and reported."""

    def __init__(self, folders: Iterable[tuple[str, str]] = ()) -> None:
        self._folders: dict[Path, Folder] = {}
        self.elsewhere: list[str] = []
        """URIs of those that are left out."""
        for uri, name in folders:
            path = path_of(uri)
            if path is None:
                self.elsewhere.append(uri)
                logger.warning("The folder %s is not on this machine, so it is not indexed.", short(uri))
            else:
                self._folders.setdefault(path, Folder(uri, path, name or path.name))
        self._by_key: dict[str, Folder] = {}
        for folder in self._folders.values():
            self._by_key.setdefault(folder.key, folder)

    def __iter__(self) -> Iterator[Folder]:
        return iter(self._folders.values())

    def __len__(self) -> int:
        return len(self._folders)

    def places(self) -> list[Folder]:
        """The folders, each place on disk once."""
        return list(self._by_key.values())

    def by_key(self, key: str) -> Folder | None:
        """The folder that the engine knows by ``key``; of several spellings the first."""
        return self._by_key.get(key)

    def by_uri(self, uri: str) -> Folder | None:
        """The folder with this URI, however it is escaped."""
        path = path_of(uri)
        return self._folders.get(path) if path else None

    def holding(self, path: Path) -> tuple[Folder, str] | None:
        """The innermost folder that holds ``path``, and the path relative to it with ``/``."""
        return next(self.all_holding(path), None)

    def all_holding(self, path: Path) -> Iterator[tuple[Folder, str]]:
        """The folders that hold ``path``, the innermost first, and the path relative to each with ``/``."""
        for place in (path, *path.parents):
            folder = self._folders.get(place)
            if folder is not None:
                yield folder, folder.relative(path)


def path_of(uri: str) -> Path | None:
    """Where a URI is on disk; None if it is elsewhere. Nothing is looked up there.

    ``localhost`` is this machine (RFC 8089); another host is one on Windows only, where it names a share.
    """
    try:
        parts = urlsplit(uri)
        host = unquote(parts.netloc).lower()
    except ValueError:  # no URI at all
        return None
    if parts.scheme.lower() != "file" or not parts.path or "\0" in uri:
        return None
    if host not in ("", "localhost") and not IS_WIN:
        return None
    place = _windows_path(host, unquote(parts.path)) if IS_WIN else os.fsdecode(unquote_to_bytes(parts.path))
    if place.startswith("//"):  # which normpath keeps, as POSIX allows; it is "/" on every system we know
        place = "/" + place.lstrip("/")
    return Path(os.path.normpath(place)) if "\0" not in place else None


def _windows_path(host: str, path: str) -> str:
    r"""A path with ``\``: of a share, or of a drive, whose letter editors write in either case."""
    place = to_fs_path(f"file://{'' if host == 'localhost' else host}{quote(path)}")
    return place or path


def _uri_of(path: Path) -> str:
    """The URI of a path, whose name may have bytes that are no text on POSIX."""
    return (from_fs_path(str(path)) or "") if IS_WIN else "file://" + quote(os.fsencode(path))
