"""What one folder's index keeps on disk: SQLite has the truth, words and vectors follow it.

* ``index.sqlite``: files, chunks, the slots of their contents, what is skipped, and the facts of the index. Each batch
  of files is one transaction. A counter, the generation, numbers the writes; no clock decides anything.
* ``words-N``: the full-text index (``words.py``). The database notes up to which generation it goes, so one that a
  killed process left behind catches up, and one that is damaged is made again.
* ``vectors/SPACE``: the vectors by slot (``vector_file.py``). A slot's record says whether it has a vector.

A file that is written again gets a new version number, and never one that was used before: what a reader remembers of
an older version finds nothing instead of something else.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from codecontext.core.batched import batched
from codecontext.core.chunk import Chunk
from codecontext.core.errors import IndexCorrupt, StoreError
from codecontext.store.change import Change
from codecontext.store.chunk_rows import documents_of, labels_in, layout_of, read_chunk
from codecontext.store.contents import hashes_of, slots_of
from codecontext.store.database import Database
from codecontext.store.layout import Layout, file_of
from codecontext.store.records import FileRows, FileStamp, IndexState, SkippedEntry
from codecontext.store.vector_file import Floats, VectorFile, clear_vectors, open_vectors, write_vectors
from codecontext.store.words import WordDocument, WordFilter, WordIndex, WordMatch

SCHEMA_VERSION = 3
"""Raised whenever the tables or their meaning change; an index of another version is rebuilt."""

_DATABASE = "index.sqlite"
_OLD_MANIFEST = "manifest.json"
RECORDS_FOLDER = (_DATABASE, _OLD_MANIFEST)
"""Files that say which folder an index belongs to."""
_VECTORS = "vectors"
_SET_ASIDE = "set-aside"
_SCHEMA = """
CREATE TABLE state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    folder TEXT NOT NULL DEFAULT '',
    index_version TEXT NOT NULL DEFAULT '',
    finished INTEGER NOT NULL DEFAULT 0,
    generation INTEGER NOT NULL DEFAULT 0,
    forgotten INTEGER NOT NULL DEFAULT 0,
    next_file INTEGER NOT NULL DEFAULT 1,
    next_slot INTEGER NOT NULL DEFAULT 0,
    files INTEGER NOT NULL DEFAULT 0,
    chunks INTEGER NOT NULL DEFAULT 0,
    notices TEXT NOT NULL DEFAULT '[]',
    words INTEGER NOT NULL DEFAULT 0,
    words_generation INTEGER NOT NULL DEFAULT 0,
    words_removed INTEGER NOT NULL DEFAULT 0,
    words_noted INTEGER NOT NULL DEFAULT 0,
    words_checksums TEXT NOT NULL DEFAULT '{}'
);
INSERT INTO state (one) VALUES (1);
CREATE TABLE labels (code INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE files (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    changed_ns INTEGER NOT NULL,
    digest TEXT NOT NULL,
    settled INTEGER NOT NULL,
    chunks INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    layout BLOB NOT NULL
);
CREATE INDEX files_by_generation ON files (generation);
CREATE TABLE removed (id INTEGER PRIMARY KEY, generation INTEGER NOT NULL);
CREATE INDEX removed_by_generation ON removed (generation);
CREATE TABLE chunks (
    key INTEGER PRIMARY KEY,
    symbol TEXT NOT NULL,
    qualified_name TEXT NOT NULL,
    signature TEXT NOT NULL,
    doc TEXT NOT NULL,
    text BLOB NOT NULL
);
CREATE TABLE contents (slot INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, uses INTEGER NOT NULL);
CREATE TABLE free_slots (slot INTEGER PRIMARY KEY);
CREATE TABLE spaces (
    id TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    dimension INTEGER,
    generation INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE skipped (
    path TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    size INTEGER NOT NULL,
    changed_ns INTEGER NOT NULL,
    settled INTEGER NOT NULL
) WITHOUT ROWID
"""
_TABLES = ("files", "removed", "chunks", "contents", "free_slots", "spaces", "skipped", "labels")
_LOOKUP_BATCH = 500
_WORN_SHARE = 50
"""The words are made again once removed chunks are more than this part of them ..."""
_SMALL = 50_000
"""... or any at all in an index of up to so many chunks, which takes a few seconds."""
_DOCUMENTS_PER_COMMIT = 20_000


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


class IndexStore:
    """The index in one directory. Readers need no lock; writers hold ``writer_lock``.

    Every method raises ``IndexCorrupt`` where the index cannot be read, and ``StoreError`` where the system refuses.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._database = Database(directory / _DATABASE, _SCHEMA, SCHEMA_VERSION)
        self._words: WordIndex | None = None
        self._choosing_words = threading.Lock()

    # -- facts -------------------------------------------------------------------------------------------

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

    # -- reading -----------------------------------------------------------------------------------------

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
            is_known = since is not None and forgotten <= since <= versions[0]
            condition, values = ("AND generation > ?", (since,)) if is_known else ("", ())
            rows = connection.execute(
                f"SELECT path, id, changed_ns, layout FROM files WHERE chunks > 0 {condition}",  # noqa: S608
                values,
            ).fetchall()
            removed = (
                [row[0] for row in connection.execute("SELECT id FROM removed WHERE generation > ?", values)]
                if is_known
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

    def slots(self, hashes: Sequence[str]) -> dict[str, int]:
        """Content hash → its slot, for those in the index."""
        with self._database.reading() as connection:
            return slots_of(connection, hashes) if connection is not None else {}

    def search_terms(
        self, terms: Sequence[str], weights: dict[str, float], *, limit: int, where: WordFilter | None = None
    ) -> list[WordMatch]:
        """The chunks that match ``terms`` best: ``limit`` of them, and all that equal the last; see ``WordIndex``."""
        with self._database.reading() as connection:
            if connection is None:
                return []
            number, generation, chunks = connection.execute(
                "SELECT words, words_generation, chunks FROM state"
            ).fetchone()
        if not terms or not number or not chunks:
            return []
        words = self._words_in(number)
        return words.search(terms, weights, limit=limit, where=where or WordFilter(), state=generation)

    def vectors(self, space_id: str) -> VectorFile | None:
        """The vectors of a space by slot; None where it has none."""
        with self._database.reading() as connection:
            dimension = _dimension(connection, space_id) if connection is not None else None
        return open_vectors(self._vectors_of(space_id), dimension) if dimension else None

    def size_bytes(self) -> int:
        """Disk space of the index."""
        return sum(file.stat().st_size for file in self.directory.rglob("*") if file.is_file())

    def damaged(self) -> list[str]:
        """Names of the parts that cannot be read in full."""
        if not self._database.check():
            return ["index"]
        parts = [] if self._words_are_whole() else ["keywords"]
        return parts + [f"vectors of space {space_id}" for space_id in self._damaged_spaces()]

    # -- writing -----------------------------------------------------------------------------------------

    def replace_files(self, files: Sequence[FileRows]) -> None:
        """Write the rows of ``files`` in place of what the index holds of them."""
        with self._writing_text() as change:
            for file in files:
                change.remove(file.path)
            for file in files:
                change.add(file)

    def remove_files(self, paths: Sequence[str]) -> None:
        """Forget ``paths``."""
        if paths:
            with self._writing_text() as change:
                for path in paths:
                    change.remove(path)

    def stamp_files(self, stamps: dict[str, FileStamp]) -> None:
        """Note how files look whose rows stay as they are."""
        if not stamps:
            return
        with self._database.writing() as connection:
            connection.executemany(
                "UPDATE files SET size = ?, changed_ns = ?, settled = ? WHERE path = ?",
                ((stamp.size, stamp.changed_ns, stamp.settled, path) for path, stamp in stamps.items()),
            )

    def set_skipped(self, paths: Collection[str] | None, entries: Iterable[SkippedEntry]) -> None:
        """Replace what is skipped at and below ``paths``, or everywhere."""
        wanted = {entry.path: entry for entry in entries}
        known = {entry.path: entry for entry in self.skipped(paths)}
        if wanted == known:
            return
        with self._database.writing() as connection:
            gone = known.keys() - wanted.keys()
            connection.executemany("DELETE FROM skipped WHERE path = ?", ((path,) for path in gone))
            connection.executemany(
                "INSERT OR REPLACE INTO skipped VALUES (?, ?, ?, ?, ?, ?)",
                (
                    (entry.path, entry.reason, entry.detail, entry.size, entry.changed_ns, entry.settled)
                    for entry in wanted.values()
                    if known.get(entry.path) != entry
                ),
            )

    def set_facts(
        self,
        *,
        folder: str | None = None,
        index_version: str | None = None,
        notices: Sequence[str] | None = None,
        finished: bool | None = None,
    ) -> None:
        """Note facts of the index; those that are None stay as they are."""
        facts = {"folder": folder, "index_version": index_version, "finished": finished}
        if notices is not None:
            facts["notices"] = json.dumps(list(notices))
        given = {name: value for name, value in facts.items() if value is not None}
        with self._database.writing() as connection:
            connection.execute(f"UPDATE state SET {', '.join(f'{name} = ?' for name in given)}", tuple(given.values()))  # noqa: S608

    def set_spaces(self, space_ids: Sequence[str]) -> None:
        """Keep these spaces, in this order, and drop the vectors of all others."""
        with self._database.writing() as connection:
            known = {row[0] for row in connection.execute("SELECT id FROM spaces")}
            connection.executemany("DELETE FROM spaces WHERE id = ?", ((gone,) for gone in known.difference(space_ids)))
            for position, space_id in enumerate(space_ids):
                connection.execute(
                    "INSERT INTO spaces (id, position) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET position = ?",
                    (space_id, position, position),
                )
        with _disk_errors(self.directory):
            for folder in self._vector_folders():
                if folder.name not in space_ids:
                    shutil.rmtree(folder)

    def add_vectors(self, space_id: str, slots: Sequence[int], vectors: Floats) -> None:
        """Store one vector for each of ``slots``; shape (len(slots), dimension)."""
        with _disk_errors(self.directory):
            write_vectors(self._vectors_of(space_id), slots, vectors)
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO spaces (id, position, dimension, generation)"
                " VALUES (?, (SELECT count(*) FROM spaces), ?, 1)"
                " ON CONFLICT (id) DO UPDATE SET dimension = excluded.dimension, generation = generation + 1",
                (space_id, vectors.shape[1]),
            )

    def catch_up_words(self, check_cancelled: Callable[[], None] = lambda: None) -> None:
        """Bring the words to the state of the chunks, where a process that wrote them was stopped."""
        with self._database.reading() as connection:
            if connection is None:
                return
            number, words_generation, generation, forgotten = connection.execute(
                "SELECT words, words_generation, generation, forgotten FROM state"
            ).fetchone()
        if words_generation == generation:
            return
        if not number or words_generation < forgotten:
            self.rebuild_words(check_cancelled)
            return
        try:
            self._replay_words(words_generation, generation)
        except IndexCorrupt:
            self.rebuild_words(check_cancelled)

    def rebuild_words(self, check_cancelled: Callable[[], None] = lambda: None) -> None:
        """Make the words again from the chunks; until that is done the old ones are used."""
        with self._database.reading() as connection:
            if connection is None:
                return
            number, generation = connection.execute("SELECT words, generation FROM state").fetchone()
        words = WordIndex(self.directory / f"words-{number + 1}")
        with _disk_errors(self.directory):
            shutil.rmtree(words.directory, ignore_errors=True)
        for count, document in enumerate(self._documents(), start=1):
            words.replace([], [document])
            if count % _DOCUMENTS_PER_COMMIT == 0:
                check_cancelled()
                words.commit()
        words.commit()
        words.finish()
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE state SET words = ?, words_generation = ?, words_noted = ?, words_removed = 0,"
                " words_checksums = ?",
                (number + 1, generation, generation, json.dumps(words.checksums({}))),
            )
        self._words = words
        self._delete_other_words(number + 1)

    def tidy(self, check_cancelled: Callable[[], None] = lambda: None, *, thorough: bool = False) -> None:
        """End writing: merge the words and take what was deleted from the disk.

        With ``thorough`` the words are made again where more than a small part of them is of chunks that are gone:
        those are found no more, but count in how rare a word is.
        """
        if not self._database.exists():
            return
        if self._words is not None:
            self._words.finish()
        with self._database.reading() as connection:
            if connection is None:
                return
            removed, chunks, number, is_noted = connection.execute(
                "SELECT words_removed, chunks, words, words_noted = words_generation FROM state"
            ).fetchone()
        if thorough and removed and (chunks <= _SMALL or removed * _WORN_SHARE > chunks):
            self.rebuild_words(check_cancelled)
        elif number and not is_noted:
            self._note_checksums(self._words_in(number))
        self._database.settle()

    def repair(self, check_cancelled: Callable[[], None] = lambda: None) -> list[str]:
        """Check every part, and make what is damaged again as far as it follows from another; says what was done."""
        self._forget_set_aside()
        notices: list[str] = []
        if not self._database.check():
            notices.append(
                f"The index was damaged, so it was rebuilt; the damaged file is kept as {self._set_aside()} until the "
                "next run."
            )
        if self.is_outdated():
            self.clear()
            notices.append("The index was made by an earlier version, so it was rebuilt.")
        if not self._words_are_whole():
            self.rebuild_words(check_cancelled)
            notices.append("The keywords of the index were damaged, so they were made again.")
        self.catch_up_words(check_cancelled)
        for space_id, slots in self._damaged_spaces().items():
            self._forget_damaged(space_id, slots)
            notices.append(f"Some vectors of the space {space_id} were damaged, so they were made again.")
        return notices

    def clear(self) -> None:
        """Delete everything but the lock file; whoever searches meanwhile sees all of it or nothing."""
        self.release()
        with _disk_errors(self.directory):
            for left in self._of_earlier_versions():
                _delete(left)
        if self._database.exists():
            with self._database.writing() as connection:
                generation, number, next_file = connection.execute(
                    "SELECT generation, words, next_file FROM state"
                ).fetchone()
                for table in _TABLES:
                    connection.execute(f"DELETE FROM {table}")  # noqa: S608
                connection.execute("DELETE FROM state")
                # The counters go on, so that nobody takes what comes for what was.
                connection.execute(
                    "INSERT INTO state (one, generation, forgotten, words, words_generation, next_file)"
                    " VALUES (1, ?, ?, ?, ?, ?)",
                    (generation + 1, generation + 1, number and number + 1, generation + 1, next_file),
                )
            self._delete_other_words(None)
        with _disk_errors(self.directory):
            for folder in self._vector_folders():
                shutil.rmtree(folder)

    def release(self) -> None:
        """Let another process write the words; what was not committed is dropped."""
        if self._words is not None:
            self._words.abandon()

    def close(self) -> None:
        """Let go of all files."""
        self.release()
        self._words = None
        self._database.close()

    # -- inside ------------------------------------------------------------------------------------------

    @contextmanager
    def _writing_text(self) -> Iterator[Change]:
        """One change of files: chunks first, words after them; a stop in between is found by ``catch_up_words``."""
        with self._database.writing() as connection:
            change = Change(connection)
            yield change
            reused, freed = change.settle()
            # A slot with a vector of something else must not come to count.
            self._clear_slots(connection, reused)
            spaces = _spaces(connection)
            number = change.words_number
        self._write_words(self._words_in(number), change.removed, change.documents)
        self._note_written(change.generation, change.removed_chunks)
        self._clear(spaces, freed)

    def _clear_slots(self, connection: sqlite3.Connection, slots: Sequence[int]) -> None:
        if slots:
            self._clear(_spaces(connection), slots)

    def _clear(self, spaces: dict[str, int], slots: Sequence[int]) -> None:
        if slots:
            with _disk_errors(self.directory):
                for space_id, dimension in spaces.items():
                    clear_vectors(self._vectors_of(space_id), slots, dimension)

    def _replay_words(self, since: int, generation: int) -> None:
        with self._database.reading() as connection:
            if connection is None:
                return
            removed = [row[0] for row in connection.execute("SELECT id FROM removed WHERE generation > ?", (since,))]
            added = [row[0] for row in connection.execute("SELECT id FROM files WHERE generation > ?", (since,))]
            (number,) = connection.execute("SELECT words FROM state").fetchone()
        # What was committed already is removed and added again.
        self._write_words(self._words_in(number), [*removed, *added], self._documents(added))
        self._note_written(generation, len(removed) + len(added))

    def _note_written(self, generation: int, removed: int) -> None:
        """That the words go up to ``generation``, and hold so many more chunks that are gone."""
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE state SET words_generation = ?, words_removed = words_removed + ?",
                (generation, removed),
            )

    def _write_words(self, words: WordIndex, removed: Iterable[int], added: Iterable[WordDocument]) -> None:
        try:
            words.replace(removed, added)
            words.commit()
        except BaseException:
            words.abandon()
            raise

    def _documents(self, files: Sequence[int] | None = None) -> Iterator[WordDocument]:
        """The documents of these versions of files, or of all; read file by file, each as it is then."""
        with self._database.reading() as connection:
            if connection is None:
                return
            labels = labels_in(connection)
            ids = files if files is not None else [row[0] for row in connection.execute("SELECT id FROM files")]
            for file in ids:
                if (place := layout_of(connection, file)) is not None:
                    yield from documents_of(connection, file, place, labels)

    def _words_in(self, number: int) -> WordIndex:
        directory = self.directory / f"words-{number}"
        with self._choosing_words:
            if self._words is None or self._words.directory != directory:
                self._words = WordIndex(directory)
            return self._words

    def _note_checksums(self, words: WordIndex) -> None:
        """Note what the files of the words are, so that damage shows. Those that are known do not change any more."""
        with self._database.writing() as connection:
            (known,) = connection.execute("SELECT words_checksums FROM state").fetchone()
            connection.execute(
                "UPDATE state SET words_noted = words_generation, words_checksums = ?",
                (json.dumps(words.checksums(json.loads(known))),),
            )

    def _words_are_whole(self) -> bool:
        with self._database.reading() as connection:
            if connection is None:
                return True
            number, is_behind, chunks, is_noted, checksums = connection.execute(
                "SELECT words, words_generation != generation, chunks, words_noted = words_generation, words_checksums"
                " FROM state"
            ).fetchone()
        if not number:
            return not chunks
        try:
            words = WordIndex(self.directory / f"words-{number}")
            if is_noted and json.loads(checksums) != words.checksums({}):
                return False
            return bool(is_behind or words.count() == chunks)
        except (IndexCorrupt, FileNotFoundError):
            return not chunks

    def _damaged_spaces(self) -> dict[str, list[int]]:
        """Spaces with slots whose vector is damaged; all slots where the files do not fit together."""
        with self._database.reading() as connection:
            if connection is None:
                return {}
            used = np.array([row[0] for row in connection.execute("SELECT slot FROM contents")], np.int64)
            spaces = _spaces(connection)
        damaged: dict[str, list[int]] = {}
        for space_id, dimension in spaces.items():
            try:
                vectors = open_vectors(self._vectors_of(space_id), dimension)
                slots = vectors.damaged(used).tolist() if vectors is not None else used.tolist()
            except IndexCorrupt:
                slots = used.tolist()
            if slots:
                damaged[space_id] = slots
        return damaged

    def _forget_damaged(self, space_id: str, slots: Sequence[int]) -> None:
        folder = self._vectors_of(space_id)
        with self._database.reading() as connection:
            dimension = _dimension(connection, space_id) if connection is not None else None
        with _disk_errors(self.directory):
            try:
                if dimension and open_vectors(folder, dimension):
                    clear_vectors(folder, slots, dimension)
                    return
            except IndexCorrupt:
                pass
            shutil.rmtree(folder, ignore_errors=True)
        with self._database.writing() as connection:
            connection.execute("UPDATE spaces SET dimension = NULL WHERE id = ?", (space_id,))

    def _set_aside(self) -> Path:
        """Move the database out of the way; what follows from it goes."""
        self.close()
        target = self.directory / _SET_ASIDE
        with _disk_errors(self.directory):
            target.mkdir(mode=0o700, exist_ok=True)
            for file in self.directory.glob(f"{_DATABASE}*"):
                file.replace(target / file.name)
            for folder in [*self._vector_folders(), *self.directory.glob("words-*")]:
                shutil.rmtree(folder)
        return target / _DATABASE

    def _forget_set_aside(self) -> None:
        """Delete what an earlier run set aside; it may hold text of files that are gone."""
        shutil.rmtree(self.directory / _SET_ASIDE, ignore_errors=True)

    def _delete_other_words(self, number: int | None) -> None:
        with _disk_errors(self.directory):
            for folder in self.directory.glob("words-*"):
                if folder.name != f"words-{number}":
                    shutil.rmtree(folder)

    def _of_earlier_versions(self) -> Iterator[Path]:
        """What releases with another database left; its vectors are in the embedding cache."""
        yield from self.directory.glob("*.lance")
        yield from self.directory.glob("*.lance.gone")
        yield from self.directory.glob(_OLD_MANIFEST)

    def _vectors_of(self, space_id: str) -> Path:
        return self.directory / _VECTORS / space_id

    def _vector_folders(self) -> list[Path]:
        return [folder for folder in (self.directory / _VECTORS).glob("*") if folder.is_dir()]

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
    (generation,) = connection.execute("SELECT generation FROM state").fetchone()
    row = connection.execute("SELECT generation FROM spaces WHERE id = ?", (space_id,)).fetchone()
    return generation, row[0] if row is not None else 0


def _spaces(connection: sqlite3.Connection) -> dict[str, int]:
    """Space → dimension, for those with vectors."""
    return dict(connection.execute("SELECT id, dimension FROM spaces WHERE dimension IS NOT NULL"))


def _dimension(connection: sqlite3.Connection, space_id: str) -> int | None:
    return _spaces(connection).get(space_id)


def _delete(place: Path) -> None:
    if place.is_dir():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


@contextmanager
def _disk_errors(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"The disk refused to store the index in {directory}: {error.strerror or error}.",
            "Free some space and run again; the previous index is intact.",
        ) from error
