"""Indexes of any size, made from the chunks and vectors of one real project."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.corpus import SourceChunks, read_chunks
from codecontext.core.hashing import content_digest
from codecontext.core.paths import index_directory
from codecontext.engine.engine import Engine
from codecontext.indexing.rows import rows_of_chunks
from codecontext.store.index_store import IndexStore
from codecontext.store.records import FileRows, FileStamp
from codecontext.store.snapshot import take_snapshot

_SEED = 20260103
# Per number of a vector of 384: a copy keeps a cosine of about 0.9998 with its original.
_NOISE = 0.001
_FILES_PER_WRITE = 400

Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SyntheticIndex:
    """An index of ``chunks`` chunks of which the first ``real`` are no copies, and where it lies."""

    folder: Path
    index: Path
    chunks: int
    real: int

    def delete(self) -> None:
        """Remove the files and the index."""
        shutil.rmtree(self.folder)
        shutil.rmtree(self.index)


@dataclass(frozen=True, slots=True)
class _CopiedFile:
    """A file of the synthetic folder; ``originals`` are the real content hashes of its rows."""

    rows: FileRows
    data: bytes
    originals: list[str]
    is_copy: bool


def build_index(source: Engine, folder: Path, chunks: int) -> SyntheticIndex:
    """Bring the index of ``source`` up to date, then write one of ``chunks`` chunks for the empty ``folder``.

    The real chunks come first, in a mixed order. When they run out, copies follow: under other paths, with
    content hashes of their own and vectors a little off the real ones, past the pipeline straight into the
    store. The files are written too, because a hit is shown only if its file exists.
    """
    space = source.index().space_id
    known = IndexStore(index_directory(source.folder))
    snapshot = take_snapshot(known, space)
    if not len(snapshot):
        raise RuntimeError(f"'{source.folder}' has no code that can be indexed.")
    slots, rows = np.unique(snapshot.slots(), return_index=True)
    hashes = known.hashes(slots.tolist())
    vectors = _Vectors([hashes[slot] for slot in slots.tolist()], snapshot.vectors_of(rows))
    store = IndexStore(index_directory(folder))
    store.clear()
    real = 0
    for batch in _batches(_files(list(read_chunks(source.folder)), vectors, chunks)):
        for file in batch:
            target = folder / file.rows.path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.data)
            real += 0 if file.is_copy else len(file.originals)
        store.replace_files([file.rows for file in batch])
        new_hashes, new_vectors = vectors.of(batch)
        if new_hashes:
            slots_of_new = store.slots(new_hashes)
            store.add_vectors(space, [slots_of_new[value] for value in new_hashes], new_vectors)
    store.set_spaces([space])
    store.set_facts(folder=str(folder), finished=True)
    store.tidy()
    return SyntheticIndex(folder, store.directory, chunks, real)


class _Vectors:
    """The real vectors by content hash, and those made for copies."""

    def __init__(self, hashes: Sequence[str], matrix: Matrix) -> None:
        self._position = {key: position for position, key in enumerate(hashes)}
        self._matrix = matrix
        self._given: set[str] = set()
        self._random = np.random.default_rng(_SEED)

    def __contains__(self, content_hash: str) -> bool:
        return content_hash in self._position

    def of(self, files: Sequence[_CopiedFile]) -> tuple[list[str], Matrix]:
        """Content hashes of ``files`` that were not asked for before, and their vectors."""
        hashes, rows, copied = [], [], []
        for file in files:
            for row, original in zip(file.rows.rows, file.originals, strict=True):
                if row["content_hash"] not in self._given:
                    self._given.add(row["content_hash"])
                    hashes.append(row["content_hash"])
                    rows.append(self._position[original])
                    copied.append(file.is_copy)
        vectors = self._matrix[np.array(rows, np.intp)]
        noise = self._random.normal(0, _NOISE, vectors.shape) * np.array(copied, np.float32)[:, None]
        moved = vectors + noise.astype(np.float32)
        return hashes, moved / np.linalg.norm(moved, axis=1, keepdims=True)


def _files(sources: list[SourceChunks], vectors: _Vectors, chunks: int) -> Iterator[_CopiedFile]:
    """Files with ``chunks`` rows in all, real ones first."""
    left = chunks
    for copy in count():
        for source in sources:
            file = _copied(source, copy, vectors, left)
            if file.originals:
                yield file
            left -= len(file.originals)
            if left == 0:
                return


def _copied(source: SourceChunks, copy: int, vectors: _Vectors, at_most: int) -> _CopiedFile:
    path = f"copies/{copy}/{source.path}" if copy else source.path
    chunks = [replace(chunk, path=path) for chunk in source.chunks]
    # What indexing left out, such as generated files, has no vectors.
    rows = [row for row in rows_of_chunks(chunks) if row["content_hash"] in vectors][:at_most]
    originals = [row["content_hash"] for row in rows]
    if copy:
        rows = [row | {"content_hash": content_digest(row["content_hash"], str(copy))} for row in rows]
    stamp = FileStamp(len(source.data), 0, content_digest(source.data), len(rows))
    return _CopiedFile(FileRows(path, rows, stamp), source.data, originals, is_copy=copy > 0)


def _batches(files: Iterator[_CopiedFile]) -> Iterator[list[_CopiedFile]]:
    while batch := list(islice(files, _FILES_PER_WRITE)):
        yield batch
