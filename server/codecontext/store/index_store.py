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
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from codecontext.core.errors import IndexCorrupt
from codecontext.store.change import Change
from codecontext.store.chunk_rows import documents_of, labels_in, layout_of
from codecontext.store.disk import disk_errors
from codecontext.store.index_reader import DATABASE, IndexReader, dimensions_in
from codecontext.store.records import FileRows, FileStamp, SkippedEntry
from codecontext.store.schema import TABLES
from codecontext.store.vector_file import Floats
from codecontext.store.words import WordDocument, WordIndex

_SET_ASIDE = "set-aside"
_WORN_SHARE = 50
"""The words are made again once removed chunks are more than this part of them ..."""
_SMALL = 50_000
"""... or any at all in an index of up to so many chunks, which takes a few seconds."""
_DOCUMENTS_PER_COMMIT = 20_000


class IndexStore(IndexReader):
    """The index in one directory, to read and, while ``writer_lock`` is held, to write.

    Every method raises ``IndexCorrupt`` where the index cannot be read, and ``StoreError`` where the system refuses.
    """

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
        self._spaces.keep_only(space_ids)

    def add_vectors(self, space_id: str, slots: Sequence[int], vectors: Floats) -> None:
        """Store one vector for each of ``slots``; shape (len(slots), dimension)."""
        with self._database.reading() as connection:
            known = dimensions_in(connection).get(space_id) if connection is not None else None
        if known is None:  # what a stopped process left belongs to slots as they were then
            self._spaces.delete(space_id)
        self._spaces.write(space_id, slots, vectors)
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
            last, generation = connection.execute("SELECT words_last, generation FROM state").fetchone()
        number = last + 1
        words = WordIndex(self.directory / f"words-{number}")
        with disk_errors(self.directory):
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
                "UPDATE state SET words = ?, words_last = ?, words_generation = ?, words_noted = ?, words_removed = 0,"
                " words_checksums = ?",
                (number, number, generation, generation, json.dumps(words.checksums({}))),
            )
        self._words = words
        self._delete_other_words(number)

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

    def damaged(self) -> list[str]:
        """Names of the parts that cannot be read in full."""
        if not self._database.check():
            return ["index"]
        parts = [] if self._words_are_whole() else ["keywords"]
        return parts + [f"vectors of space {space_id}" for space_id in self._damaged_spaces()]

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
        with disk_errors(self.directory):
            for left in self._of_earlier_versions():
                _delete(left)
        if self._database.exists():
            with self._database.writing() as connection:
                generation, last, next_file = connection.execute(
                    "SELECT generation, words_last, next_file FROM state"
                ).fetchone()
                for table in TABLES:
                    connection.execute(f"DELETE FROM {table}")  # noqa: S608
                connection.execute("DELETE FROM state")
                # The counters go on, so that nobody takes what comes for what was.
                connection.execute(
                    "INSERT INTO state (one, generation, forgotten, words_last, words_generation, next_file)"
                    " VALUES (1, ?, ?, ?, ?, ?)",
                    (generation + 1, generation + 1, last, generation + 1, next_file),
                )
            self._delete_other_words(None)
        self._spaces.keep_only([])

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
        # Durable, because what is freed is overwritten in files that know nothing of transactions.
        with self._database.writing(durable=True) as connection:
            change = Change(connection)
            yield change
            given, freed = change.settle()
            dimensions = dimensions_in(connection)
            # A slot with a vector of something else must not come to count.
            self._spaces.clear(dimensions, given)
            number = change.words_number
        self._write_words(self._words_in(number), [*change.removed, *change.added], change.documents)
        self._note_written(number, change.generation, change.removed_chunks)
        self._spaces.clear(dimensions, freed)

    def _replay_words(self, since: int, generation: int) -> None:
        with self._database.reading() as connection:
            if connection is None:
                return
            removed = [row[0] for row in connection.execute("SELECT id FROM removed WHERE generation > ?", (since,))]
            added = [row[0] for row in connection.execute("SELECT id FROM files WHERE generation > ?", (since,))]
            (number,) = connection.execute("SELECT words FROM state").fetchone()
        # What was committed already is removed and added again.
        self._write_words(self._words_in(number), [*removed, *added], self._documents(added))
        self._note_written(number, generation, len(removed) + len(added))

    def _note_written(self, number: int, generation: int, removed: int) -> None:
        """That the words are in use, go up to ``generation`` and hold so many more chunks that are gone."""
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE state SET words = ?, words_last = max(words_last, ?), words_generation = ?,"
                " words_removed = words_removed + ?",
                (number, number, generation, removed),
            )

    def _write_words(self, words: WordIndex, removed: Iterable[int], added: Iterable[WordDocument]) -> None:
        """``removed`` names what is added, too: after a power cut the words may know numbers that are given again."""
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
        """Spaces with slots whose vector is damaged."""
        with self._database.reading() as connection:
            if connection is None:
                return {}
            used = np.array([row[0] for row in connection.execute("SELECT slot FROM contents")], np.int64)
            dimensions = dimensions_in(connection)
        found = {space_id: self._spaces.damaged(space_id, size, used) for space_id, size in dimensions.items()}
        return {space_id: slots for space_id, slots in found.items() if slots}

    def _forget_damaged(self, space_id: str, slots: Sequence[int]) -> None:
        with self._database.writing() as connection:
            dimension = dimensions_in(connection)[space_id]
            if self._spaces.forget(space_id, dimension, slots):
                connection.execute("UPDATE spaces SET dimension = NULL WHERE id = ?", (space_id,))

    def _set_aside(self) -> Path:
        """Move the database out of the way; what follows from it goes."""
        self.close()
        target = self.directory / _SET_ASIDE
        with disk_errors(self.directory):
            target.mkdir(mode=0o700, exist_ok=True)
            for file in self.directory.glob(f"{DATABASE}*"):
                file.replace(target / file.name)
            for folder in self.directory.glob("words-*"):
                shutil.rmtree(folder)
        self._spaces.keep_only([])
        return target / DATABASE

    def _forget_set_aside(self) -> None:
        """Delete what an earlier run set aside; it may hold text of files that are gone."""
        shutil.rmtree(self.directory / _SET_ASIDE, ignore_errors=True)

    def _delete_other_words(self, number: int | None) -> None:
        with disk_errors(self.directory):
            for folder in self.directory.glob("words-*"):
                if folder.name != f"words-{number}":
                    shutil.rmtree(folder, ignore_errors=True)  # where somebody reads it, some systems keep it


def _delete(place: Path) -> None:
    if place.is_dir():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)
