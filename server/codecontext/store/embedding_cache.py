"""(space, content hash) → vector, shared by all folders, so that no text is ever embedded twice.

SQLite in WAL mode: many processes read and write at once. Vectors are little-endian float32. What was
written first goes first when the cache outgrows its budget. A damaged file is set aside and replaced by an empty one:
everything in it can be made again.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codecontext.core.batched import batched
from codecontext.core.errors import StoreError
from codecontext.core.private import create_private, make_private

logger = logging.getLogger(__name__)

Vector = npt.NDArray[np.float32]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS vectors (
    position INTEGER PRIMARY KEY,
    space TEXT NOT NULL,
    hash BLOB NOT NULL,
    vector BLOB NOT NULL,
    UNIQUE (space, hash)
)
"""
_LOOKUP_BATCH = 500
_BUSY_SECONDS = 30.0


class EmbeddingCache:
    """The cache in one SQLite file, for any number of processes; an instance belongs to one thread."""

    def __init__(self, file: Path, *, max_bytes: int) -> None:
        self._file = file
        self._max_bytes = max_bytes
        self._connection: sqlite3.Connection | None = None

    def get(self, space_id: str, hashes: Sequence[str]) -> dict[str, Vector]:
        """The vectors, shape (dimension,), of those hashes that the cache knows."""
        found: dict[str, Vector] = {}
        with self._transaction() as connection:
            for batch in batched(hashes, _LOOKUP_BATCH):
                keys = [bytes.fromhex(value) for value in batch]
                marks = ",".join("?" * len(keys))
                query = f"SELECT hash, vector FROM vectors WHERE space = ? AND hash IN ({marks})"  # noqa: S608
                for key, blob in connection.execute(query, (space_id, *keys)):
                    found[key.hex()] = np.frombuffer(blob, dtype="<f4")
        return found

    def put(self, space_id: str, hashes: Sequence[str], vectors: Vector) -> None:
        """Keep ``vectors``, shape (len(hashes), dimension)."""
        rows = [
            (space_id, bytes.fromhex(key), vector.astype("<f4").tobytes())
            for key, vector in zip(hashes, vectors, strict=True)
        ]
        with self._transaction() as connection:
            connection.executemany("INSERT OR IGNORE INTO vectors (space, hash, vector) VALUES (?, ?, ?)", rows)

    def trim(self) -> None:
        """Forget the oldest entries until the file keeps to its budget."""
        with self._transaction() as connection:
            used = _pragma(connection, "page_count") - _pragma(connection, "freelist_count")
            excess = used * _pragma(connection, "page_size") - self._max_bytes
            if excess > 0:
                count, size = connection.execute(
                    "SELECT count(*), coalesce(avg(length(vector)), 1) FROM vectors"
                ).fetchone()
                forget = min(count, int(excess / size) + 1)
                connection.execute(
                    "DELETE FROM vectors WHERE position IN (SELECT position FROM vectors ORDER BY position LIMIT ?)",
                    (forget,),
                )

    def size_bytes(self) -> int:
        """Disk space of the cache."""
        return sum(file.stat().st_size for file in self._file.parent.glob(f"{self._file.name}*"))

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            if self._connection is None:
                self._connection = self._open()
            with self._connection:
                yield self._connection
        except sqlite3.OperationalError as error:
            raise StoreError(f"The embedding cache {self._file} cannot be used: {error}.", _advice(error)) from error
        except sqlite3.DatabaseError as error:
            self.close()
            raise StoreError(
                f"The embedding cache {self._file} is damaged: {error}.",
                "Delete the file; it will be rebuilt.",
            ) from error

    def _open(self) -> sqlite3.Connection:
        try:
            make_private(self._file.parent)
        except OSError as error:
            raise StoreError(
                f"The cache folder {self._file.parent} cannot be created: {error.strerror}.",
                "Set CODECONTEXT_HOME to a folder that can be written.",
            ) from error
        try:
            return _connect(self._file)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            damaged = self._file.with_suffix(".damaged")
            self._file.replace(damaged)
            logger.warning(
                "The embedding cache was damaged (%s) and is rebuilt; the damaged file is kept as %s.", error, damaged
            )
            return _connect(self._file)


def _advice(error: sqlite3.OperationalError) -> str:
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return "Another process is using it; try again."
    return "Free some space, or delete the file; it will be rebuilt."


def _connect(file: Path) -> sqlite3.Connection:
    with suppress(OSError):  # then SQLite cannot open it either, and says so
        create_private(file)  # its companions get the mode of the file
    connection = sqlite3.connect(file, timeout=_BUSY_SECONDS, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        with connection:
            connection.execute(_SCHEMA)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    with closing(connection.execute(f"PRAGMA {name}")) as cursor:
        return int(cursor.fetchone()[0])
