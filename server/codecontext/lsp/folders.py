"""Workspace folders: where a URI of the editor's is on disk, and in which folder."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pygls.uris import from_fs_path, to_fs_path

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Folder:
    """A workspace folder. ``uri`` and ``path`` are spelled as the editor does, links and all."""

    uri: str
    path: Path
    name: str

    @property
    def key(self) -> str:
        """How the engine knows it."""
        return str(self.path)

    def uri_of(self, relative: str) -> str:
        """URI of a file in it, by its path with ``/``."""
        return from_fs_path(str(self.path / relative)) or ""

    def relative(self, path: Path) -> str:
        """Path of a file in it, with ``/``."""
        return path.relative_to(self.path).as_posix()


class Folders:
    """The folders that are open; each place on disk once. Others than files on disk are left out, which is logged."""

    def __init__(self, folders: Iterable[tuple[str, str]] = ()) -> None:
        self._folders: dict[str, Folder] = {}
        for uri, name in folders:
            path = path_of(uri)
            if path is None:
                logger.warning("The folder %s is not on this machine's disk, so it is not indexed.", uri)
            else:
                folder = Folder(uri, path, name or path.name)
                self._folders.setdefault(folder.key, folder)

    def __iter__(self) -> Iterator[Folder]:
        return iter(self._folders.values())

    def __len__(self) -> int:
        return len(self._folders)

    def by_key(self, key: str) -> Folder | None:
        """The folder that the engine knows by ``key``."""
        return self._folders.get(key)

    def by_uri(self, uri: str) -> Folder | None:
        """The folder with this URI, however it is escaped."""
        path = path_of(uri)
        return self._folders.get(str(path)) if path else None

    def holding(self, path: Path) -> tuple[Folder, str] | None:
        """The innermost folder that holds ``path``, and the path relative to it with ``/``."""
        return next(self.all_holding(path), None)

    def all_holding(self, path: Path) -> Iterator[tuple[Folder, str]]:
        """The folders that hold ``path``, the innermost first, and the path relative to each with ``/``."""
        for place in (path, *path.parents):
            folder = self._folders.get(str(place))
            if folder is not None:
                yield folder, folder.relative(path)


def path_of(uri: str) -> Path | None:
    """Where a URI is on disk; None if it is elsewhere. Nothing is looked up there."""
    try:
        place = to_fs_path(uri)
    except ValueError:  # no URI at all
        return None
    return Path(os.path.normpath(place)) if place and "\0" not in place else None
