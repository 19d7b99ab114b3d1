"""The state of a training run on disk, so that it can resume where it was stopped."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codecontext.core.atomic import replacement
from codecontext.core.errors import StoreError
from codecontext.core.private import make_private

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

_WEIGHTS, _BEST, _OPTIMISER = "weights.", "best.", "optimiser."


@dataclass(slots=True)
class TrainingState:
    """How far a run is, apart from its tensors."""

    step: int = 0
    validations: int = 0
    best_validation: int = -1
    best_score: float = float("-inf")
    """Score of the chosen validation."""
    highest: list[float] = field(default_factory=list)
    """Values of each query at the validation with the highest score."""
    losses: list[float] = field(default_factory=list)
    """Mean loss between two validations."""
    scores: list[float] = field(default_factory=list)
    """Validation score after each."""
    pending_losses: list[float] = field(default_factory=list)
    """Losses of the steps since the last validation."""
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One file in safetensors format; ``run_digest`` covers everything that must be equal for a run to resume."""

    path: Path
    run_digest: str

    def save(
        self, state: TrainingState, weights: dict[str, Tensor], best: dict[str, Tensor], optimiser: Optimizer
    ) -> None:
        """Write everything in one step. Raises ``StoreError`` when the disk refuses; the last checkpoint stays."""
        from safetensors import SafetensorError
        from safetensors.torch import save_file

        tensors = {
            **{_WEIGHTS + name: tensor for name, tensor in weights.items()},
            **{_BEST + name: tensor for name, tensor in best.items()},
            **_moments(optimiser),
        }
        metadata = {"run_digest": self.run_digest, "state": json.dumps(asdict(state))}
        try:
            make_private(self.path.parent)
            with replacement(self.path, private=True) as draft:
                save_file(tensors, draft, metadata=metadata)
        except (OSError, SafetensorError) as error:
            raise StoreError(
                f"The checkpoint cannot be written to {self.path}: {getattr(error, 'strerror', None) or error}.",
                "Free some space and run the same command; training resumes from the last checkpoint.",
            ) from error

    def load(self, optimiser: Optimizer) -> tuple[TrainingState, dict[str, Tensor], dict[str, Tensor]] | None:
        """State, weights and best weights of a run with the same digest, its moments put into ``optimiser``.

        None where there is none that can be read.
        """
        from safetensors import SafetensorError, safe_open
        from safetensors.torch import load_file

        try:
            with safe_open(self.path, framework="pt") as file:
                metadata: dict[str, str] = file.metadata() or {}
            if metadata.get("run_digest") != self.run_digest:
                return None
            tensors = load_file(self.path)
            state = TrainingState(**json.loads(metadata["state"]))
        except (OSError, SafetensorError, KeyError, TypeError, ValueError):
            return None
        _put_moments(optimiser, _part(tensors, _OPTIMISER))
        return state, _part(tensors, _WEIGHTS), _part(tensors, _BEST)

    def remove(self) -> None:
        """Forget the run."""
        self.path.unlink(missing_ok=True)


def _moments(optimiser: Optimizer) -> dict[str, Tensor]:
    """What the optimiser remembers of each weight."""
    return {
        f"{_OPTIMISER}{number}.{name}": value.detach().cpu().clone()
        for number, values in optimiser.state_dict()["state"].items()
        for name, value in values.items()
    }


def _put_moments(optimiser: Optimizer, moments: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Any]] = {}
    for key, value in moments.items():
        number, _, name = key.partition(".")
        state.setdefault(int(number), {})[name] = value
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
