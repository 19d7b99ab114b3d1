"""Second stage: chunks get their vectors, from the cache where any folder embedded the same text before."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np

from codecontext.chunking import embedding_text
from codecontext.core.batched import batched
from codecontext.core.progress import CancelToken, Progress, ProgressCallback
from codecontext.embeddings.base import EmbeddingProvider, InstructionType, Vectors
from codecontext.indexing.rows import CHUNK_COLUMNS, chunk_of_row
from codecontext.store.embedding_cache import EmbeddingCache
from codecontext.store.index_store import IndexStore

_TEXTS_PER_COMMIT = 512


@dataclass(slots=True)
class EmbedStage:
    """Embeds what the provider's space lacks, in commits of a few hundred texts."""

    store: IndexStore
    cache: EmbeddingCache
    provider: EmbeddingProvider
    on_progress: ProgressCallback
    cancel: CancelToken
    embedded: int = 0
    reused: int = 0
    _total: int = 0

    def run(self, hashes: Sequence[str], held: Set[str]) -> None:
        """Give ``hashes`` their vectors, in that order, and forget those of content that is not ``held`` any more."""
        space = self.provider.space.space_id
        present = self.store.vector_hashes(space)
        pending = [value for value in dict.fromkeys(hashes) if value not in present]
        self.store.remove_vectors(space, sorted(present - held))
        self._total = len(pending)
        if pending:
            self._report_progress(0)
        for batch in batched(pending, _TEXTS_PER_COMMIT):
            self.cancel.check()
            self._complete(space, batch)
            self._report_progress(0)

    def _report_progress(self, uncommitted: int) -> None:
        done = self.embedded + self.reused + uncommitted
        self.on_progress(Progress("embedding", done, self._total))

    def _complete(self, space: str, hashes: Sequence[str]) -> None:
        """Give the hashes their vectors, from the cache or from the model."""
        known = self.cache.get(space, hashes)
        if known:
            self.store.add_vectors(space, list(known), np.stack(list(known.values())))
            self.reused += len(known)
        missing = [value for value in hashes if value not in known]
        if missing:
            self._embed(space, missing)

    def _embed(self, space: str, hashes: Sequence[str]) -> None:
        """Put texts through the model and keep each vector made, also when it stops in between."""
        rows = self.store.texts_by_hash(hashes, CHUNK_COLUMNS)
        chunks = [chunk_of_row(rows[value]) for value in hashes]
        made: list[int] = []
        vectors: list[Vectors] = []

        def keep(positions: Sequence[int], batch: Vectors) -> None:
            made.extend(positions)
            vectors.append(batch)
            self._report_progress(len(made))

        try:
            self.provider.embed_batch(
                [embedding_text(chunk) for chunk in chunks],
                InstructionType.NL2CODE_PASSAGE,
                names=[f"{chunk.path}:{chunk.start_line}" for chunk in chunks],
                cancel=self.cancel,
                on_batch=keep,
            )
        finally:
            if made:
                self._store(space, [hashes[position] for position in made], np.concatenate(vectors))

    def _store(self, space: str, hashes: Sequence[str], vectors: Vectors) -> None:
        self.cache.put(space, hashes, vectors)
        self.store.add_vectors(space, hashes, vectors)
        self.embedded += len(hashes)
