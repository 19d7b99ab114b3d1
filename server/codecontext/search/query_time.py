"""Vectors for chunks that have none yet, made during a query within a budget of time.

While an index is being built, most keyword matches have no vector yet. The best of them are embedded on the spot, so
that they are ranked semantically too; the vectors are remembered until the index has them.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from threading import Lock

import numpy as np

from codecontext.chunking import embedding_text
from codecontext.embeddings.base import EmbeddingProvider, InstructionType, Vectors
from codecontext.search.candidates import EmbedMissing
from codecontext.store.index_store import IndexStore
from codecontext.store.snapshot import Snapshot
from codecontext.store.vector_file import Floats, Indices

_SECONDS = 0.1
"""From the start of a query, so that one that took long already takes no longer for this."""
_REMEMBERED = 4096


class QueryTimeVectors:
    """Makes and remembers vectors by space and content; any number of queries may use it at once."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._vectors: OrderedDict[tuple[str, str], Vectors] = OrderedDict()

    def embedder(
        self, provider: EmbeddingProvider | None, store: IndexStore, snapshot: Snapshot, *, most: int, started: float
    ) -> EmbedMissing | None:
        """What embeds chunks without a vector, ``most`` at a time; None if there are none or there is no model.

        ``started`` is when the query began, on the clock ``time.perf_counter``.
        """
        if provider is None or snapshot.coverage == 1:
            return None
        return partial(self._embed_rows, provider, store, snapshot, most, started + _SECONDS)

    def _embed_rows(
        self,
        provider: EmbeddingProvider,
        store: IndexStore,
        snapshot: Snapshot,
        most: int,
        deadline: float,
        rows: Indices,
    ) -> tuple[Indices, Floats]:
        """Vectors for the first few of ``rows``; not stored, the index run will do that."""
        first = rows[:most]
        keys = snapshot.keys(first)
        stored = self._texts(store, keys)
        slots = dict(zip(first.tolist(), snapshot.slots(first).tolist(), strict=True))
        hashes = store.hashes(list(slots.values()))
        texts = {
            row: (hashes[slots[row]], stored[key])
            for row, key in zip(first.tolist(), keys, strict=True)
            if key in stored and slots[row] in hashes
        }
        known = self.get(provider, list(texts.values()), deadline=deadline)
        found = [row for row, (value, _text) in texts.items() if value in known]
        if not found:
            return np.empty(0, np.int64), np.empty((0, 0), np.float32)
        return np.array(found, np.int64), np.stack([known[texts[row][0]] for row in found])

    def _texts(self, store: IndexStore, keys: Sequence[int]) -> dict[int, str]:
        return {key: embedding_text(chunk) for key, chunk in store.chunks(keys).items()}

    def get(
        self, provider: EmbeddingProvider, texts: Sequence[tuple[str, str]], *, deadline: float
    ) -> dict[str, Vectors]:
        """Content hash → vector for those of ``texts`` (hash, text) that are known or can be made in time, best first.

        ``deadline`` is on the clock ``time.perf_counter``. One text at a time: so the budget is kept, and on a CPU
        several at once would hardly be quicker.
        """
        space = provider.space.space_id
        with self._lock:
            found = {key: self._vectors[space, key] for key, _text in texts if (space, key) in self._vectors}
        slowest = 0.0
        for key, text in texts:
            started = time.perf_counter()
            if key in found:
                continue
            if started + slowest >= deadline:
                break
            found[key] = provider.embed_text(text, InstructionType.NL2CODE_PASSAGE)
            self._remember((space, key), found[key])
            slowest = max(slowest, time.perf_counter() - started)
        return found

    def _remember(self, key: tuple[str, str], vector: Vectors) -> None:
        with self._lock:
            self._vectors[key] = vector
            if len(self._vectors) > _REMEMBERED:
                self._vectors.popitem(last=False)
