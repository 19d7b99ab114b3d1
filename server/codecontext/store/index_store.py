"""The LanceDB tables of one folder: ``chunks`` and one ``vectors_<space_id>`` per embedding space.

The rows of ``chunks`` are the truth about which content of which file is indexed; vectors are keyed by
content hash, so a file that moves keeps them. New rows of a file are added before its old ones are removed:
whatever stops the process in between, nothing is missing, and the next run sees two digests for the file
and writes it again.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from lancedb.index import FTS, BTree
from lancedb.query import BooleanQuery, MatchQuery, Occur

from codecontext.core.errors import IndexCorrupt, StoreError
from codecontext.core.filters import ChunkFilter, path_pattern
from codecontext.store.manifest import has_manifest

CHUNKS_TABLE = "chunks"
_GONE = ".gone"
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
_MOST_UNINDEXED_ROWS = 1000
_MOST_FRAGMENTS = 64
_INDEX_CACHE_BYTES = 128_000_000
_METADATA_CACHE_BYTES = 32_000_000
_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EACCES}
# The database reports faults of the disk as text.
_DISK_WORDS = re.compile("no space left|file too large|quota exceeded|read-only file|permission denied", re.IGNORECASE)


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
        name = _vectors_table(space_id)
        table = self._table(name)
        if table is None:
            return pa.array([], pa.string()), np.empty((0, 0), np.float32)
        with _faults_of(name):
            stored = table.to_arrow().combine_chunks()
            if stored.num_rows == 0:
                return pa.array([], pa.string()), np.empty((0, 0), np.float32)
            column = stored["vector"].chunk(0)
            matrix = column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), -1)
            return stored["content_hash"].chunk(0), matrix

    def vector_hashes(self, space_id: str) -> set[str]:
        """Content hashes that have a vector in the space."""
        table = self._read(_vectors_table(space_id), ("content_hash",), None)
        return set(table["content_hash"].to_pylist()) if table is not None else set()

    def chunk_columns(self, ids: Sequence[str], columns: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Chunk id → the named columns."""
        table = self._table(CHUNKS_TABLE)
        if table is None or not ids:
            return {}
        with _faults_of(CHUNKS_TABLE):
            rows = (
                table.search()
                .where(_any_of("id", ids))
                .select(["id", *columns])
                .limit(len(ids) * 2)  # an interrupted write leaves a row twice
                .to_list()
            )
        return {row["id"]: row for row in rows}

    def texts_by_hash(self, hashes: Sequence[str], columns: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Content hash → the named columns of one chunk that has it."""
        table = self._table(CHUNKS_TABLE)
        if table is None or not hashes:
            return {}
        with _faults_of(CHUNKS_TABLE):
            rows = (
                table.search()
                .where(_any_of("content_hash", hashes))
                .select(["content_hash", *columns])
                .limit(None)
                .to_list()
            )
        return {row["content_hash"]: row for row in rows}

    def search_terms(
        self,
        terms: Sequence[str],
        weights: dict[str, float],
        *,
        limit: int,
        where: ChunkFilter | None = None,
    ) -> list[tuple[str, float]]:
        """Chunk ids and BM25 scores for ``terms``, summed over the weighted term fields, best first.

        A database without a full-text index (nothing written yet) answers nothing.
        """
        table = self._table(CHUNKS_TABLE)
        if table is None or not terms or not table.list_indices():
            return []
        text = " ".join(terms)
        fields = [MatchQuery(text, field, boost=weight) for field, weight in weights.items() if weight > 0]
        query = fields[0] if len(fields) == 1 else BooleanQuery([(Occur.SHOULD, field) for field in fields])
        with _faults_of(CHUNKS_TABLE):
            search = table.search(query, query_type="fts")
            if where:
                search = search.where(filter_sql(where), prefilter=True)
            found = search.limit(limit).select(["id", "_score"]).to_arrow()
        return list(zip(found["id"].to_pylist(), found["_score"].to_pylist(), strict=True))

    def rows(self, columns: Sequence[str]) -> list[dict[str, Any]]:
        """The named columns of all chunks, in no order."""
        found: list[dict[str, Any]] = self._read(CHUNKS_TABLE, columns, CHUNK_SCHEMA).to_pylist()
        return found

    def matching_ids(self, where: ChunkFilter) -> pa.Array:
        """Ids of the chunks that the filter lets through."""
        table = self._table(CHUNKS_TABLE)
        if table is None:
            return pa.array([], pa.string())
        with _faults_of(CHUNKS_TABLE):
            found = table.search().where(filter_sql(where)).select(["id"]).limit(None).to_arrow()
        return found["id"].combine_chunks()

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
        written = time.time_ns()
        rows = [{**row, "written": written} for file in files for row in file.rows]
        with _faults_of(CHUNKS_TABLE):
            if rows:
                data = pa.Table.from_pylist(rows, schema=CHUNK_SCHEMA)
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
        with _faults_of(name):
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
        with _faults_of(CHUNKS_TABLE):
            indexed = {column for index in table.list_indices() for column in index.columns}
            for field in TERM_FIELDS:
                if field not in indexed:
                    table.create_index(field, config=_text_index())
            for key in ("id", "content_hash", "path"):
                if key not in indexed:
                    table.create_index(key, config=BTree())

    def optimize(self) -> None:
        """Fold new rows into the indexes, compact, and drop versions that no reader needs.

        A table that a few small writes have touched is left alone: it answers as fast, and at once.
        """
        for name in self._table_names():
            table = self._table(name)
            if table is not None:
                with _faults_of(name):
                    if _is_scattered(table):
                        table.optimize(cleanup_older_than=_KEEP_OLD_VERSIONS)

    def drop_space(self, space_id: str) -> None:
        """Delete the vectors of a space."""
        name = _vectors_table(space_id)
        self._tables.pop(name, None)
        if name in self._table_names():
            with _faults_of(name):
                self._connect().drop_table(name)

    def set_aside(self, name: str) -> Path:
        """Move a table that cannot be read out of the way; returns where it is now."""
        self._tables.pop(name, None)
        target = self.directory / "set-aside" / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}.lance"
        with _faults_of(name):
            target.parent.mkdir(exist_ok=True)
            shutil.move(self.directory / f"{name}.lance", target)
        return target

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
        self.directory.mkdir(parents=True, exist_ok=True)
        return lancedb.connect(self.directory, session=self._session)

    def _table_names(self) -> list[str]:
        return sorted(entry.stem for entry in self.directory.glob("*.lance") if entry.is_dir())

    def _table(self, name: str) -> Any | None:
        """The table at its latest version, or None where it does not exist."""
        table = self._tables.get(name)
        if not self._is_written(name):
            self._tables.pop(name, None)
            return None
        with _faults_of(name):
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
        except FileNotFoundError:
            return False

    def _version(self, name: str) -> int:
        table = self._table(name)
        return int(table.version) if table is not None else 0

    def _read(self, name: str, columns: Sequence[str], schema: pa.Schema | None) -> Any:
        table = self._table(name)
        if table is None:
            return schema.empty_table().select(list(columns)) if schema is not None else None
        with _faults_of(name):
            return table.search().select(list(columns)).limit(None).to_arrow()

    def _readable(self, name: str) -> bool:
        try:
            table = self._table(name)
            if table is not None:
                with _faults_of(name):
                    for _batch in table.search().limit(None).to_batches():
                        pass
        except IndexCorrupt:
            return False
        return True

    def _delete(self, name: str, column: str, values: Sequence[str], condition: str = "true") -> None:
        table = self._table(name)
        if table is None:
            return
        with _faults_of(name):
            for batch in _batches(values, _DELETE_BATCH):
                table.delete(f"{_any_of(column, batch)} AND {condition}")


def filter_sql(where: ChunkFilter) -> str:
    """The filter as a condition of the database (DataFusion SQL)."""
    conditions = []
    if where.languages:
        conditions.append(_any_of("language", where.languages))
    if where.kinds:
        conditions.append(_any_of("kind", where.kinds))
    wanted = [path for path in where.paths if not path.startswith("!")]
    if wanted:
        conditions.append("(" + " OR ".join(_path_matches(path) for path in wanted) + ")")
    conditions += [f"NOT {_path_matches(path[1:])}" for path in where.paths if path.startswith("!")]
    return " AND ".join(conditions) or "true"


def _path_matches(glob: str) -> str:
    return f"regexp_like(path, {_quote(path_pattern(glob))})"


def _any_of(column: str, values: Sequence[str]) -> str:
    return f"{column} IN ({', '.join(map(_quote, values))})"


def _quote(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _vectors_table(space_id: str) -> str:
    return f"vectors_{space_id}"


def _is_scattered(table: Any) -> bool:
    unindexed = max((index.num_unindexed_rows or 0 for index in table.list_indices()), default=0)
    fragments = table.stats()["fragment_stats"]["num_fragments"]
    return bool(unindexed > _MOST_UNINDEXED_ROWS or fragments > _MOST_FRAGMENTS)


def _text_index() -> FTS:
    # Terms are split and lower-cased before they are stored, so that index and query agree.
    return FTS(base_tokenizer="whitespace", lower_case=False, stem=True, remove_stop_words=False, ascii_folding=True)


def _batches(values: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (values[start : start + size] for start in range(0, len(values), size))


@contextmanager
def _faults_of(table: str) -> Iterator[None]:
    """Turn what the database raises into a sentence: the disk refused, or the table is damaged."""
    try:
        yield
    except (RuntimeError, ValueError, OSError, pa.ArrowException) as error:
        if _is_disk_fault(error):
            raise StoreError(
                f"The disk refused to store the index (table '{table}'): {_first_line(error)}.",
                "Free some space and run again; the previous index is intact.",
            ) from error
        raise IndexCorrupt(
            f"The table '{table}' of the index cannot be read: {_first_line(error)}.",
            "Run 'codecontext index': it sets the table aside and builds it again.",
        ) from error


def _is_disk_fault(error: BaseException) -> bool:
    return (isinstance(error, OSError) and error.errno in _DISK_ERRORS) or bool(_DISK_WORDS.search(str(error)))


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
