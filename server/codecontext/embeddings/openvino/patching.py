"""Adapters added to a converted model, weight by weight, without torch.

A converted model keeps its weights as constants. Which constant is the weight of which module is found out once,
when the base model is converted and torch's weights are at hand to compare with.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict
from safetensors.numpy import save_file

from codecontext.adapters import AdapterInfo
from codecontext.adapters.files import CONFIG_FILE, WEIGHTS_FILE
from codecontext.adapters.inspect import LINEAR_SUFFIXES
from codecontext.adapters.naming import PEFT_PREFIX
from codecontext.embeddings.openvino import backend as openvino_backend
from codecontext.embeddings.openvino.backend import WeightConstant
from codecontext.embeddings.openvino.lora import Matrix, UnsupportedAdapter, lora_updates

TRIAL_CHANGE = 0.5
"""How much the trial adapter changes a weight, as a share of its (Frobenius) norm: so much that no mistake could hide.

Trained adapters mostly stay below 0.1."""
_TRIAL_RANK = 4
# A trial holds a second copy of so much of a large model's weights.
_TRIAL_BYTES = 300_000_000


class PatchableWeights(BaseModel):
    """What adapters find in a converted base model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    modules: dict[str, tuple[int, ...]]
    """Path of every module that has a weight → shape of that weight."""
    constants: dict[str, WeightConstant]
    """Linear module → the constant that is its weight."""
    unused: tuple[str, ...]
    """Linear modules that no vector depends on, so that the converted model does without them."""
    proven_change: float
    """Adapters that change no weight by more than this share of its norm are precise enough in the base's precision."""


def patched(model: Any, weights: PatchableWeights, adapter: AdapterInfo) -> tuple[Any, float]:
    """A twin of the converted base model with the adapter merged in; it shares what the adapter leaves alone.

    The second result is how much the weight changes that changes most, as a share of its norm. Raises
    ``UnsupportedAdapter`` when merging needs PEFT.
    """
    updates = [update for update in lora_updates(adapter, weights.modules) if update.module not in weights.unused]
    for update in updates:
        if update.module not in weights.constants:
            raise UnsupportedAdapter(f"the weight of {update.module} is not found in the converted model")
    changes = ((weights.constants[update.module], update.delta()) for update in updates)
    return openvino_backend.add_to_weights(model, changes)


def write_trial_adapter(folder: Path, base_model: str, linear: Mapping[str, Matrix]) -> None:
    """Write a random adapter of the linear modules, whose weights, (out, in), are given."""
    numbers = np.random.default_rng(0)
    tensors: dict[str, Matrix] = {}
    size = 0
    for module, weight in linear.items():
        size += weight.nbytes
        if tensors and size > _TRIAL_BYTES:
            break
        rows, columns = weight.shape
        a = numbers.standard_normal((_TRIAL_RANK, columns), dtype=np.float32)
        b = numbers.standard_normal((rows, _TRIAL_RANK), dtype=np.float32)
        b *= TRIAL_CHANGE * np.linalg.norm(weight) / np.linalg.norm(b @ a)
        for suffix, matrix in zip(LINEAR_SUFFIXES, (a, b), strict=True):
            tensors[f"{PEFT_PREFIX}{module}{suffix}"] = matrix
    targets = [name.removeprefix(PEFT_PREFIX).removesuffix(LINEAR_SUFFIXES[0]) for name in list(tensors)[::2]]
    config = {
        "peft_type": "LORA",
        "base_model_name_or_path": base_model,
        "r": _TRIAL_RANK,
        "lora_alpha": _TRIAL_RANK,
        "target_modules": sorted(targets),
    }
    save_file(tensors, folder / WEIGHTS_FILE)
    (folder / CONFIG_FILE).write_text(json.dumps(config), encoding="utf-8")
