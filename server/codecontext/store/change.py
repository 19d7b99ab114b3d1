"""One change of the files of an index."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

from codecontext.store.chunk_rows import chunk_row
from codecontext.store.contents import release_slots, take_slots
from codecontext.store.layout import key_of, pack, unpack
from codecontext.store.records import FileRows
from codecontext.store.terms import TERM_FIELDS
from codecontext.store.words import WordDocument

_REMOVED_KEPT = 5_000
"""Versions of files that are remembered as gone, so that a snapshot that is not far behind can be patched."""


class Change:
    """Files that are removed and added within one transaction; ``settle`` writes what was added."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        generation, self._next_file, number, last = connection.execute(
            "SELECT generation, next_file, words, words_last FROM state"
        ).fetchone()
        self.generation = generation + 1
        self.words_number = number or last + 1
        self.removed: list[int] = []
        self.removed_chunks = 0
        self.documents: list[WordDocument] = []
        self._added: list[tuple[int, FileRows]] = []
        self._freed_uses: list[int] = []
        self._files = 0
        self._chunks = 0

    def remove(self, path: str) -> None:
        """Forget a file, if it is there."""
        row = self._connection.execute("SELECT id, layout FROM files WHERE path = ?", (path,)).fetchone()
        if row is None:
            return
        file, layout = row[0], unpack(row[1])
        self._connection.execute("DELETE FROM files WHERE id = ?", (file,))
        self._files -= 1
        if len(layout):
            self._connection.execute(
                "DELETE FROM chunks WHERE key >= ? AND key < ?", (key_of(file, 0), key_of(file + 1, 0))
            )
            self._connection.execute("INSERT INTO removed (id, generation) VALUES (?, ?)", (file, self.generation))
            self._freed_uses += layout["slot"].tolist()
            self._chunks -= len(layout)
            self.removed.append(file)
            self.removed_chunks += len(layout)

    @property
    def added(self) -> list[int]:
        """Versions of the files that were added."""
        return [file for file, _rows in self._added]

    def add(self, file: FileRows) -> None:
        """Add a file that is not there."""
        self._added.append((self._next_file, file))
        self._next_file += 1

    def settle(self) -> tuple[list[int], list[int]]:
        """Write what was added; returns the slots of new contents, and those that are free now."""
        rows = [row for _file, file in self._added for row in file.rows]
        slots, given = take_slots(self._connection, [row["content_hash"] for row in rows])
        codes = _codes(self._connection, {row[name] for row in rows for name in ("language", "kind")})
        self._connection.executemany(
            "INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (self._file_row(id_, file, slots, codes) for id_, file in self._added),
        )
        self._connection.executemany(
            "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?)",
            (
                chunk_row(key_of(id_, ordinal), row)
                for id_, file in self._added
                for ordinal, row in enumerate(file.rows)
            ),
        )
        self.documents = [
            WordDocument(id_, ordinal, row["language"], row["kind"], tuple(row[name] for name in TERM_FIELDS))
            for id_, file in self._added
            for ordinal, row in enumerate(file.rows)
        ]
        freed = release_slots(self._connection, self._freed_uses)
        self._connection.execute(
            "UPDATE state SET generation = ?, next_file = ?, files = files + ?, chunks = chunks + ?",
            (self.generation, self._next_file, self._files + len(self._added), self._chunks + len(rows)),
        )
        self._forget_old_removals()
        return given, freed

    def _file_row(self, id_: int, file: FileRows, slots: dict[str, int], codes: dict[str, int]) -> tuple[object, ...]:
        layout = pack(
            [
                (
                    slots[row["content_hash"]],
                    row["start_line"],
                    row["end_line"],
                    codes[row["language"]],
                    codes[row["kind"]],
                )
                for row in file.rows
            ]
        )
        stamp = file.stamp
        return (
            id_,
            file.path,
            stamp.size,
            stamp.changed_ns,
            stamp.digest,
            stamp.settled,
            len(file.rows),
            self.generation,
            layout,
        )

    def _forget_old_removals(self) -> None:
        """Keep the list of what is gone from growing; what is as old as that is read in full instead."""
        (count,) = self._connection.execute("SELECT count(*) FROM removed").fetchone() if self.removed else (0,)
        if count > _REMOVED_KEPT:
            (generation,) = self._connection.execute(
                "SELECT generation FROM removed ORDER BY generation DESC LIMIT 1 OFFSET ?", (_REMOVED_KEPT // 2,)
            ).fetchone()
            self._connection.execute("DELETE FROM removed WHERE generation <= ?", (generation,))
            self._connection.execute("UPDATE state SET forgotten = max(forgotten, ?)", (generation,))


def _codes(connection: sqlite3.Connection, names: Collection[str]) -> dict[str, int]:
    connection.executemany("INSERT OR IGNORE INTO labels (name) VALUES (?)", ((name,) for name in sorted(names)))
    return {name: code for code, name in connection.execute("SELECT code, name FROM labels")}
