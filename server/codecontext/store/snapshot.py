"""What a search reads: all chunks and their vectors in memory, as they were at one moment.

Exact search over a matrix in memory is faster than an approximate index up to several hundred thousand
chunks, and never misses. See docs/benchmarks.md for the figures.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from codecontext.store.index_store import CATALOGUE_COLUMNS, CHUNK_SCHEMA, IndexStore, latest_rows

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_ORDER = [("path", "ascending"), ("start_line", "ascending"), ("id", "ascending")]


@dataclass(frozen=True)
class Snapshot:
    """Chunks (rows of ``catalogue``) and vectors of one space at the table versions ``versions``."""

    versions: tuple[int, int]
    space_id: str
    catalogue: pa.Table
    matrix: Floats
    vector_rows: Indices
    """For each chunk the row of its vector in ``matrix``, or -1."""

    def __len__(self) -> int:
        return int(self.catalogue.num_rows)

    @property
    def coverage(self) -> float:
        """Share of chunks that have a vector."""
        return share_covered(int(np.count_nonzero(self.vector_rows >= 0)), len(self))

    def lacks_vectors(self, paths: Collection[str]) -> bool:
        """Whether some chunk of these files has no vector."""
        wanted = pc.is_in(self.column("path"), value_set=pa.array(paths, pa.string()))
        return bool((self.vector_rows[wanted.to_numpy(zero_copy_only=False)] < 0).any())

    def column(self, name: str) -> pa.Array:
        """One column of the catalogue."""
        return self.catalogue[name].combine_chunks()

    def row(self, index: int) -> dict[str, Any]:
        """One chunk as a dict of the catalogue's columns."""
        return {name: self.column(name)[index].as_py() for name in self.catalogue.column_names}

    def ids(self, rows: Sequence[int] | Indices) -> list[str]:
        """Ids of these rows."""
        ids: list[str] = self.column("id").take(pa.array(rows, pa.int64())).to_pylist()
        return ids

    def index_of_ids(self, ids: pa.Array) -> Indices:
        """Row of each id, or -1."""
        return _positions(ids, self.column("id"))

    def mask_of_ids(self, ids: pa.Array) -> Mask:
        """True for the chunks among ``ids``."""
        rows = self.index_of_ids(ids)
        mask = np.zeros(len(self), dtype=bool)
        mask[rows[rows >= 0]] = True
        return mask

    def similarities(self, query: Floats) -> Floats:
        """Dot product of ``query``, shape (dimension,), with each chunk's vector; NaN where there is none."""
        scores = np.full(len(self), np.nan, dtype=np.float32)
        if self.matrix.shape[0]:
            has_vector = self.vector_rows >= 0
            scores[has_vector] = (self.matrix @ query)[self.vector_rows[has_vector]]
        return scores

    def has_path(self, pattern: str) -> bool:
        """Whether the path of some chunk has a match of this regular expression (RE2)."""
        return bool(pc.any(pc.match_substring_regex(self._paths, pattern)).as_py())

    @cached_property
    def _paths(self) -> pa.Array:
        return pc.unique(self.column("path"))

    @cached_property
    def file_count(self) -> int:
        """Number of files with at least one chunk."""
        return len(self._paths)


def share_covered(covered: int, chunks: int) -> float:
    """Coverage, 0 to 1: 1 for no chunks, of which none lacks a vector."""
    return covered / chunks if chunks else 1.0


def coverage_of(store: IndexStore, space_id: str) -> float:
    """Share of the chunks whose text has a vector in the space, 0 to 1, without reading the vectors."""
    hashes = store.catalogue()["content_hash"].to_pylist()
    embedded = store.vector_hashes(space_id)
    return share_covered(sum(value in embedded for value in hashes), len(hashes))


def empty_snapshot(space_id: str) -> Snapshot:
    """A snapshot of nothing, older than every other."""
    nothing = CHUNK_SCHEMA.empty_table().select(list(CATALOGUE_COLUMNS))
    return Snapshot((-1, -1), space_id, nothing, np.empty((0, 0), np.float32), np.empty(0, np.int64))


def take_snapshot(store: IndexStore, space_id: str) -> Snapshot:
    """Read the catalogue and the vectors of ``space_id``.

    Both come in an order that does not depend on when what was written; so do equal scores and their last bits.
    """
    versions = store.versions(space_id)
    catalogue = latest_rows(store.catalogue().combine_chunks()).sort_by(_ORDER).combine_chunks()
    hashes, matrix = _in_order(*store.vectors(space_id))
    vector_rows = _positions(catalogue["content_hash"].combine_chunks(), hashes)
    return Snapshot(versions, space_id, catalogue, matrix, vector_rows)


def _in_order(hashes: pa.Array, matrix: Floats) -> tuple[pa.Array, Floats]:
    order = pc.sort_indices(hashes).to_numpy(zero_copy_only=False)
    if (order[1:] > order[:-1]).all():
        return hashes, matrix
    return hashes.take(order), matrix[order]


def _positions(values: pa.Array, among: pa.Array) -> Indices:
    """Position of each value in ``among``, or -1."""
    found = pc.index_in(values, value_set=among).fill_null(-1)
    positions: Indices = found.to_numpy(zero_copy_only=False).astype(np.int64)
    return positions
