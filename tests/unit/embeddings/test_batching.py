"""Texts are packed by tokens, come back where they were, and survive a lack of memory."""

from __future__ import annotations

import numpy as np
import pytest

from codecontext.core import CancelToken
from codecontext.core.errors import EmbeddingError, OperationCancelled
from codecontext.embeddings.backend import EmbeddingBackend
from codecontext.embeddings.batching import embed_tokens


class SummingBackend(EmbeddingBackend):
    """Gives each text (sum, number) of its ids, and runs out of memory above ``capacity`` tokens."""

    pad_id = 7
    name = "summing"

    def __init__(self, batch_tokens: int, capacity: int = 10**9, error: Exception | None = None) -> None:
        self.batch_tokens = batch_tokens
        self.capacity = capacity
        self.error = error or RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        self.shapes: list[tuple[int, ...]] = []
        self.times_freed = 0

    def forward(self, input_ids, attention_mask):
        if input_ids.size > self.capacity:
            raise self.error
        self.shapes.append(input_ids.shape)
        assert (input_ids[attention_mask == 0] == self.pad_id).all()
        return np.stack([(input_ids * attention_mask).sum(axis=1), attention_mask.sum(axis=1)], axis=1)

    def free_memory(self):
        self.times_freed += 1


@pytest.fixture
def token_ids() -> list[list[int]]:
    lengths = np.random.default_rng(0).integers(1, 60, size=200)
    return [[position + 10 * length for position in range(length)] for length in lengths.tolist()]


def names(token_ids):
    return [f"file.py:{number}" for number in range(len(token_ids))]


def embed(backend, token_ids, cancel=None):
    result = np.full((len(token_ids), 2), np.nan)
    for rows, vectors in embed_tokens(backend, token_ids, names(token_ids), cancel):
        assert np.isnan(result[rows]).all(), "a text was embedded twice"
        result[rows] = vectors
    return result


def expected(token_ids):
    return np.array([[sum(ids), len(ids)] for ids in token_ids], dtype=float)


@pytest.mark.parametrize("batch_tokens", [1, 60, 500, 10**6])
def test_every_text_gets_its_own_vector_at_any_batch_size(token_ids, batch_tokens):
    backend = SummingBackend(batch_tokens)

    assert (embed(backend, token_ids) == expected(token_ids)).all()
    assert all(rows * length <= max(batch_tokens, 60) for rows, length in backend.shapes)


def test_texts_of_like_length_share_a_batch(token_ids):
    backend = SummingBackend(600)

    embed(backend, token_ids)

    padded = sum(rows * length for rows, length in backend.shapes)
    assert padded < 1.2 * sum(map(len, token_ids))
    assert [length for _, length in backend.shapes] == sorted((s[1] for s in backend.shapes), reverse=True)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate"),
        RuntimeError("Check failed: std::bad_alloc"),
        MemoryError(),
    ],
    ids=["cuda", "cpu", "openvino", "python"],
)
def test_a_batch_that_does_not_fit_is_halved_until_it_does(token_ids, error):
    backend = SummingBackend(4000, capacity=300, error=error)

    assert (embed(backend, token_ids) == expected(token_ids)).all()
    assert backend.times_freed == 4  # 4000 → 2000 → 1000 → 500 → 250; later batches keep to that


def test_a_single_text_that_does_not_fit_is_named(token_ids):
    token_ids[17] = list(range(500))

    with pytest.raises(EmbeddingError, match=r"file\.py:17 \(500 tokens\) does not fit in memory on summing"):
        embed(SummingBackend(4000, capacity=300), token_ids)


def test_other_errors_are_not_taken_for_a_lack_of_memory(token_ids):
    backend = SummingBackend(4000, capacity=300, error=RuntimeError("mat1 and mat2 shapes cannot be multiplied"))

    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        embed(backend, token_ids)
    assert backend.times_freed == 0


def test_stops_between_batches_when_cancelled(token_ids):
    cancel = CancelToken()
    batches = embed_tokens(SummingBackend(100), token_ids, names(token_ids), cancel)
    next(batches)
    cancel.cancel()

    with pytest.raises(OperationCancelled):
        next(batches)


def test_no_texts_are_no_batches():
    assert list(embed_tokens(SummingBackend(100), [], [])) == []
