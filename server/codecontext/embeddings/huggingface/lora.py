"""What a plain LoRA adapter adds to the weights of its base, from its files alone, without torch or PEFT.

LoRA (Hu et al. 2021, arXiv:2106.09685) adds ``scale · B A`` to a weight, with ``scale = alpha / r``, or
``alpha / √r`` where it is rank-stabilised (Kalajdzievski 2023, arXiv:2312.03732). How ranks, alphas and targets
are written down is PEFT's: https://huggingface.co/docs/peft/package_reference/lora.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, deserialize

from codecontext.adapters import AdapterInfo
from codecontext.adapters.files import WEIGHTS_FILE, read_config
from codecontext.adapters.fingerprint import UNIMPORTANT_FIELDS
from codecontext.adapters.inspect import LINEAR_SUFFIXES, PEFT_PREFIX

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


class UnusualAdapter(Exception):
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

    Raises ``UnusualAdapter`` for everything that PEFT would do more or otherwise, or complain about.
    """
    config = read_config(adapter.path)
    try:
        return _plain_updates(adapter, config, modules)
    except (OSError, SafetensorError, re.error, TypeError, ValueError, AttributeError) as error:
        raise UnusualAdapter(f"it cannot be read ({error})") from error


def _plain_updates(adapter: AdapterInfo, config: Mapping[str, Any], modules: Collection[str]) -> list[LoraUpdate]:
    _require_plain(config)
    _require_its_targets(adapter, config, modules)
    tensors = _read_tensors(adapter)
    updates = []
    for layer in adapter.layers:
        a, b = (tensors.pop(f"{PEFT_PREFIX}{layer.module}{suffix}", None) for suffix in LINEAR_SUFFIXES)
        if a is None or b is None:
            raise UnusualAdapter(f"the matrices of {layer.module} are not those of a linear layer")
        if not np.isfinite(a).all() or not np.isfinite(b).all():
            raise UnusualAdapter(f"the matrices of {layer.module} are not finite")
        updates.append(LoraUpdate(layer.module, a, b, _scale(config, layer.module, layer.rank)))
    if tensors:
        raise UnusualAdapter(f"it holds {min(tensors)}")
    return updates


def _require_plain(config: Mapping[str, Any]) -> None:
    for field, value in config.items():
        if field in _HEEDED_FIELDS or field in UNIMPORTANT_FIELDS:
            continue
        # Fields that are empty or off have no effect, also those that a later PEFT may add.
        if value and value not in _WITHOUT_EFFECT.get(field, ()):
            raise UnusualAdapter(f"{field} is {value!r}")


def _require_its_targets(adapter: AdapterInfo, config: Mapping[str, Any], modules: Collection[str]) -> None:
    """PEFT ignores matrices outside of the targets, and refuses an adapter without matrices for all of them."""
    targets = {module for module in modules if _is_target(config, module)}
    layers = {layer.module for layer in adapter.layers}
    if targets != layers:
        raise UnusualAdapter(f"its targets are not what it has matrices for ({min(targets ^ layers)})")


def _is_target(config: Mapping[str, Any], module: str) -> bool:
    targets = config["target_modules"]
    if isinstance(targets, str):
        return re.fullmatch(targets, module) is not None
    if not any(module == target or module.endswith(f".{target}") for target in targets):
        return False
    layers = config.get("layers_to_transform")
    if layers is None or layers == []:
        return True
    return _layer_number(config, module) in (layers if isinstance(layers, list) else [layers])


def _layer_number(config: Mapping[str, Any], module: str) -> int | None:
    """The first number in the module's path that counts layers; ``layers_pattern`` names their list."""
    patterns = config.get("layers_pattern")
    if not patterns:
        match = re.match(r".*?\.[^.]*\.(\d+)\.", module)
        return int(match[1]) if match else None
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        if match := re.match(rf"(?:^|.*?\.){pattern}\.(?P<number>\d+)\.", module):
            return int(match["number"])
    return None


def _scale(config: Mapping[str, Any], module: str, rank: int) -> float:
    if rank != _for_module(config.get("rank_pattern"), module, config["r"]):
        raise UnusualAdapter(f"the matrices of {module} have another rank than configured")
    alpha = float(_for_module(config.get("alpha_pattern"), module, config["lora_alpha"]))
    return alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)


def _for_module(patterns: Mapping[str, Any] | None, module: str, otherwise: Any) -> Any:
    """The value of the first pattern that the end of the module's path matches."""
    for pattern, value in (patterns or {}).items():
        if re.match(rf"(.*\.)?({pattern})$", module):
            return value
    return otherwise


def _read_tensors(adapter: AdapterInfo) -> dict[str, Matrix]:
    content = (adapter.path / WEIGHTS_FILE).read_bytes()
    return {name: _as_float32(name, tensor) for name, tensor in deserialize(content)}  # type: ignore[no-untyped-call]


def _as_float32(name: str, tensor: Mapping[str, Any]) -> Matrix:
    """PEFT computes in float32 as well, whatever the weights are stored in."""
    kind, data = tensor["dtype"], bytes(tensor["data"])
    if kind == "BF16":  # the upper half of a float32, which numpy has no type for
        return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4").reshape(tensor["shape"])
    if kind not in _NUMPY_TYPES:
        raise UnusualAdapter(f"{name} is stored as {kind}")
    numbers = np.frombuffer(data, np.dtype(_NUMPY_TYPES[kind]).newbyteorder("<"))
    return numbers.astype(np.float32).reshape(tensor["shape"])
