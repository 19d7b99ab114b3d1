"""One SQLite file in WAL mode, for any number of threads and processes.

Readers see the last commit and never wait; there is one writer, which holds the index's lock. Deleted content is
overwritten in the file (``secure_delete``) and, once a run has ended, in its log.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from codecontext.core.errors import IndexCorrupt, StoreError
from codecontext.core.private import create_private, make_private

_BUSY_SECONDS = 30.0
_VACUUM_SHARE = 4
"""Free pages are given back once they are more than this part of the file, so that a usual edit finds some."""
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}
_DAMAGED_READS = {sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS}
_SHORTAGES = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PROTOCOL}


class Database:
    """Connections to ``file``, whose tables are those of ``schema``; ``version`` changes with them."""

    def __init__(self, file: Path, schema: str, version: int) -> None:
        self.file = file
        self._schema = schema
        self._version = version
        self._lock = threading.Lock()
        self._idle: list[tuple[tuple[int, int], sqlite3.Connection]] = []

    def exists(self) -> bool:
        """Whether there is a file."""
        return self.file.is_file()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection | None]:
        """What was committed last, and stays so within the block; None without a file of this version.

        Raises ``IndexCorrupt`` and ``StoreError``, as ``writing`` does.
        """
        with self._errors(), ExitStack() as stack:
            connection = self._opened(stack)
            if connection is None:
                yield None
                return
            connection.execute("BEGIN")
            try:
                yield connection if self._is_current(connection) else None
            finally:
                _roll_back(connection)

    @contextmanager
    def writing(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """A transaction: all of the block is committed, or nothing. Makes the file, or its tables anew, if it must.

        Without power only the last ones can be lost, and none up to a ``durable`` one that has ended.
        """
        with self._errors():
            if not self.exists():
                self._create()
            with self._borrowed() as connection:
                connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
                connection.execute("BEGIN IMMEDIATE")
                try:
                    if not self._is_current(connection):
                        _drop_tables(connection)
                        self._create_tables(connection)
                    yield connection
                    connection.execute("COMMIT")
                finally:
                    _roll_back(connection)

    def is_outdated(self) -> bool:
        """Whether the file is of another version; one without tables is of none."""
        if not self.exists():
            return False
        try:
            with self._errors(), self._borrowed() as connection:
                return _version(connection) not in (0, self._version)
        except IndexCorrupt:
            return False

    def check(self) -> bool:
        """Whether every page can be read and the tables agree with their indexes. Raises ``StoreError``."""
        try:
            with self.reading() as connection:
                found = connection.execute("PRAGMA quick_check(1)").fetchone() if connection else ("ok",)
        except IndexCorrupt:
            return False
        return bool(found == ("ok",))

    def settle(self) -> None:
        """Write the log back and give free pages back, so that nothing that was deleted stays on the disk."""
        if not self.exists():
            return
        with self._errors(), self._borrowed() as connection:
            free = int(connection.execute("PRAGMA freelist_count").fetchone()[0])
            if free * _VACUUM_SHARE > int(connection.execute("PRAGMA page_count").fetchone()[0]):
                connection.executescript("PRAGMA incremental_vacuum")  # ``execute`` would take one step of it
            # A reader in the middle of a query keeps the log; the next run finds it again.
            connection.execute("PRAGMA busy_timeout = 1000")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            connection.execute(f"PRAGMA busy_timeout = {int(_BUSY_SECONDS * 1000)}")

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _identity, connection in idle:
            connection.close()

    def _opened(self, stack: ExitStack) -> sqlite3.Connection | None:
        """A connection until ``stack`` is closed; None without a file, also where it is put aside just now."""
        if not self.exists():
            return None
        try:
            return stack.enter_context(self._borrowed())
        except sqlite3.OperationalError:
            if self.exists():
                raise
            return None

    @contextmanager
    def _borrowed(self) -> Iterator[sqlite3.Connection]:
        """A connection for the time of the block: one that was used before if the file is still the same."""
        identity = self._identity()
        with self._lock:
            stale = [connection for place, connection in self._idle if place != identity]
            self._idle = [entry for entry in self._idle if entry[0] == identity]
            connection = self._idle.pop()[1] if self._idle else None
        for other in stale:
            other.close()
        if connection is None:
            connection = self._connect()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        with self._lock:
            self._idle.append((identity, connection))

    def _identity(self) -> tuple[int, int]:
        try:
            status = self.file.stat()
        except OSError:
            return -1, -1
        return status.st_dev, status.st_ino

    def _connect(self) -> sqlite3.Connection:
        """Where even readers of a log need to write and cannot, the file is read as it lies there."""
        refusals: list[sqlite3.OperationalError] = []
        for mode in ("mode=rw", "mode=ro", "mode=ro&immutable=1"):
            connection = sqlite3.connect(
                f"{self.file.absolute().as_uri()}?{mode}",
                uri=True,
                timeout=_BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                connection.execute("PRAGMA secure_delete = ON")
                connection.execute("PRAGMA user_version").fetchone()
            except sqlite3.OperationalError as error:
                connection.close()
                refusals.append(error)
                if _code(error) & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
                    raise
            except sqlite3.Error:
                connection.close()
                raise
            else:
                return connection
        raise refusals[0]

    def _create(self) -> None:
        try:
            make_private(self.file.parent)
            create_private(self.file)  # its companions get the mode of the file
        except OSError as error:
            raise StoreError(
                f"The index {self.file} cannot be created: {error.strerror}.",
                "Free some space or set CODECONTEXT_HOME to a folder that can be written.",
            ) from error
        with self._borrowed() as connection:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL").fetchone()

    def _create_tables(self, connection: sqlite3.Connection) -> None:
        for statement in self._schema.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {self._version}")

    def _is_current(self, connection: sqlite3.Connection) -> bool:
        return _version(connection) == self._version

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.ProgrammingError, sqlite3.InterfaceError):
            raise  # a fault of ours
        except sqlite3.Error as error:
            code = _code(error)
            if isinstance(error, sqlite3.OperationalError) and not _is_damage(code):
                raise self._refusal(error, code) from error
            raise IndexCorrupt(
                f"The index {self.file} cannot be read: {error}.",
                "Run 'codecontext index': it sets the file aside and rebuilds the index.",
            ) from error

    def _refusal(self, error: sqlite3.OperationalError, code: int) -> StoreError:
        if code & 0xFF in _SHORTAGES:
            return StoreError(
                f"The index {self.file} is temporarily unavailable: {error}.",
                "Close some programs and try again; the index itself is intact.",
            )
        if code & 0xFF == sqlite3.SQLITE_CANTOPEN:
            return StoreError(
                f"The index {self.file} cannot be opened: {error}.",
                "Check the permissions of the index folder, or close some programs, and try again.",
            )
        return StoreError(
            f"The disk refused to store the index {self.file}: {error}.",
            "Free some space and run again; the previous index is intact.",
        )


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _is_damage(code: int) -> bool:
    return code & 0xFF in _DAMAGED or code in _DAMAGED_READS


def _code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT))


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        with suppress(sqlite3.Error):  # what made this necessary is on its way already
            connection.execute("ROLLBACK")


def _drop_tables(connection: sqlite3.Connection) -> None:
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (name,) in names:
        if not name.startswith("sqlite_"):
            connection.execute(f'DROP TABLE "{name}"')
