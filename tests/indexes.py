"""What an index holds, for tests that compare two or look into one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np

from codecontext.chunking import chunk_source
from codecontext.core.hashing import content_digest
from codecontext.indexing.rows import rows_of_chunks
from codecontext.store.index_store import IndexStore
from codecontext.store.records import FileRows, FileStamp
from codecontext.store.snapshot import take_snapshot
from codecontext.store.vector_file import Floats


def file_rows(path: str, text: str) -> FileRows:
    """What indexing writes for a file with this text."""
    rows = rows_of_chunks(chunk_source(path, text.encode()))
    return FileRows(path, rows, FileStamp(len(text), 1, content_digest(text), len(rows), settled=True))


def write_vectors(store: IndexStore, space_id: str, vectors: dict[str, Floats]) -> None:
    """Store vectors by content hash."""
    slots = {value: slot for slot, value in store.hashes(take_snapshot(store, "").slots().tolist()).items()}
    store.add_vectors(space_id, [slots[value] for value in vectors], np.stack(list(vectors.values())))


def chunks_of(store: IndexStore) -> list[tuple[Any, ...]]:
    """All chunks with their content hashes, in order."""
    snapshot = take_snapshot(store, "")
    keys = snapshot.keys(range(len(snapshot)))
    slots = snapshot.slots().tolist()
    chunks, hashes = store.chunks(keys), store.hashes(slots)
    return [(*astuple(chunks[key]), hashes[slot]) for key, slot in zip(keys, slots, strict=True)]


def hashes_of(store: IndexStore) -> list[str]:
    """Content hashes of all chunks, in the order of path and place."""
    return [row[-1] for row in chunks_of(store)]


def digests_of(store: IndexStore) -> dict[str, str]:
    """Path → digest of the content that is indexed."""
    return {path: stamp.digest for path, stamp in store.stamps().items()}


def vectors_of(store: IndexStore, space_id: str) -> dict[str, Floats]:
    """Content hash → vector, for all that have one."""
    snapshot = take_snapshot(store, space_id)
    rows = snapshot.has_vector().nonzero()[0]
    hashes = store.hashes(snapshot.slots(rows).tolist())
    vectors = snapshot.vectors_of(rows)
    return {hashes[slot]: vector for slot, vector in zip(snapshot.slots(rows).tolist(), vectors, strict=True)}


def paths_with(store: IndexStore, terms: Sequence[str], weights: dict[str, float]) -> set[str]:
    """Paths of the chunks that keyword search finds."""
    snapshot = take_snapshot(store, "")
    found = store.search_terms(terms, weights, limit=100)
    rows = snapshot.rows_at([match.file for match in found], [match.ordinal for match in found])
    return set(snapshot.paths_of(rows[rows >= 0]))


def index_files(directory: Path, part: str) -> list[Path]:
    """The files of one part of the index in ``directory``: "index", "words" or "vectors"."""
    if part == "index":
        return [file for name in ("index.sqlite", "index.sqlite-wal") if (file := directory / name).exists()]
    return [
        file
        for file in directory.rglob("*")
        if file.is_file() and f"/{part}" in str(file.relative_to(directory.parent))
    ]
