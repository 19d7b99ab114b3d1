"""Packs texts of many lengths into batches that waste little padding and fit in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from codecontext.core import CancelToken
from codecontext.core.errors import EmbeddingError
from codecontext.embeddings.backend import EmbeddingBackend, TokenArray
from codecontext.embeddings.base import Vectors

# What torch on CUDA, torch on CPUs and oneDNN say when memory runs out.
OUT_OF_MEMORY_PHRASES = (
    "out of memory",
    "can't allocate memory",
    "could not allocate",
    "bad_alloc",
    "bad alloc",
)


def embed_tokens(
    backend: EmbeddingBackend,
    token_ids: Sequence[Sequence[int]],
    names: Sequence[str],
    cancel: CancelToken | None = None,
    *,
    batch_tokens: int | None = None,
) -> Iterator[tuple[NDArray[np.int64], Vectors]]:
    """Yield (positions in ``token_ids``, their vectors), batch by batch.

    Texts go from longest to shortest, as many at once as ``backend.batch_tokens`` holds with padding. So a
    batch has nearly one length, and memory runs out at the start if at all. A batch that does not fit is
    halved and tried again, and later batches keep to the smaller size.

    ``names`` say in errors which text is meant. ``batch_tokens`` asks for batches smaller than the backend's. Raises
    ``EmbeddingError`` for a single text that does not fit in memory, ``OperationCancelled`` between batches once
    ``cancel`` is set.
    """
    lengths = np.fromiter(map(len, token_ids), dtype=np.int64, count=len(token_ids))
    order = np.argsort(-lengths, kind="stable")
    budget = min(backend.batch_tokens, batch_tokens or backend.batch_tokens)
    start = 0
    while start < len(order):
        if cancel is not None:
            cancel.check()
        longest = max(1, int(lengths[order[start]]))
        batch = order[start : start + max(1, budget // longest)]
        try:
            vectors = backend.forward(*_pad([token_ids[i] for i in batch], longest, backend.pad_id))
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            if len(batch) == 1:
                raise EmbeddingError(
                    f"{names[batch[0]]} ({longest} tokens) does not fit in memory on {backend.name}.",
                    "Lower max_tokens, or use another device.",
                ) from error
            budget = len(batch) * longest // 2
            backend.free_memory()
            continue
        yield batch, vectors
        start += len(batch)


def is_out_of_memory(error: MemoryError | RuntimeError) -> bool:
    """Whether ``error`` says that memory ran out, in any backend's words."""
    return isinstance(error, MemoryError) or any(phrase in str(error).lower() for phrase in OUT_OF_MEMORY_PHRASES)


def _pad(texts: list[Sequence[int]], length: int, pad_id: int) -> tuple[TokenArray, TokenArray]:
    """Token ids and attention mask of a batch.

    Pads go to the right: then positions count from 0 for every text, whatever its neighbours, also in models
    with absolute positions. Causal models never look at what follows.
    """
    input_ids = np.full((len(texts), length), pad_id, dtype=np.int64)
    attention_mask = np.zeros_like(input_ids)
    for row, ids in enumerate(texts):
        input_ids[row, : len(ids)] = ids
        attention_mask[row, : len(ids)] = 1
    return input_ids, attention_mask
