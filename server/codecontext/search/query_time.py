"""Vectors for chunks that have none yet, made during a query within a budget of time.

While an index is being built, most keyword matches have no vector yet. The best of them are embedded on the spot, so
that they are ranked semantically too; the vectors are remembered until the index has them.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

from codecontext.embeddings.base import EmbeddingProvider, InstructionType, Vectors

SECONDS = 0.1
"""From the start of a query, so that one that took long already takes no longer for this."""
_REMEMBERED = 4096


class QueryTimeVectors:
    """Makes and remembers vectors by space and content; any number of queries may use it at once."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._vectors: OrderedDict[tuple[str, str], Vectors] = OrderedDict()

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
