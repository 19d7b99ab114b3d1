"""Objective: what one batch minimises, and how validation ranks. ``TrainingLoop`` does the steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from codecontext.adapters import AdapterSide
from codecontext.training.config import TrainingConfig
from codecontext.training.data.corpus import Corpus
from codecontext.training.data.labels import LabelledSplit
from codecontext.training.data.workbench import Workbench
from codecontext.training.evaluation.metrics import Values
from codecontext.training.optimize.both_sides import BothSidesObjective
from codecontext.training.optimize.encoder import TrainableEncoder
from codecontext.training.optimize.query_side import QuerySideObjective


class Objective(Protocol):
    """A loss over numbered training pairs, and the validation that goes with it."""

    def lengths(self) -> Sequence[int]:
        """Length of each pair's longer text, for batches that need little padding."""
        ...

    def backward(self, batch: Sequence[int], seed: int) -> float:
        """Add the gradients of a batch to the adapter's weights and return its loss; ``seed`` decides all chance."""
        ...

    def validate(self) -> Values:
        """Reciprocal rank up to 10 of each validation query by vectors, with the encoder as it is."""
        ...

    def choose_strength(self) -> float:
        """How strongly the trained adapter should act; 1 is as it was trained."""
        ...


def objective_for(
    bench: Workbench, config: TrainingConfig, encoder: TrainableEncoder, corpus: Corpus, split: LabelledSplit
) -> Objective:
    """The objective of the side that ``config`` names."""
    if config.side is AdapterSide.QUERY:
        return QuerySideObjective(bench, config, encoder, corpus, split)
    return BothSidesObjective(config, encoder, corpus, split)
