"""Training of queries alone: documents stay as the base model embeds them.

Since no document vector changes, every step compares its queries with *all* documents of the training part, not only
with those of its batch: the loss is the exact softmax, its cost that of one matrix product.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from codecontext.embeddings.base import InstructionType
from codecontext.training.data.labels import Documents, Labelled
from codecontext.training.data.variation import vary
from codecontext.training.optimize.encoder import TrainableEncoder

if TYPE_CHECKING:
    from torch import Tensor


class QuerySideObjective:
    """Cross-entropy of the right documents among all, in the manner of InfoNCE (van den Oord et al. 2018).

    Where several documents are right, their probabilities are added up: it is enough to find one.
    """

    def __init__(
        self,
        encoder: TrainableEncoder,
        queries: Sequence[Labelled],
        documents: Documents,
        temperature: float,
    ) -> None:
        import torch

        self._encoder = encoder
        self._texts = [query.text for query in queries]
        self._weights = torch.tensor([query.pair.weight for query in queries], device=encoder.device)
        self._right = [documents.positions(query.rows) for query in queries]
        vectors = torch.from_numpy(documents.vectors).to(encoder.device)
        self._documents = torch.nn.functional.normalize(vectors, dim=-1)
        self._temperature = temperature

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

    def _loss(self, scores: Tensor, batch: Sequence[int]) -> Tensor:
        import torch

        is_right = torch.zeros_like(scores, dtype=torch.bool)
        for row, number in enumerate(batch):
            is_right[row, self._right[number]] = True
        of_right = scores.masked_fill(~is_right, float("-inf")).logsumexp(dim=1)
        weights = self._weights[list(batch)]
        return ((scores.logsumexp(dim=1) - of_right) * weights).sum() / weights.sum()
