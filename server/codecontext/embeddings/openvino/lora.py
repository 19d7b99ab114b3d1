"""What a plain LoRA adapter adds to the weights of its base, from its files alone, without torch or PEFT.

LoRA (Hu et al. 2021, arXiv:2106.09685) adds ``scale · B A`` to a weight, with ``scale = alpha / r``, or
``alpha / √r`` where it is rank-stabilised (Kalajdzievski 2023, arXiv:2312.03732). How ranks, alphas and targets
are written down is PEFT's: https://huggingface.co/docs/peft/package_reference/lora.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, deserialize

from codecontext.adapters import AdapterInfo
from codecontext.adapters.files import read_config, read_weights
from codecontext.adapters.fingerprint import UNIMPORTANT_FIELDS
from codecontext.adapters.fit import FittedAdapter, FittedLayer, fit_adapter
from codecontext.adapters.inspect import LINEAR_SUFFIXES, plain_names
from codecontext.adapters.naming import PEFT_PREFIX, module_of
from codecontext.core.errors import AdapterError

Matrix = NDArray[np.float32]

# Fields of adapter_config.json that are heeded below, and what those that must not matter say when they do not.
_HEEDED_FIELDS = frozenset(
    {
        "alpha_pattern",
        "fan_in_fan_out",  # how the base stores its weights; PEFT goes by the base, too
        "layers_pattern",
        "layers_to_transform",
        "lora_alpha",
        "peft_type",
        "r",
        "rank_pattern",
        "target_modules",
        "use_rslora",
    }
)
_WITHOUT_EFFECT: dict[str, tuple[Any, ...]] = {
    "bias": ("none",),
    "init_lora_weights": (True, False, "gaussian"),  # others change the base's weights first
    "megatron_core": ("megatron.core",),  # heeded with megatron_config alone
    "qalora_group_size": (16,),  # heeded with use_qalora alone
}

_NUMPY_TYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16}


class UnsupportedAdapter(Exception):
    """More than plain LoRA on linear layers, so that only PEFT knows what it does; the message says what."""


@dataclass(frozen=True, slots=True)
class LoraUpdate:
    """What one module's weight gains."""

    module: str
    a: Matrix
    """Shape (rank, in)."""
    b: Matrix
    """Shape (out, rank)."""
    scale: float

    def delta(self) -> Matrix:
        """Shape (out, in)."""
        product: Matrix = (self.b @ self.a) * np.float32(self.scale)
        return product


def lora_updates(adapter: AdapterInfo, modules: Collection[str]) -> list[LoraUpdate]:
    """What the adapter does to a base model that has these modules with weights.

    Raises ``UnsupportedAdapter`` for everything that PEFT would do more or otherwise, or complain about.
    """
    try:
        return _plain_updates(adapter, read_config(adapter.path), modules)
    except (SafetensorError, AdapterError, TypeError, ValueError) as error:
        raise UnsupportedAdapter(f"it cannot be read ({error})") from error


def _plain_updates(adapter: AdapterInfo, config: Mapping[str, Any], modules: Collection[str]) -> list[LoraUpdate]:
    _require_plain(config)
    fitted = _fitted(adapter, modules)
    tensors = {name: matrix for name, matrix in _read_tensors(adapter).items() if module_of(name) not in fitted.heads}
    updates = []
    for layer in fitted.layers:
        a, b = (tensors.pop(f"{layer.saved}{suffix}", None) for suffix in LINEAR_SUFFIXES)
        if a is None or b is None:
            raise UnsupportedAdapter(f"the matrices of {layer.module} are not those of a linear layer")
        if not np.isfinite(a).all() or not np.isfinite(b).all():
            raise UnsupportedAdapter(f"the matrices of {layer.module} are not finite")
        updates.append(LoraUpdate(layer.module, a, b, _scale(fitted, layer)))
    if tensors:
        raise UnsupportedAdapter(f"it holds {PEFT_PREFIX}{min(tensors)}")
    return updates


def _fitted(adapter: AdapterInfo, modules: Collection[str]) -> FittedAdapter:
    """PEFT ignores matrices outside of the targets, and refuses an adapter without matrices for all of them."""
    try:
        fitted = fit_adapter(adapter, modules)
    except AdapterError as error:
        raise UnsupportedAdapter(f"its targets are not what it has matrices for ({error.message})") from error
    if fitted.left_out:
        raise UnsupportedAdapter(f"its targets are not what it has matrices for ({fitted.left_out[0]})")
    return fitted


def _require_plain(config: Mapping[str, Any]) -> None:
    for field, value in config.items():
        if field in _HEEDED_FIELDS or field in UNIMPORTANT_FIELDS:
            continue
        # Fields that are empty or off have no effect, also those that a later PEFT may add.
        if value and value not in _WITHOUT_EFFECT.get(field, ()):
            raise UnsupportedAdapter(f"{field} is {value!r}")


def _scale(fitted: FittedAdapter, layer: FittedLayer) -> float:
    return layer.alpha / (math.sqrt(layer.rank) if fitted.settings.use_rslora else layer.rank)


def _read_tensors(adapter: AdapterInfo) -> dict[str, Matrix]:
    """The tensors by their plain names."""
    content: list[tuple[str, Mapping[str, Any]]] = deserialize(read_weights(adapter.path))  # type: ignore[no-untyped-call]
    tensors = {name: _as_float32(name, tensor) for name, tensor in content}
    return plain_names(adapter.path, tensors)


def _as_float32(name: str, tensor: Mapping[str, Any]) -> Matrix:
    """PEFT computes in float32 as well, whatever the weights are stored in."""
    kind, data = tensor["dtype"], bytes(tensor["data"])
    if kind == "BF16":  # the upper half of a float32, which numpy has no type for
        return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4").reshape(tensor["shape"])
    if kind not in _NUMPY_TYPES:
        raise UnsupportedAdapter(f"{name} is stored as {kind}")
    numbers = np.frombuffer(data, np.dtype(_NUMPY_TYPES[kind]).newbyteorder("<"))
    return numbers.astype(np.float32).reshape(tensor["shape"])
