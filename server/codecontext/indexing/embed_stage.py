"""Second stage: chunks get their vectors, from the cache where any folder embedded the same text before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from codecontext.chunking import embedding_text
from codecontext.core.batched import batched
from codecontext.core.progress import CancelToken, Progress, ProgressCallback
from codecontext.embeddings.base import EmbeddingProvider, InstructionType, Vectors
from codecontext.store.embedding_cache import EmbeddingCache
from codecontext.store.index_reader import IndexedFile
from codecontext.store.index_store import IndexStore
from codecontext.store.layout import key_of, unpack
from codecontext.store.vector_file import VectorFile

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

    def run(self, files: Sequence[IndexedFile]) -> None:
        """Give the contents of ``files`` the vectors that they lack, in that order."""
        space = self.provider.space.space_id
        pending = _without_vector(files, self.store.vectors(space))
        self._total = len(pending)
        if pending:
            self._report_progress(0)
        for batch in batched(list(pending), _TEXTS_PER_COMMIT):
            self.cancel.check()
            self._complete(space, {slot: pending[slot] for slot in batch})
            self._report_progress(0)

    def _report_progress(self, uncommitted: int) -> None:
        done = self.embedded + self.reused + uncommitted
        self.on_progress(Progress("embedding", done, self._total))

    def _complete(self, space: str, keys: dict[int, int]) -> None:
        """Give slots, each with the key of a chunk of its content, their vectors, from the cache or from the model."""
        slots = {value: slot for slot, value in self.store.hashes(list(keys)).items()}
        known = self.cache.get(space, list(slots))
        if known:
            self.store.add_vectors(space, [slots[value] for value in known], np.stack(list(known.values())))
            self.reused += len(known)
        missing = {value: keys[slot] for value, slot in slots.items() if value not in known}
        if missing:
            self._embed(space, missing, slots)

    def _embed(self, space: str, keys: dict[str, int], slots: dict[str, int]) -> None:
        """Put texts through the model and keep each vector made, also when it stops in between."""
        stored = self.store.chunks(list(keys.values()))
        hashes = [value for value, key in keys.items() if key in stored]
        chunks = [stored[keys[value]] for value in hashes]
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
                self._store(space, [hashes[position] for position in made], slots, np.concatenate(vectors))

    def _store(self, space: str, hashes: Sequence[str], slots: dict[str, int], vectors: Vectors) -> None:
        self.cache.put(space, hashes, vectors)
        self.store.add_vectors(space, [slots[value] for value in hashes], vectors)
        self.embedded += len(hashes)


def _without_vector(files: Sequence[IndexedFile], vectors: VectorFile | None) -> dict[int, int]:
    """Slot → key of its first chunk, for contents of ``files`` without a vector, in the order of the files."""
    if not files:
        return {}
    layouts = [unpack(file.layout) for file in files]
    slots = np.concatenate([layout["slot"] for layout in layouts]).astype(np.int64)
    keys = np.concatenate(
        [key_of(file.id, 0) + np.arange(len(layout)) for file, layout in zip(files, layouts, strict=True)]
    )
    missing = ~vectors.has(slots) if vectors is not None else np.ones(len(slots), dtype=bool)
    pending: dict[int, int] = {}
    for slot, key in zip(slots[missing].tolist(), keys[missing].tolist(), strict=True):
        pending.setdefault(slot, key)
    return pending
