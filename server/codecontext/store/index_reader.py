"""Reads one folder's index: facts, files, chunks, keyword matches and vectors. Needs no lock."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codecontext.core.batched import batched
from codecontext.core.chunk import Chunk
from codecontext.core.errors import IndexCorrupt, StoreError
from codecontext.store.chunk_rows import labels_in, layout_of, read_chunk
from codecontext.store.contents import hashes_of
from codecontext.store.database import Database
from codecontext.store.layout import Layout, file_of
from codecontext.store.records import FileStamp, IndexState, SkippedEntry
from codecontext.store.schema import SCHEMA, SCHEMA_VERSION
from codecontext.store.space_files import SpaceFiles
from codecontext.store.vector_file import VectorFile
from codecontext.store.words import WordFilter, WordIndex, WordMatch

DATABASE = "index.sqlite"
_OLD_MANIFEST = "manifest.json"
RECORDS_FOLDER = (DATABASE, _OLD_MANIFEST)
"""Files that say which folder an index belongs to."""
_VECTORS = "vectors"
_LOOKUP_BATCH = 500


@dataclass(frozen=True, slots=True)
class IndexedFile:
    """One version of a file as the index has it."""

    path: str
    id: int
    changed_ns: int
    layout: bytes


@dataclass(frozen=True, slots=True)
class FileChanges:
    """Files at one generation: all of them, or what was written since an earlier one.

    ``removed`` are versions that are gone since; None says that ``files`` are all there are. ``labels`` names the codes
    of languages and kinds.
    """

    versions: tuple[int, int]
    files: list[IndexedFile]
    removed: list[int] | None
    labels: dict[int, str]


class IndexReader:
    """The index in one directory, as it was committed last.

    Every method raises ``IndexCorrupt`` where the index cannot be read, and ``StoreError`` where the system refuses.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._database = Database(directory / DATABASE, SCHEMA, SCHEMA_VERSION)
        self._words: WordIndex | None = None
        self._choosing_words = threading.Lock()
        self._spaces = SpaceFiles(directory / _VECTORS)

    def has_index(self) -> bool:
        """Whether the folder was indexed: a run has ended, whatever it found, or its chunks are growing."""
        try:
            state = self.state()
        except (IndexCorrupt, StoreError):  # there is one, and whoever reads it says what is wrong
            return True
        return state.finished or state.chunks > 0

    def is_outdated(self) -> bool:
        """Whether there is an index that an earlier version made."""
        return any(self._of_earlier_versions()) or self._database.is_outdated()

    def folder(self) -> str:
        """The folder that the index belongs to, also where an earlier version made it; empty where nothing says."""
        if folder := self.state().folder:
            return folder
        try:
            return str(json.loads((self.directory / _OLD_MANIFEST).read_bytes()).get("folder", ""))
        except (OSError, ValueError, AttributeError):
            return ""

    def state(self) -> IndexState:
        """The facts of the index; those of an empty one where there is none."""
        with self._database.reading() as connection:
            if connection is None:
                return IndexState()
            row = connection.execute(
                "SELECT folder, index_version, finished, generation, files, chunks, notices FROM state"
            ).fetchone()
            spaces = [found for (found,) in connection.execute("SELECT id FROM spaces ORDER BY position")]
        return IndexState(row[0], row[1], bool(row[2]), row[3], row[4], row[5], spaces, json.loads(row[6]))

    def versions(self, space_id: str) -> tuple[int, int]:
        """Numbers that change with every write of any process: to the text, and to the vectors of the space."""
        with self._database.reading() as connection:
            return _versions(connection, space_id) if connection is not None else (0, 0)

    def stamps(self, paths: Collection[str] | None = None) -> dict[str, FileStamp]:
        """Path → stamp of the files at and below ``paths``, or of all."""
        columns = "path, size, changed_ns, digest, chunks, settled"
        return {
            row[0]: FileStamp(row[1], row[2], row[3], row[4], bool(row[5]))
            for row in self._below("files", columns, paths)
        }

    def skipped(self, paths: Collection[str] | None = None) -> list[SkippedEntry]:
        """What is skipped at and below ``paths``, or everywhere, in the order of the paths."""
        columns = "path, reason, detail, size, changed_ns, settled"
        return sorted(
            (
                SkippedEntry(row[0], row[1], row[2], row[3], row[4], bool(row[5]))
                for row in self._below("skipped", columns, paths)
            ),
            key=lambda entry: entry.path,
        )

    def skipped_among(self, folders: Collection[str]) -> list[str]:
        """Those of ``folders`` that are skipped as a whole, with a '/' at their end."""
        names = [f"{folder}/" for folder in folders]
        return [path for (path,) in self._lookup("SELECT path FROM skipped WHERE path IN ({})", names)]

    def skipped_by_reason(self) -> dict[str, int]:
        """How many are skipped for each reason, the most frequent first."""
        with self._database.reading() as connection:
            if connection is None:
                return {}
            return dict(
                connection.execute(
                    "SELECT reason, count(*) FROM skipped GROUP BY reason ORDER BY count(*) DESC, reason"
                )
            )

    def files(self, paths: Collection[str] | None = None) -> list[IndexedFile]:
        """The files with chunks at and below ``paths``, or all, in no order."""
        rows = self._below("files", "path, id, changed_ns, layout", paths, "chunks > 0")
        return [IndexedFile(*row) for row in rows]

    def changes(self, space_id: str, since: int | None = None) -> FileChanges:
        """The files that were written after the generation ``since``; all where that is not known any more."""
        with self._database.reading() as connection:
            if connection is None:
                return FileChanges((0, 0), [], None, {})
            versions = _versions(connection, space_id)
            (forgotten,) = connection.execute("SELECT forgotten FROM state").fetchone()
            known = since if since is not None and forgotten <= since <= versions[0] else None
            # What the words do not hold yet cannot be found by them; it counts once they do.
            span = (-1 if known is None else known, versions[0])
            rows = connection.execute(
                "SELECT path, id, changed_ns, layout FROM files"
                " WHERE chunks > 0 AND generation > ? AND generation <= ?",
                span,
            ).fetchall()
            removed = (
                [
                    row[0]
                    for row in connection.execute(
                        "SELECT id FROM removed WHERE generation > ? AND generation <= ?", span
                    )
                ]
                if known is not None
                else None
            )
            labels = labels_in(connection)
        return FileChanges(versions, [IndexedFile(*row) for row in rows], removed, labels)

    def chunks(self, keys: Sequence[int]) -> dict[int, Chunk]:
        """Key → chunk, for those that are still there."""
        with self._database.reading() as connection:
            if connection is None:
                return {}
            labels = labels_in(connection)
            files: dict[int, tuple[str, Layout] | None] = {}
            found: dict[int, Chunk] = {}
            for key in keys:
                file = file_of(key)
                if file not in files:
                    files[file] = layout_of(connection, file)
                place = files[file]
                chunk = read_chunk(connection, key, place, labels) if place is not None else None
                if chunk is not None:
                    found[key] = chunk
        return found

    def names(self, keys: Sequence[int]) -> dict[int, tuple[str, str]]:
        """Key → symbol and qualified name, for those that are still there."""
        found = self._lookup("SELECT key, symbol, qualified_name FROM chunks WHERE key IN ({})", keys)
        return {row[0]: (row[1], row[2]) for row in found}

    def hashes(self, slots: Sequence[int]) -> dict[int, str]:
        """Slot → hash of the content that has it."""
        with self._database.reading() as connection:
            return hashes_of(connection, slots) if connection is not None else {}

    def search_terms(
        self, terms: Sequence[str], weights: dict[str, float], *, limit: int, where: WordFilter | None = None
    ) -> list[WordMatch]:
        """The chunks that match ``terms`` best: ``limit`` of them, and all that equal the last; see ``WordIndex``."""
        number, generation = self._words_in_use()
        while terms and number:
            try:
                words = self._words_in(number)
                return words.search(terms, weights, limit=limit, where=where or WordFilter(), state=generation)
            except IndexCorrupt:
                before = number
                number, generation = self._words_in_use()
                if number == before:  # else others were put in their place meanwhile
                    raise
        return []

    def vectors(self, space_id: str) -> VectorFile | None:
        """The vectors of a space by slot; None where it has none."""
        with self._database.reading() as connection:
            dimension = dimensions_in(connection).get(space_id) if connection is not None else None
        return self._spaces.open(space_id, dimension) if dimension else None

    def size_bytes(self) -> int:
        """Disk space of the index."""
        return sum(file.stat().st_size for file in self.directory.rglob("*") if file.is_file())

    def _words_in_use(self) -> tuple[int, int]:
        """Number of the words and the generation that they go up to; zeros where there are none."""
        with self._database.reading() as connection:
            if connection is None:
                return 0, 0
            number, generation = connection.execute("SELECT words, words_generation FROM state").fetchone()
        return number, generation

    def _words_in(self, number: int) -> WordIndex:
        directory = self.directory / f"words-{number}"
        with self._choosing_words:
            if self._words is None or self._words.directory != directory:
                self._words = WordIndex(directory)
            return self._words

    def _of_earlier_versions(self) -> Iterator[Path]:
        """What releases with another database left; its vectors are in the embedding cache."""
        yield from self.directory.glob("*.lance")
        yield from self.directory.glob("*.lance.gone")
        yield from self.directory.glob(_OLD_MANIFEST)

    def _below(
        self, table: str, columns: str, paths: Collection[str] | None, condition: str = "true"
    ) -> list[tuple[Any, ...]]:
        """Rows of the paths themselves and of what is below them."""
        select = f"SELECT {columns} FROM {table} WHERE {condition}"  # noqa: S608 - names of our own
        with self._database.reading() as connection:
            if connection is None:
                return []
            if paths is None or "" in paths:
                return connection.execute(select).fetchall()
            rows: dict[Any, tuple[Any, ...]] = {}
            for path in paths:
                found = connection.execute(
                    f"{select} AND (path = ? OR path > ? AND path < ?)", (path, f"{path}/", f"{path}0")
                ).fetchall()
                # A skipped folder has a '/' at its end.
                found += connection.execute(f"{select} AND path = ?", (f"{path}/",)).fetchall()
                rows.update((row[0], row) for row in found)
        return list(rows.values())

    def _lookup(self, query: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        """Rows of ``query``, in which ``{}`` stands for any number of values."""
        with self._database.reading() as connection:
            if connection is None:
                return []
            rows: list[tuple[Any, ...]] = []
            for batch in batched(values, _LOOKUP_BATCH):
                rows += connection.execute(query.format(",".join("?" * len(batch))), list(batch)).fetchall()
        return rows


def _versions(connection: sqlite3.Connection, space_id: str) -> tuple[int, int]:
    (generation,) = connection.execute("SELECT words_generation FROM state").fetchone()
    row = connection.execute("SELECT generation FROM spaces WHERE id = ?", (space_id,)).fetchone()
    return generation, row[0] if row is not None else 0


def dimensions_in(connection: sqlite3.Connection) -> dict[str, int]:
    """Space → dimension, for those with vectors."""
    return dict(connection.execute("SELECT id, dimension FROM spaces WHERE dimension IS NOT NULL"))
