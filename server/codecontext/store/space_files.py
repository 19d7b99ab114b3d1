"""The vectors of all spaces of one index: a folder of flat files for each space."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from codecontext.core.errors import IndexCorrupt
from codecontext.store.disk import disk_errors
from codecontext.store.vector_file import Floats, Indices, VectorFile, clear_vectors, open_vectors, write_vectors


class SpaceFiles:
    """What is below one directory. Raises ``StoreError`` when the disk refuses."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def open(self, space_id: str, dimension: int) -> VectorFile | None:
        """The vectors of a space by slot; None where it has none. Raises ``IndexCorrupt``."""
        return open_vectors(self._directory / space_id, dimension)

    def write(self, space_id: str, slots: Sequence[int], vectors: Floats) -> None:
        """Store vectors, shape (len(slots), dimension)."""
        with disk_errors(self._directory):
            write_vectors(self._directory / space_id, slots, vectors)

    def clear(self, dimensions: Mapping[str, int], slots: Sequence[int]) -> None:
        """Overwrite the vectors of ``slots`` in these spaces."""
        if slots:
            with disk_errors(self._directory):
                for space_id, dimension in dimensions.items():
                    clear_vectors(self._directory / space_id, slots, dimension)

    def keep_only(self, space_ids: Collection[str]) -> None:
        """Delete the vectors of all other spaces."""
        for folder in list(self._directory.glob("*")):
            if folder.name not in space_ids:
                self.delete(folder.name)

    def delete(self, space_id: str) -> None:
        """Delete all vectors of a space, if there are any."""
        folder = self._directory / space_id
        with disk_errors(self._directory):
            if folder.exists():
                shutil.rmtree(folder)

    def damaged(self, space_id: str, dimension: int, used: Indices) -> list[int]:
        """Those of the ``used`` slots whose vector is damaged; all where the files are missing or do not fit."""
        try:
            vectors = self.open(space_id, dimension)
        except IndexCorrupt:
            vectors = None
        found: list[int] = (vectors.damaged(used) if vectors is not None else used).tolist()
        return found

    def forget(self, space_id: str, dimension: int, slots: Sequence[int]) -> bool:
        """Drop damaged vectors; returns whether that were all of the space."""
        try:
            if self.open(space_id, dimension) is not None:
                self.clear({space_id: dimension}, slots)
                return False
        except IndexCorrupt:
            pass
        shutil.rmtree(self._directory / space_id, ignore_errors=True)
        return True
