"""Training of queries and documents together.

Each query is compared with the right documents of its batch and with mined hard negatives. What may be right without
being labelled so is masked: other answers of the same query, and contents that the base model can hardly tell from
the answer.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from codecontext.embeddings.base import InstructionType, Vectors
from codecontext.store.vector_file import Mask
from codecontext.training.config import TrainingConfig
from codecontext.training.data.corpus import Corpus
from codecontext.training.data.labels import Documents, Labelled, LabelledSplit, documents_of, training_documents
from codecontext.training.data.wording import vary
from codecontext.training.evaluation.metrics import Values
from codecontext.training.evaluation.vector_ranks import reciprocal_ranks_by_vectors
from codecontext.training.optimize.encoder import TrainableEncoder
from codecontext.training.optimize.gradient_cache import backward_in_parts

if TYPE_CHECKING:
    from torch import Tensor

MINED_DEPTH = 30
POOL_SIZE = 500
"""Documents that validation ranks in addition to the right ones."""
NEAR_DUPLICATE = 0.95
"""Cosine in the base space from which two contents are taken for the same answer."""


class BothSidesObjective:
    """Cross-entropy of the right document among those of the batch and the hard negatives."""

    def __init__(
        self,
        config: TrainingConfig,
        encoder: TrainableEncoder,
        corpus: Corpus,
        split: LabelledSplit,
    ) -> None:
        self._encoder = encoder
        self._config = config
        self._validation = split.validation
        self._pool = _validation_pool(corpus, split.validation, config.seed)
        self._pool_texts = corpus.texts(self._pool.rows)
        documents = training_documents(corpus.snapshot, config.seed)
        queries = documents.answerable(split.train)
        self._queries = [query.text for query in queries]
        self._weights = [query.pair.weight for query in queries]
        self._right = [documents.positions(query.rows) for query in queries]
        self._vectors = _normalised(documents.vectors)
        self._tokens = encoder.tokens(corpus.texts(documents.rows), InstructionType.NL2CODE_PASSAGE)
        self._hard = self._mine(encoder.vectors(self._queries, InstructionType.NL2CODE_QUERY))

    def lengths(self) -> Sequence[int]:
        """See ``Objective``. Documents are far longer than queries, so theirs count."""
        return [len(self._tokens[right[0]]) for right in self._right]

    def backward(self, batch: Sequence[int], seed: int) -> float:
        """See ``Objective``."""
        chosen = [self._choose(number, seed) for number in batch]
        documents = list(dict.fromkeys(position for positions in chosen for position in positions))
        answers = [documents.index(positions[0]) for positions in chosen]
        texts = [vary(self._queries[number], seed + number) for number in batch]
        queries = self._encoder.tokens(texts, InstructionType.NL2CODE_QUERY)
        masked = self._masked(batch, documents, answers)

        def loss_of(vectors: Tensor) -> Tensor:
            return self._loss(vectors[: len(batch)], vectors[len(batch) :], batch, answers, masked)

        token_ids = [*queries, *(self._tokens[position] for position in documents)]
        return backward_in_parts(self._encoder.forward, token_ids, loss_of, self._config.micro_batch, seed)

    def validate(self) -> Values:
        """See ``Objective``. Among a part of the documents: to embed all of them each time would take too long."""
        queries = self._encoder.vectors([query.text for query in self._validation], InstructionType.NL2CODE_QUERY)
        documents = self._encoder.vectors(self._pool_texts, InstructionType.NL2CODE_PASSAGE)
        right = [self._pool.positions(query.rows) for query in self._validation]
        return reciprocal_ranks_by_vectors(queries, documents, right)

    def choose_strength(self) -> float:
        """As it was trained: each strength would be another space, with all documents to embed."""
        return 1.0

    def _loss(
        self, queries: Tensor, documents: Tensor, batch: Sequence[int], answers: Sequence[int], masked: Mask
    ) -> Tensor:
        import torch

        scores = queries @ documents.T / self._config.temperature
        scores = scores.masked_fill(torch.from_numpy(masked).to(scores.device), float("-inf"))
        targets = torch.tensor(answers, device=scores.device)
        losses = torch.nn.functional.cross_entropy(scores, targets, reduction="none")
        weights = torch.tensor([self._weights[number] for number in batch], device=scores.device)
        return (losses * weights).sum() / weights.sum()

    def _choose(self, number: int, seed: int) -> list[int]:
        """One right document of a query, then some of its hard negatives."""
        generator = random.Random(seed * 31 + number)
        right = generator.choice(self._right[number])
        hard = self._hard[number]
        return [right, *generator.sample(hard, min(self._config.hard_negatives, len(hard)))]

    def _masked(self, batch: Sequence[int], documents: Sequence[int], answers: Sequence[int]) -> Mask:
        """True for documents that must not count as wrong for a query, shape (batch, documents)."""
        vectors = self._vectors[list(documents)]
        likeness = vectors[list(answers)] @ vectors.T
        masked: Mask = likeness >= NEAR_DUPLICATE
        for row, number in enumerate(batch):
            right = set(self._right[number])
            masked[row] |= np.array([position in right for position in documents])
            masked[row, answers[row]] = False
        return masked

    def _mine(self, queries: Vectors) -> list[list[int]]:
        """For each query the documents that the base model likes best and that are not its answers."""
        mined: list[list[int]] = []
        for vector, right in zip(queries, self._right, strict=True):
            scores = self._vectors @ vector
            scores[(self._vectors @ self._vectors[right].T).max(axis=1) >= NEAR_DUPLICATE] = -np.inf
            depth = min(MINED_DEPTH, len(scores) - 1)
            best = np.argpartition(-scores, depth)[:depth]
            mined.append([int(position) for position in best if np.isfinite(scores[position])])
        return mined


def _validation_pool(corpus: Corpus, validation: Sequence[Labelled], seed: int) -> Documents:
    rows = {row for query in validation for row in query.rows}
    others = [row for row in range(len(corpus.snapshot)) if row not in rows]
    drawn = random.Random(seed).sample(others, min(POOL_SIZE, len(others)))
    return documents_of(corpus.snapshot, sorted(rows | set(drawn)))


def _normalised(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    normalised: Vectors = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
    return normalised
