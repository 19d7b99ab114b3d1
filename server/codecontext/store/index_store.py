"""The LanceDB tables of one folder: ``chunks`` and one ``vectors_<space_id>`` per embedding space.

The rows of ``chunks`` are the truth about which content of which file is indexed; vectors are keyed by
content hash, so a file that moves keeps them. New rows of a file are added before its old ones are removed:
whatever stops the process in between, nothing is missing, and the next run sees two digests for the file
and writes it again. A counter that only grows decides which rows are newer, never a clock.

A reader may be in the middle of a version that a writer removes; it then starts over with the newest one.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import lancedb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from lancedb.index import FTS, BTree
from lancedb.query import BooleanQuery, MatchQuery, Occur

from codecontext.core.batched import batched
from codecontext.core.chunk import ChunkFilter
from codecontext.core.errors import IndexCorrupt, QueryError, StoreError
from codecontext.core.globs import path_pattern
from codecontext.core.private import make_private
from codecontext.store.manifest import has_manifest

T = TypeVar("T")

CHUNKS_TABLE = "chunks"
_GONE = ".gone"
_SET_ASIDE = "set-aside"
TERM_FIELDS = ("name_terms", "path_terms", "body_terms")
"""Columns of identifier parts, separated by spaces, that full-text search reads."""

CATALOGUE_COLUMNS = (
    "id",
    "path",
    "language",
    "kind",
    "symbol",
    "qualified_name",
    "start_line",
    "end_line",
    "content_hash",
    "written",
)
CHUNK_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("path", pa.string(), nullable=False),
        pa.field("language", pa.string()),
        pa.field("kind", pa.string()),
        pa.field("symbol", pa.string()),
        pa.field("qualified_name", pa.string()),
        pa.field("signature", pa.string()),
        pa.field("doc", pa.string()),
        pa.field("start_line", pa.int32()),
        pa.field("end_line", pa.int32()),
        pa.field("text", pa.string()),
        pa.field("content_hash", pa.string(), nullable=False),
        pa.field("file_digest", pa.string(), nullable=False),
        pa.field("written", pa.int64(), nullable=False),
        *(pa.field(name, pa.string()) for name in TERM_FIELDS),
    ]
)
# Old versions of a table stay this long, for readers that are in the middle of a query.
_KEEP_OLD_VERSIONS = timedelta(minutes=2)
_DELETE_BATCH = 500
# Searching goes through unindexed rows one by one; a thousand take about a millisecond.
_MAX_UNINDEXED_ROWS = 1000
_MAX_FRAGMENTS = 64
_INDEX_CACHE_BYTES = 128_000_000
_METADATA_CACHE_BYTES = 32_000_000
_READ_ATTEMPTS = 5
_FILES_AT_ONCE = 4_000
"""Files whose rows are held in memory while they are written again."""
_MAX_EQUALS = 5_000
"""Matches that are looked through to find all that share one score."""
_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EACCES}
# The database reports disk errors as text.
_TEMPORARY_ERRORS = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.EINTR, errno.EBUSY, errno.ETIMEDOUT}
_DISK_WORDS = re.compile("no space left|file too large|quota exceeded|read-only file|permission denied", re.IGNORECASE)
# So it reports what the system lacks for now, or another writer; none of it says anything about the data.
_TEMPORARY_WORDS = re.compile(
    "too many open files|cannot allocate memory|resources exhausted|resource temporarily unavailable|timed out"
    "|commit conflict|interrupted system call",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class FileRows:
    """The rows that replace whatever the index holds of one file; columns as in ``CHUNK_SCHEMA``."""

    path: str
    rows: Sequence[dict[str, Any]]


class IndexStore:
    """Tables of the index in one directory. Readers need no lock; writers hold ``writer_lock``."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._tables: dict[str, Any] = {}
        self._session = lancedb.Session(_INDEX_CACHE_BYTES, _METADATA_CACHE_BYTES)

    # -- reading -----------------------------------------------------------------------------------------

    def has_index(self) -> bool:
        """Whether the folder was indexed: an index of no code has a manifest only, one that grows its chunks first."""
        return has_manifest(self.directory) or self.exists()

    def exists(self) -> bool:
        """Whether there is a table of chunks."""
        return (self.directory / f"{CHUNKS_TABLE}.lance").is_dir()

    def versions(self, space_id: str) -> tuple[int, int]:
        """Version numbers of the chunks and of the vectors of a space; 0 where there is no table.

        They change with every write of any process, so a snapshot is current while they stay.
        """
        return self._version(CHUNKS_TABLE), self._version(_vectors_table(space_id))

    def text_version(self) -> int:
        """Version number of the chunks; 0 where there are none."""
        return self._version(CHUNKS_TABLE)

    def catalogue(self) -> pa.Table:
        """All chunks without their texts: ``CATALOGUE_COLUMNS``."""
        return self._read(CHUNKS_TABLE, CATALOGUE_COLUMNS, CHUNK_SCHEMA)

    def file_digests(self) -> dict[str, set[str]]:
        """Path → digests of the contents that its rows came from; several after an interrupted write."""
        table = self._read(CHUNKS_TABLE, ("path", "file_digest"), CHUNK_SCHEMA)
        digests: dict[str, set[str]] = {}
        for path, digest in zip(table["path"].to_pylist(), table["file_digest"].to_pylist(), strict=True):
            digests.setdefault(path, set()).add(digest)
        return digests

    def vectors(self, space_id: str) -> tuple[pa.Array, npt.NDArray[np.float32]]:
        """Content hashes and their vectors, shape (rows, dimension); empty where the space has none."""
        stored = self._read_newest(_vectors_table(space_id), lambda table: table.to_arrow())
        if stored is None or stored.num_rows == 0:
            return pa.array([], pa.string()), np.empty((0, 0), np.float32)
        stored = stored.combine_chunks()
        column = stored["vector"].chunk(0)
        matrix = column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), -1)
        return stored["content_hash"].chunk(0), matrix

    def vector_hashes(self, space_id: str) -> set[str]:
        """Content hashes that have a vector in the space."""
        table = self._read(_vectors_table(space_id), ("content_hash",), None)
        return set(table["content_hash"].to_pylist()) if table is not None else set()

    def chunk_columns(self, ids: Sequence[str], columns: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Chunk id → the named columns."""
        return self._by_key("id", ids, columns)

    def texts_by_hash(self, hashes: Sequence[str], columns: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Content hash → the named columns of one chunk that has it."""
        return self._by_key("content_hash", hashes, columns)

    def search_terms(
        self,
        terms: Sequence[str],
        weights: dict[str, float],
        *,
        limit: int,
        where: ChunkFilter | None = None,
    ) -> list[tuple[str, float]]:
        """Chunk ids and BM25 scores for ``terms``, summed over the weighted term fields, best first.

        Chunks with the same score come in the order of their ids, also where ``limit`` leaves some of them out, so that
        the result does not depend on the order in which they were written. A database without a full-text index
        (nothing written yet) finds nothing. Raises ``QueryError`` for a malformed filter.
        """
        if not terms:
            return []
        text = " ".join(terms)
        fields = [MatchQuery(text, field, boost=weight) for field, weight in weights.items() if weight > 0]
        query = fields[0] if len(fields) == 1 else BooleanQuery([(Occur.SHOULD, field) for field in fields])
        condition = filter_sql(where) if where else ""
        wanted = limit
        while True:
            found = self._run_query(partial(_best_matches, query, condition, wanted + 1), _search_every_column)
            scores = found["_score"].to_pylist() if found is not None else []
            # The list ends within a group of equals: which of them were left out is chance.
            if len(scores) <= wanted or scores[wanted] != scores[limit - 1] or wanted >= _MAX_EQUALS:
                break
            wanted *= 4
        if found is None:
            return []
        scored = sorted(zip(found["id"].to_pylist(), scores, strict=True), key=lambda pair: (-pair[1], pair[0]))
        return scored[:limit]

    def rows(self, columns: Sequence[str]) -> list[dict[str, Any]]:
        """The named columns of all chunks, in no order."""
        found: list[dict[str, Any]] = self._read(CHUNKS_TABLE, columns, CHUNK_SCHEMA).to_pylist()
        return found

    def matching_ids(self, where: ChunkFilter) -> pa.Array:
        """Ids of the chunks that the filter lets through. Raises ``QueryError`` for a malformed one."""
        condition = filter_sql(where)

        def matching(table: Any) -> pa.Table:
            return table.search().where(condition).select(["id"]).limit(None).to_arrow()

        found = self._run_query(matching, _read_filter_columns)
        return found["id"].combine_chunks() if found is not None else pa.array([], pa.string())

    def verify(self) -> list[str]:
        """Names of the tables that cannot be read in full."""
        return [name for name in self._table_names() if not self._readable(name)]

    def size_bytes(self) -> int:
        """Disk space of the index."""
        return sum(file.stat().st_size for file in self.directory.rglob("*") if file.is_file())

    def space_ids(self) -> list[str]:
        """Spaces that have a table of vectors."""
        prefix = _vectors_table("")
        return [name.removeprefix(prefix) for name in self._table_names() if name.startswith(prefix)]

    # -- writing -----------------------------------------------------------------------------------------

    def replace_files(self, files: Sequence[FileRows]) -> None:
        """Write the rows of ``files`` in place of what the index holds of them."""
        written = self._next_generation()
        rows = [{**row, "written": written} for file in files for row in file.rows]
        data = pa.Table.from_pylist(rows, schema=CHUNK_SCHEMA)
        with _errors_of(CHUNKS_TABLE):
            if rows:
                table = self._table(CHUNKS_TABLE)
                if table is None:
                    self._tables[CHUNKS_TABLE] = self._connect().create_table(CHUNKS_TABLE, data)
                else:
                    table.add(data)
        self._delete(CHUNKS_TABLE, "path", [file.path for file in files], f"written < {written}")

    def remove_files(self, paths: Sequence[str]) -> None:
        """Forget ``paths``."""
        self._delete(CHUNKS_TABLE, "path", paths)

    def add_vectors(self, space_id: str, hashes: Sequence[str], vectors: npt.NDArray[np.float32]) -> None:
        """Store one vector per content hash."""
        name = _vectors_table(space_id)
        values = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel(), pa.float32()), vectors.shape[1])
        data = pa.table({"content_hash": pa.array(hashes, pa.string()), "vector": values})
        with _errors_of(name):
            table = self._table(name)
            if table is None:
                self._tables[name] = self._connect().create_table(name, data)
            else:
                table.add(data)

    def remove_vectors(self, space_id: str, hashes: Sequence[str]) -> None:
        """Forget the vectors of content that no file has any more."""
        self._delete(_vectors_table(space_id), "content_hash", hashes)

    def ensure_text_index(self) -> None:
        """Create the full-text and key indexes where they are missing."""
        table = self._table(CHUNKS_TABLE)
        if table is None:
            return
        with _errors_of(CHUNKS_TABLE):
            indexed = {column for index in table.list_indices() for column in index.columns}
            for column, config in _INDEXES.items():
                if column not in indexed:
                    table.create_index(column, config=config())

    def optimize(self, *, thorough: bool = False) -> None:
        """Fold new rows into the indexes, compact, and drop versions that no reader needs.

        A table that only a few small writes have touched is left alone, since that would gain nothing. ``thorough``
        purges all that the chunks table does not need now: removed rows, their terms, older versions. Then scores are
        those of an index that was built from scratch.
        """
        if thorough:
            self._purge_removed()
        for name in self._table_names():
            table = self._table(name)
            if table is not None:
                with _errors_of(name):
                    if _is_scattered(table):
                        table.optimize(cleanup_older_than=_KEEP_OLD_VERSIONS)

    def drop_space(self, space_id: str) -> None:
        """Delete the vectors of a space."""
        name = _vectors_table(space_id)
        self._tables.pop(name, None)
        if name in self._table_names():
            with _errors_of(name):
                self._connect().drop_table(name)

    def set_aside(self, name: str) -> Path:
        """Move a table that cannot be read out of the way, in place of an earlier one; returns where it is now."""
        self._tables.pop(name, None)
        target = self.directory / _SET_ASIDE / f"{name}.lance"
        with _errors_of(name):
            target.parent.mkdir(mode=0o700, exist_ok=True)
            if target.exists():
                shutil.rmtree(target)
            shutil.move(self.directory / f"{name}.lance", target)
        return target

    def forget_set_aside(self) -> None:
        """Delete the tables that earlier runs set aside; they may hold text of files that are gone."""
        shutil.rmtree(self.directory / _SET_ASIDE, ignore_errors=True)

    def clear(self) -> None:
        """Delete all tables and the manifest; the lock file stays.

        Each table goes in one step, so that whoever searches meanwhile sees all of it or none.
        """
        self._tables.clear()
        for left in self.directory.glob(f"*{_GONE}"):  # by a process that ended in the middle of this
            shutil.rmtree(left)
        for entry in list(self.directory.glob("*")):
            if entry.is_dir():
                shutil.rmtree(entry.rename(entry.with_name(entry.name + _GONE)))
            elif entry.suffix == ".json":
                entry.unlink()

    # -- inside ------------------------------------------------------------------------------------------

    def _connect(self) -> Any:
        make_private(self.directory)
        return lancedb.connect(self.directory, session=self._session)

    def _table_names(self) -> list[str]:
        with _errors_of(CHUNKS_TABLE):
            return sorted(entry.stem for entry in self.directory.glob("*.lance") if entry.is_dir())

    def _table(self, name: str) -> Any | None:
        """The table at its latest version, or None where it does not exist."""
        table = self._tables.get(name)
        if not self._is_written(name):
            self._tables.pop(name, None)
            return None
        with _errors_of(name):
            if table is None:
                table = self._tables[name] = self._connect().open_table(name)
            else:
                table.checkout_latest()
        return table

    def _is_written(self, name: str) -> bool:
        """Whether the table has a first version; while that is written the folder is there already."""
        try:
            with os.scandir(self.directory / f"{name}.lance" / "_versions") as versions:
                return any(True for _ in versions)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise StoreError(
                f"The table '{name}' of the index cannot be opened: {error.strerror}.",
                "Check the permissions of the index folder, or close some programs, and try again.",
            ) from error

    def _version(self, name: str) -> int:
        table = self._table(name)
        return int(table.version) if table is not None else 0

    def _read(self, name: str, columns: Sequence[str], schema: pa.Schema | None) -> Any:
        found = self._read_newest(name, lambda table: table.search().select(list(columns)).limit(None).to_arrow())
        if found is None:
            return schema.empty_table().select(list(columns)) if schema is not None else None
        return found

    def _by_key(self, key: str, values: Sequence[str], columns: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Value of ``key`` → the named columns of the newest chunk that has it; an interrupted write leaves several."""
        if not values:
            return {}
        wanted = list(dict.fromkeys([key, "written", *columns]))

        def read(table: Any) -> list[dict[str, Any]]:
            rows = table.search().where(_any_of(key, values)).select(wanted).limit(None)
            found: list[dict[str, Any]] = rows.to_list()
            return found

        rows = self._read_newest(CHUNKS_TABLE, read) or []
        return {row[key]: row for row in sorted(rows, key=lambda row: row["written"])}

    def _read_newest(self, name: str, read: Callable[[Any], T]) -> T | None:
        """What ``read`` finds in the newest version of the table; None where there is no table.

        Where a writer removed the version that was being read, the next one is read instead.
        """
        for attempt in range(1, _READ_ATTEMPTS + 1):
            before = self._version_files(name)
            try:
                table = self._table(name)
                if table is None:
                    return None
                with _errors_of(name):
                    return read(table)
            except IndexCorrupt:
                self._tables.pop(name, None)
                if attempt == _READ_ATTEMPTS or self._version_files(name) == before:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _run_query(self, query: Callable[[Any], pa.Table], probe: Callable[[Any], object]) -> pa.Table | None:
        """What a query that a user typed finds in the chunks; None where there is no table.

        An error is the table's only if ``probe``, which reads the same columns without the query, meets one too;
        otherwise it is the query's, and becomes a ``QueryError``.
        """
        try:
            return self._read_newest(CHUNKS_TABLE, query)
        except IndexCorrupt as error:
            self._read_newest(CHUNKS_TABLE, probe)
            raise QueryError(
                f"This search failed: {_first_line(error.__cause__ or error)}.",
                "Use fewer or shorter filters, or other words.",
            ) from error

    def _version_files(self, name: str) -> frozenset[str]:
        try:
            return frozenset(entry.name for entry in os.scandir(self.directory / f"{name}.lance" / "_versions"))
        except OSError:
            return frozenset()

    def _next_generation(self) -> int:
        """A number above that of every row."""
        newest = pc.max(self._read(CHUNKS_TABLE, ("written",), CHUNK_SCHEMA)["written"]).as_py()
        return 1 if newest is None else int(newest) + 1

    def _purge_removed(self) -> None:
        table = self._table(CHUNKS_TABLE)
        if table is None:
            return
        if any((self.directory / f"{CHUNKS_TABLE}.lance" / "_deletions").glob("*")):
            self._rewrite_rows(table)
        with _errors_of(CHUNKS_TABLE):
            # An index keeps the terms of removed rows, and counts them.
            for column, config in _INDEXES.items():
                table.create_index(column, config=config(), replace=True)
            for _pass in range(2):  # what one pass merges only the next one takes away
                self._forget_versions(table)

    def _rewrite_rows(self, table: Any) -> None:
        """Write the newest rows of each file again and delete the others: so nothing stays in between them.

        The database itself keeps removed rows in its files until they are a tenth of them.
        """
        generation = self._next_generation()
        newest = latest_rows(self._read(CHUNKS_TABLE, ("path", "written"), CHUNK_SCHEMA))
        writes = dict(zip(newest["path"].to_pylist(), newest["written"].to_pylist(), strict=True))
        for paths in batched(sorted(writes), _FILES_AT_ONCE):
            with _errors_of(CHUNKS_TABLE):
                rows = table.search().where(_any_of("path", paths)).limit(None).to_arrow()
            rows = latest_rows(rows.select(CHUNK_SCHEMA.names)).sort_by([("path", "ascending"), ("id", "ascending")])
            column = CHUNK_SCHEMA.get_field_index("written")
            numbers = pa.array([generation] * rows.num_rows, pa.int64())
            with _errors_of(CHUNKS_TABLE):
                table.add(rows.set_column(column, CHUNK_SCHEMA.field(column), numbers).cast(CHUNK_SCHEMA))
        with _errors_of(CHUNKS_TABLE):
            table.delete(f"written < {generation}")

    def _forget_versions(self, table: Any) -> None:
        """Delete all versions but the newest, and what only they need.

        The database goes by its clock, which may have been put back; so the older ones are deleted by number first.
        """
        versions = self.directory / f"{CHUNKS_TABLE}.lance" / "_versions"
        newest = {f"{table.version}.manifest", f"{2**64 - 1 - table.version:020}.manifest"}
        files = list(versions.glob("*.manifest"))
        if any(file.name in newest for file in files):
            for file in files:
                if file.name not in newest:
                    file.unlink(missing_ok=True)
        table.optimize(cleanup_older_than=timedelta(milliseconds=1), delete_unverified=True)

    def _readable(self, name: str) -> bool:
        try:
            self._read_newest(name, _read_everything)
        except IndexCorrupt:
            return False
        return True

    def _delete(self, name: str, column: str, values: Sequence[str], condition: str = "true") -> None:
        table = self._table(name)
        if table is None:
            return
        with _errors_of(name):
            for batch in batched(values, _DELETE_BATCH):
                table.delete(f"{_any_of(column, batch)} AND {condition}")


def filter_sql(where: ChunkFilter) -> str:
    """The filter as a condition of the database (DataFusion SQL). Raises ``QueryError`` for a path without meaning."""
    conditions = [
        *_conditions(where.languages, lambda values: _any_of("language", values)),
        *_conditions(where.kinds, lambda values: _any_of("kind", values)),
        *_conditions(where.paths, lambda values: f"({' OR '.join(map(_path_matches, values))})"),
    ]
    return " AND ".join(conditions) or "true"


def _conditions(values: Sequence[str], any_of: Callable[[Sequence[str]], str]) -> Iterator[str]:
    """That a chunk has one of the ``values``, and none of those that begin with ``!``."""
    wanted = [value for value in values if not value.startswith("!")]
    unwanted = [value[1:] for value in values if value.startswith("!")]
    if wanted:
        yield any_of(wanted)
    if unwanted:
        yield f"NOT {any_of(unwanted)}"


def _path_matches(text: str) -> str:
    return f"regexp_like(path, {_quote(path_pattern(text))})"


def _any_of(column: str, values: Sequence[str]) -> str:
    return f"{column} IN ({', '.join(map(_quote, values))})"


def _quote(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _vectors_table(space_id: str) -> str:
    return f"vectors_{space_id}"


def _is_scattered(table: Any) -> bool:
    unindexed = max((index.num_unindexed_rows or 0 for index in table.list_indices()), default=0)
    fragments = table.stats()["fragment_stats"]["num_fragments"]
    return bool(unindexed > _MAX_UNINDEXED_ROWS or fragments > _MAX_FRAGMENTS)


def _text_index() -> FTS:
    # Terms are split and lower-cased before they are stored, so that index and query agree.
    return FTS(base_tokenizer="whitespace", lower_case=False, stem=True, remove_stop_words=False, ascii_folding=True)


_INDEXES: dict[str, Callable[[], FTS | BTree]] = dict.fromkeys(TERM_FIELDS, _text_index) | dict.fromkeys(
    ("id", "content_hash", "path"), BTree
)


def _best_matches(query: Any, condition: str, limit: int, table: Any) -> Any:
    """Ids and scores, best first; None while there is no full-text index."""
    if not table.list_indices():
        return None
    search = table.search(query, query_type="fts")
    if condition:
        search = search.where(condition, prefilter=True)
    return search.limit(limit).select(["id", "_score"]).to_arrow()


def _search_every_column(table: Any) -> None:
    _read_filter_columns(table)
    for field in TERM_FIELDS:
        table.search(MatchQuery("a", field), query_type="fts").limit(1).select(["id"]).to_arrow()


def _read_filter_columns(table: Any) -> None:
    table.search().select(["id", "path", "language", "kind"]).limit(None).to_arrow()


def _read_everything(table: Any) -> None:
    for _batch in table.search().limit(None).to_batches():
        pass


def latest_rows(rows: pa.Table) -> pa.Table:
    """Leave out the old rows of a file that an interrupted write left next to the new ones."""
    writes = rows.group_by(["path", "written"]).aggregate([])
    if writes.num_rows == pc.count_distinct(writes["path"]).as_py():
        return rows
    latest = writes.group_by("path").aggregate([("written", "max")]).rename_columns({"written_max": "written"})
    return rows.join(latest, keys=["path", "written"], join_type="inner").combine_chunks()


@contextmanager
def _errors_of(table: str) -> Iterator[None]:
    """Turn what the database raises into a sentence: the system refused, or the table is damaged."""
    try:
        yield
    except (RuntimeError, ValueError, OSError, pa.ArrowException) as error:
        if _is_disk_error(error):
            raise StoreError(
                f"The disk refused to store the index (table '{table}'): {_first_line(error)}.",
                "Free some space and run again; the previous index is intact.",
            ) from error
        if _is_temporary_error(error):
            raise StoreError(
                f"The table '{table}' of the index is temporarily unavailable: {_first_line(error)}.",
                "Close some programs and try again; the index itself is intact.",
            ) from error
        raise IndexCorrupt(
            f"The table '{table}' of the index cannot be read: {_first_line(error)}.",
            "Run 'codecontext index': it sets the table aside and rebuilds it.",
        ) from error


def _is_disk_error(error: BaseException) -> bool:
    return (isinstance(error, OSError) and error.errno in _DISK_ERRORS) or bool(_DISK_WORDS.search(str(error)))


def _is_temporary_error(error: BaseException) -> bool:
    return (isinstance(error, OSError) and error.errno in _TEMPORARY_ERRORS) or bool(
        _TEMPORARY_WORDS.search(str(error))
    )


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0][:200].rstrip(".") if str(error).strip() else type(error).__name__
