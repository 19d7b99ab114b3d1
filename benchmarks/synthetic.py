"""Indexes of any size, made from the chunks and vectors of one real project.

They are written by the indexer itself, so that everything in them is as if the folder were real: a file that is saved
is updated, and a second run finds nothing to do. Only the reading of files and the model are replaced.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.corpus import SourceChunks, read_chunks
from codecontext.adapters import AdapterInfo
from codecontext.chunking import CHUNK_FORMAT, ChunkingConfig
from codecontext.core.hashing import content_digest
from codecontext.core.paths import cache_directory, index_directory
from codecontext.core.progress import CancelToken
from codecontext.core.terms import joined_terms
from codecontext.embeddings.base import BatchCallback, EmbeddingProvider, EmbeddingSpace, InstructionType
from codecontext.embeddings.huggingface import HuggingFaceEmbeddingProvider
from codecontext.engine.engine import Engine
from codecontext.indexing.classify import classify_content
from codecontext.indexing.pipeline import Indexer
from codecontext.indexing.reader import FileReading, ReadBatch, ReadRequest
from codecontext.indexing.rows import rows_of_chunks
from codecontext.store.embedding_cache import EmbeddingCache
from codecontext.store.index_store import IndexStore
from codecontext.store.records import FileStamp

_SEED = 20260103
# Per number of a vector of 384: a copy keeps a cosine of about 0.9998 with its original.
_NOISE = 0.001
_COPIES = "copies"
# Files that have just been written are read again by the next run, because they might have changed in the same tick.
_AT_REST_SECONDS = 2.5

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
class _Part:
    """The first ``chunks`` chunks of a file, or of a copy of it: ``copy`` is 0 for the file itself."""

    source: SourceChunks
    copy: int
    chunks: int

    @property
    def path(self) -> str:
        return f"{_COPIES}/{self.copy}/{self.source.path}" if self.copy else self.source.path


def build_index(source: Engine, folder: Path, chunks: int) -> SyntheticIndex:
    """Bring the index of ``source`` up to date, then write one of ``chunks`` chunks for the empty ``folder``.

    The real files come first, in a mixed order. When they run out, copies follow: under other paths, with content
    hashes of their own and vectors a little off the real ones. The files are written too, because a hit is shown only
    if its file exists.
    """
    source.index()
    parts = {part.path: part for part in _parts(read_chunks(source.folder), chunks)}
    if not parts:
        raise RuntimeError(f"'{source.folder}' has no code that can be indexed.")
    for path, part in parts.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(part.source.data)
    time.sleep(_AT_REST_SECONDS)
    shutil.rmtree(index_directory(folder), ignore_errors=True)  # of another folder that was here before
    store = IndexStore(index_directory(folder))
    model = HuggingFaceEmbeddingProvider(source.settings.embeddings.huggingface, chunk_format=CHUNK_FORMAT)
    with _NearbyVectors(model, _real_cache(source)) as provider:
        Indexer(folder, store, _NoCache(), provider, reader=_PartReader(parts)).run(force=True)
    real = sum(part.chunks for part in parts.values() if not part.copy)
    return SyntheticIndex(folder, store.directory, chunks, real)


def _parts(files: Iterator[SourceChunks], chunks: int) -> Iterator[_Part]:
    """Files with ``chunks`` chunks in all, real ones first."""
    sources = [file for file in files if file.chunks and classify_content(file.path, file.data) is None]
    left = chunks
    for copy in count():
        for source in sources:
            yield _Part(source, copy, min(left, len(source.chunks)))
            left -= len(source.chunks)
            if left <= 0:
                return
        if not sources:
            return


class _PartReader:
    """Gives the rows of parts instead of reading their files."""

    def __init__(self, parts: dict[str, _Part]) -> None:
        self._parts = parts
        self._rows = {part.source.path: rows_of_chunks(part.source.chunks) for part in parts.values() if not part.copy}

    def read(
        self, batches: Iterable[Sequence[ReadRequest]], config: ChunkingConfig, cancel: CancelToken
    ) -> Generator[ReadBatch, None, None]:
        """See ``FileReader.read``."""
        del config, cancel
        for requests in batches:
            if requests:
                yield [(request, self._read(request)) for request in requests]

    def _read(self, request: ReadRequest) -> FileReading:
        file = request.file
        part = self._parts[file.path]
        digest = content_digest(part.source.data)
        rows = self._rows[part.source.path][: part.chunks]
        if part.copy:
            hashes = [content_digest(row["content_hash"], str(part.copy)) for row in rows]
            changed = {"path": file.path, "path_terms": joined_terms(file.path)}
            rows = [row | changed | {"content_hash": value} for row, value in zip(rows, hashes, strict=True)]
        stamp = FileStamp(size=file.size, changed_ns=file.changed_ns, digest=digest, chunks=len(rows))
        return FileReading(rows=rows, stamp=stamp)


class _NearbyVectors(EmbeddingProvider):
    """The vectors that ``known`` holds, moved a little for copies; ``model`` makes those that it lacks."""

    def __init__(self, model: EmbeddingProvider, known: EmbeddingCache) -> None:
        self._model = model
        self._known = known
        self._random = np.random.default_rng(_SEED)

    def initialize(self) -> None:
        self._model.initialize()

    @property
    def space(self) -> EmbeddingSpace:
        return self._model.space

    @property
    def adapter(self) -> AdapterInfo | None:
        return self._model.adapter

    def embed_batch(
        self,
        texts: Sequence[str],
        instruction_type: InstructionType,
        *,
        names: Sequence[str] | None = None,
        cancel: CancelToken | None = None,
        on_batch: BatchCallback | None = None,
    ) -> Matrix:
        """``names`` tell copies from real files."""
        vectors = self._real(texts, instruction_type, cancel)
        copied = np.array([name.startswith(f"{_COPIES}/") for name in names or [""] * len(texts)], np.float32)
        vectors += self._random.normal(0, _NOISE, vectors.shape).astype(np.float32) * copied[:, None]
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        if on_batch:
            on_batch(range(len(texts)), vectors)
        return vectors

    def close(self) -> None:
        self._model.close()
        self._known.close()

    def _real(self, texts: Sequence[str], instruction_type: InstructionType, cancel: CancelToken | None) -> Matrix:
        hashes = [content_digest(text) for text in texts]
        space_id = self.space.space_id
        known = self._known.get(space_id, hashes)
        missing = {key: text for key, text in zip(hashes, texts, strict=True) if key not in known}
        if missing:
            made = self._model.embed_batch(list(missing.values()), instruction_type, cancel=cancel)
            self._known.put(space_id, list(missing), made)
            known |= dict(zip(missing, made, strict=True))
        return np.stack([known[key] for key in hashes])


class _NoCache(EmbeddingCache):
    """Keeps nothing: no other index will ever need the vectors of copies."""

    def __init__(self) -> None:
        super().__init__(cache_directory() / "none.sqlite", max_bytes=0)

    def get(self, space_id: str, hashes: Sequence[str]) -> dict[str, Matrix]:
        del space_id, hashes
        return {}

    def put(self, space_id: str, hashes: Sequence[str], vectors: Matrix) -> None:
        """Forget them."""

    def trim(self) -> None:
        """There is nothing to forget."""


def _real_cache(source: Engine) -> EmbeddingCache:
    max_bytes = source.settings.storage.cache_mb * 1_000_000
    return EmbeddingCache(cache_directory() / "embeddings.sqlite", max_bytes=max_bytes)
