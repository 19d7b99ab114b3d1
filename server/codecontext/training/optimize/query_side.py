"""Training of queries alone: documents stay as the base model embeds them.

Since no document vector changes, every step compares its queries with *all* documents of the training part, not only
with those of its batch: the loss is the exact softmax, its cost that of one matrix product.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from codecontext.embeddings.base import InstructionType, Vectors
from codecontext.training.config import TrainingConfig
from codecontext.training.data.corpus import Corpus
from codecontext.training.data.labels import LabelledSplit, training_documents
from codecontext.training.data.wording import vary
from codecontext.training.data.workbench import Workbench
from codecontext.training.evaluation.metrics import Values, reciprocal_ranks
from codecontext.training.evaluation.rankings import rank_by_search
from codecontext.training.evaluation.vector_ranks import ChunkRanks
from codecontext.training.optimize.encoder import TrainableEncoder

if TYPE_CHECKING:
    from torch import Tensor

STRENGTHS = (1.0, 0.75, 0.5)


class QuerySideObjective:
    """Cross-entropy of the right documents among all, in the manner of InfoNCE (van den Oord et al. 2018).

    Where several documents are right, their probabilities are added up: it is enough to find one.
    """

    def __init__(
        self,
        bench: Workbench,
        config: TrainingConfig,
        encoder: TrainableEncoder,
        corpus: Corpus,
        split: LabelledSplit,
    ) -> None:
        import torch

        self._bench = bench
        self._encoder = encoder
        self._corpus = corpus
        self._validation = split.validation
        self._ranks = ChunkRanks(corpus.snapshot, split.validation)
        self._temperature = config.temperature
        documents = training_documents(corpus.snapshot, config.seed)
        queries = documents.answerable(split.train)
        self._texts = [query.text for query in queries]
        self._weights = torch.tensor([query.pair.weight for query in queries], device=encoder.device)
        self._right = [documents.positions(query.rows) for query in queries]
        vectors = torch.from_numpy(documents.vectors).to(encoder.device)
        self._documents = torch.nn.functional.normalize(vectors, dim=-1)

    def lengths(self) -> Sequence[int]:
        """See ``Objective``."""
        return [len(text) for text in self._texts]

    def backward(self, batch: Sequence[int], seed: int) -> float:
        """See ``Objective``."""
        texts = [vary(self._texts[number], seed + number) for number in batch]
        queries = self._encoder.forward(self._encoder.tokens(texts, InstructionType.NL2CODE_QUERY))
        loss = self._loss(queries @ self._documents.T / self._temperature, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    def validate(self) -> Values:
        """See ``Objective``. Among all documents, as the base model embeds them."""
        return self._ranks.reciprocal_ranks(self._vectors())

    def choose_strength(self) -> float:
        """The strength with which the whole search ranks best; where keywords already find the code, less may do."""
        scores = {strength: self._search_score(strength) for strength in STRENGTHS}
        self._encoder.set_strength(1.0)
        return max(STRENGTHS, key=lambda strength: scores[strength])

    def _loss(self, scores: Tensor, batch: Sequence[int]) -> Tensor:
        import torch

        is_right = torch.zeros_like(scores, dtype=torch.bool)
        for row, number in enumerate(batch):
            is_right[row, self._right[number]] = True
        of_right = scores.masked_fill(~is_right, float("-inf")).logsumexp(dim=1)
        weights = self._weights[list(batch)]
        return ((scores.logsumexp(dim=1) - of_right) * weights).sum() / weights.sum()

    def _search_score(self, strength: float) -> float:
        """MRR@10 through the whole search plus that by vectors."""
        self._encoder.set_strength(strength)
        vectors, stage = self._vectors(), f"choosing strength {strength:g}"
        by_search = rank_by_search(self._bench, self._corpus, self._validation, vectors, self._bench.base.space, stage)
        return float((reciprocal_ranks(by_search) + self._ranks.reciprocal_ranks(vectors)).mean())

    def _vectors(self) -> Vectors:
        return self._encoder.vectors([query.text for query in self._validation], InstructionType.NL2CODE_QUERY)
