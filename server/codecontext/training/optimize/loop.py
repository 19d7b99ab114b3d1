"""TrainingLoop: steps, validation, early stopping, checkpoints. What a step minimises is up to the ``Objective``."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from codecontext.core.errors import OperationCancelled
from codecontext.core.progress import CancelToken, Progress, ProgressCallback
from codecontext.training.config import TrainingConfig
from codecontext.training.evaluation.metrics import Values
from codecontext.training.optimize.batches import batches_of_epoch
from codecontext.training.optimize.checkpoint import Checkpoint, TrainingState
from codecontext.training.optimize.encoder import TrainableEncoder
from codecontext.training.optimize.objective import Objective

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim.lr_scheduler import LambdaLR

STAGE = "training"
_LARGEST_GRADIENT = 1.0
_LARGE_PRIME = 1_000_003


@dataclass(frozen=True, slots=True)
class TrainingProgress(Progress):
    """Steps done, with the newest loss and validation scores; None before there are any."""

    loss: float | None = None
    score: float | None = None
    best_score: float | None = None
    base_score: float | None = None


@dataclass(frozen=True, slots=True)
class Trained:
    """How a run went: the losses and scores on the way, and which validation was chosen."""

    steps: int
    losses: list[float]
    scores: list[float]
    base_score: float
    best_validation: int
    stopped_early: bool
    resumed_at: int


class TrainingLoop:
    """Minimises an objective with AdamW, a warm-up and a linear decay, and leaves the encoder with the best weights.

    The same seed gives the same run on the same machine with as many threads, also when it is stopped and resumed.
    """

    def __init__(
        self,
        encoder: TrainableEncoder,
        objective: Objective,
        config: TrainingConfig,
        checkpoint: Checkpoint,
    ) -> None:
        import torch

        self._encoder = encoder
        self._objective = objective
        self._config = config
        self._checkpoint = checkpoint
        self._lengths = objective.lengths()
        self._steps_of_epoch = math.ceil(len(self._lengths) / config.batch_size)
        self.total_steps = config.epochs * self._steps_of_epoch
        self._interval = max(1, round(self._steps_of_epoch / config.validations_per_epoch))
        self._optimiser = torch.optim.AdamW(
            encoder.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self._state = TrainingState()
        self._best: dict[str, Tensor] = {}

    def run(self, on_progress: ProgressCallback, cancel: CancelToken) -> Trained:
        """Train a new adapter, from the checkpoint if there is one. When cancelled, the checkpoint is written first.

        Raises ``OperationCancelled`` and ``StoreError``.
        """
        base_score = float(self._objective.validate().mean())  # a new adapter changes nothing yet
        resumed_at = self._resume()
        state = self._state
        schedule = self._schedule(state.step)
        with _threads(self._config.threads):
            for step, batch in self._batches():
                if state.ended:
                    break
                self._step(step, batch, schedule)
                if state.step % self._interval == 0 or state.step == self.total_steps:
                    self._validate()
                on_progress(self._progress(base_score))
                if cancel.cancelled:
                    self._save()
                    raise OperationCancelled(
                        f"Training was stopped at step {state.step} of {self.total_steps}.",
                        "Run the same command to resume.",
                    )
        self._encoder.load_weights(self._best)
        return Trained(
            steps=state.step,
            losses=state.losses,
            scores=state.scores,
            base_score=base_score,
            best_validation=state.best_validation,
            stopped_early=state.step < self.total_steps,
            resumed_at=resumed_at,
        )

    def _resume(self) -> int:
        found = self._checkpoint.load(self._optimiser)
        if found is not None:
            self._state, weights, self._best = found
            self._encoder.load_weights(weights)
        return self._state.step

    def _batches(self) -> Iterator[tuple[int, list[int]]]:
        """The steps that are still to do."""
        for epoch in range(self._config.epochs):
            first = epoch * self._steps_of_epoch
            if first + self._steps_of_epoch > self._state.step:
                batches = batches_of_epoch(self._lengths, self._config.batch_size, self._seed(epoch))
                for step, batch in enumerate(batches, start=first):
                    if step >= self._state.step:
                        yield step, batch

    def _step(self, step: int, batch: list[int], schedule: LambdaLR) -> None:
        import torch

        self._encoder.train()
        torch.manual_seed(self._seed(step))
        self._optimiser.zero_grad()
        loss = self._objective.backward(batch, self._seed(step))
        torch.nn.utils.clip_grad_norm_(self._encoder.parameters(), _LARGEST_GRADIENT)
        self._optimiser.step()
        schedule.step()
        self._state.step = step + 1
        self._state.pending_losses.append(loss)

    def _validate(self) -> None:
        state = self._state
        values = self._objective.validate()
        score = float(values.mean())
        state.losses.append(sum(state.pending_losses) / len(state.pending_losses))
        state.scores.append(score)
        state.pending_losses = []
        if not state.highest or score > np.mean(state.highest):
            state.highest = values.tolist()
        if _is_as_good(values, np.array(state.highest)):
            state.best_score, state.best_validation = score, state.validations
            self._best = self._encoder.weights()
        state.validations += 1
        state.ended = state.validations - state.best_validation > self._config.patience
        self._save()

    def _save(self) -> None:
        best = self._best or self._encoder.weights()
        self._checkpoint.save(self._state, self._encoder.weights(), best, self._optimiser)

    def _schedule(self, step: int) -> LambdaLR:
        """Linear warm-up, then linear decay to nothing; set to where ``step`` is."""
        import torch

        warmup = max(1.0, self._config.warmup * self.total_steps)

        def factor(done: int) -> float:
            return min((done + 1) / warmup, 1.0) * max(0.0, 1 - done / self.total_steps)

        for group in self._optimiser.param_groups:
            group["initial_lr"] = self._config.learning_rate
        return torch.optim.lr_scheduler.LambdaLR(self._optimiser, factor, last_epoch=step - 1)

    def _seed(self, number: int) -> int:
        return self._config.seed * _LARGE_PRIME + number

    def _progress(self, base_score: float) -> TrainingProgress:
        state = self._state
        recent = state.pending_losses or state.losses[-1:]
        loss = round(sum(recent) / len(recent), 4)
        score = round(state.scores[-1], 4) if state.scores else None
        shown = f", MRR@10 {score:.3f} (base {base_score:.3f})" if score is not None else ""
        return TrainingProgress(
            stage=STAGE,
            done=state.step,
            total=self.total_steps,
            detail=f"loss {loss:.3f}{shown}",
            loss=loss,
            score=score,
            best_score=round(state.best_score, 4) if state.scores else None,
            base_score=round(base_score, 4),
        )


def _is_as_good(values: Values, highest: Values) -> bool:
    """Whether ``values`` are within one standard error of the highest.

    A hundred validation queries tell little apart. The highest of several scores is often that of a lucky moment
    early on, so of those that cannot be told apart the longest training counts: the one-standard-error rule of
    Breiman et al., "Classification and Regression Trees" (1984), section 3.4.3, with paired differences.
    """
    differences = values - highest
    error = differences.std(ddof=1) / math.sqrt(len(differences)) if len(differences) > 1 else 0.0
    return bool(differences.mean() >= -error)


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """Limit torch to ``count`` CPU threads, or all cores but one: threads waiting for a busy core slow all others."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count or max(1, (os.cpu_count() or 1) - 1))
    try:
        yield
    finally:
        torch.set_num_threads(before)
