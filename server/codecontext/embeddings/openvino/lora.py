"""A LoRA adapter added to the weights of its base, from its files alone, without torch or PEFT.

LoRA (Hu et al. 2021, arXiv:2106.09685) adds ``scale · B A`` to a weight, with ``scale = alpha / r``, or ``alpha / √r``
where it is rank-stabilised (Kalajdzievski 2023, arXiv:2312.03732). DoRA (Liu et al. 2024, arXiv:2402.09353) then gives
each output of the sum a length that was trained. How ranks, alphas and targets are written down is PEFT's:
https://huggingface.co/docs/peft/package_reference/lora.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import deserialize

from codecontext.adapters import AdapterInfo
from codecontext.adapters.files import read_config, read_weights
from codecontext.adapters.fit import FittedAdapter, FittedLayer, fit_adapter, misshapen
from codecontext.adapters.inspect import EMBEDDING_SUFFIXES, LINEAR_SUFFIXES, plain_names
from codecontext.adapters.lora_config import TRAINING_FIELDS, LoraSettings
from codecontext.adapters.naming import PEFT_PREFIX, module_of
from codecontext.core.errors import AdapterError
from codecontext.embeddings.openvino.weights import Array, UnknownFormat, as_float32

_MAGNITUDE = ".lora_magnitude_vector"
_LORA_BIAS = ".lora_B.bias"

# Multiplications up to which OpenBLAS takes one thread (GEMM_MULTITHREAD_THRESHOLD times SMP_THRESHOLD_MIN).
_ONE_THREAD = 262_144

_EXACT_STARTS = ("pissa", "olora")


class UnsupportedAdapter(Exception):
    """Something that only PEFT knows how to do; the message says what."""


def merged_weights(
    adapter: AdapterInfo, modules: Collection[str], tables: Collection[str], weights: Mapping[str, Array]
) -> dict[str, Array]:
    """The weights of a base model that the adapter changes, by name, as they are with it.

    ``modules`` are those of the base that have a weight, ``tables`` those of them that are embeddings. What is not in
    ``weights`` has no effect on vectors and is left out. Raises ``AdapterError`` where the adapter is incomplete or
    makes numbers that are not finite, and ``UnsupportedAdapter`` where it takes PEFT.
    """
    fitted = fit_adapter(adapter, modules)
    _require_known(read_config(adapter.path), fitted.settings)
    merging = _Merging(adapter.path, fitted, tables, weights, _read_tensors(adapter.path))
    with np.errstate(all="ignore"):  # what is not finite is refused in the end
        merging.replace()
        for layer in fitted.layers:
            merging.add(layer)
    return merging.merged


class _Merging:
    """One adapter on its way into copies of the weights that it changes."""

    def __init__(
        self,
        path: Path,
        fitted: FittedAdapter,
        tables: Collection[str],
        weights: Mapping[str, Array],
        tensors: Mapping[str, Array],
    ) -> None:
        self.merged: dict[str, Array] = {}
        self._path = path
        self._settings = fitted.settings
        self._in_base = {layer.saved: layer.module for layer in fitted.layers} | dict(fitted.others)
        self._tables = tables
        self._weights = weights
        self._tensors = {name: tensor for name, tensor in tensors.items() if module_of(name) in self._in_base}

    def replace(self) -> None:
        """Put tensors that stand for those of the base, such as trained biases, in their place."""
        for saved in [name for name in self._tensors if ".lora_" not in name]:
            tensor, module, kind = self._tensors.pop(saved), self._in_base[module_of(saved)], saved.rpartition(".")[2]
            if f"{module}.weight" not in self._weights:
                continue
            name = f"{module}.{kind}"
            if name not in self._weights or self._weights[name].shape != tensor.shape or not np.isfinite(tensor).all():
                raise misshapen(self._path, kind, module)
            self.merged[name] = tensor

    def add(self, layer: FittedLayer) -> None:
        """Add the matrices of one module to its weight."""
        is_table = layer.module in self._tables
        a, b = (self._take(layer.saved, suffix) for suffix in (EMBEDDING_SUFFIXES if is_table else LINEAR_SUFFIXES))
        outputs = (len(b),)
        magnitude = self._take(layer.saved, _MAGNITUDE, outputs) if self._settings.use_dora else None
        bias = self._take(layer.saved, _LORA_BIAS, outputs) if self._settings.lora_bias else None
        self._require_all_taken(layer)
        if f"{layer.module}.weight" not in self._weights:
            return
        scale = layer.alpha / (math.sqrt(layer.rank) if self._settings.use_rslora else layer.rank)
        # The weight of an embedding is (words, d): its outputs are its columns, those of a linear module its rows.
        base = self._current(f"{layer.module}.weight")
        weight = _product(b * scale, a)
        weight += self._less_start(base.T if is_table else base, layer, scale)
        if magnitude is not None:
            weight *= (magnitude / np.linalg.norm(weight, axis=1))[:, None]
        self._set(layer.module, "weight", np.ascontiguousarray(weight.T if is_table else weight))
        if bias is not None:
            self._add_bias(layer.module, bias * scale)

    def _less_start(self, weight: Array, layer: FittedLayer, scale: float) -> Array:
        """The weight without what the matrices began as, where that was not nothing."""
        rank, start = layer.rank, self._settings.taken_off_first
        if not start:
            return weight
        if layer.module in self._tables:
            raise UnsupportedAdapter(f"init_lora_weights is {start} and {layer.module} is an embedding")
        begun: Array
        if start == "pissa":  # the largest singular values (Meng et al. 2024, arXiv:2404.02948)
            left, values, right = np.linalg.svd(weight, full_matrices=False)
            begun = (left[:, :rank] * values[:rank]) @ right[:rank]
        else:  # the first columns of a QR decomposition (Büyükakyüz 2024, arXiv:2406.01775)
            left, right = np.linalg.qr(weight)
            begun = (left[:, :rank] @ right[:rank]) * scale
        return weight - begun

    def _add_bias(self, module: str, bias: Array) -> None:
        if module in self._tables or f"{module}.bias" not in self._weights:
            raise AdapterError(
                f"The adapter {self._path} has lora_bias, but {module} has no bias to add it to.",
                "Train it without lora_bias.",
            )
        self._set(module, "bias", self._current(f"{module}.bias") + bias)

    def _current(self, name: str) -> Array:
        return self.merged[name] if name in self.merged else self._weights[name]

    def _set(self, module: str, kind: str, values: Array) -> None:
        if not np.isfinite(values.max() - values.min()):
            raise AdapterError(
                f"The adapter {self._path} makes the {kind} of {module} infinite or not a number.",
                "It is broken, or was trained with too high a learning rate; train it again.",
            )
        self.merged[f"{module}.{kind}"] = values

    def _take(self, saved: str, suffix: str, shape: tuple[int, ...] | None = None) -> Array:
        tensor = self._tensors.pop(f"{saved}{suffix}", None)
        if tensor is None:
            raise self._incomplete(f"lacks {PEFT_PREFIX}{saved}{suffix}")
        if shape is not None and tensor.shape != shape:
            raise self._incomplete(f"has {PEFT_PREFIX}{saved}{suffix} in the shape {tensor.shape}, not {shape}")
        return tensor

    def _require_all_taken(self, layer: FittedLayer) -> None:
        left = next((name for name in self._tensors if module_of(name) == layer.saved), None)
        if left is not None:
            raise self._incomplete(f"has {PEFT_PREFIX}{left} beyond what its settings say")

    def _incomplete(self, fault: str) -> AdapterError:
        return AdapterError(f"The adapter {self._path} is incomplete: it {fault}.", "Save the adapter again.")


def _product(b: Array, a: Array) -> Array:
    """The product of the matrices, in blocks of rows so small that OpenBLAS computes each in the calling thread.

    The products are short and many. With more threads, each would wait for a core that others may have: ten times as
    long on a busy machine.
    """
    product = np.empty((len(b), a.shape[1]), dtype=np.float32)
    rows = max(1, _ONE_THREAD // a.size)
    for start in range(0, len(b), rows):
        np.matmul(b[start : start + rows], a, out=product[start : start + rows])
    return product


def _require_known(config: Mapping[str, Any], settings: LoraSettings) -> None:
    """Raise ``UnsupportedAdapter`` for a setting that may have an effect and is not known here."""
    if settings.taken_off_first not in ("", *_EXACT_STARTS):
        raise UnsupportedAdapter(f"init_lora_weights is {settings.init_lora_weights!r}")
    for field, value in config.items():
        # Fields that are empty or off have no effect, also those that a later PEFT may add.
        if value and field != "peft_type" and field not in LoraSettings.model_fields and field not in TRAINING_FIELDS:
            raise UnsupportedAdapter(f"{field} is {value!r}")


def _read_tensors(path: Path) -> dict[str, Array]:
    """The tensors by their plain names; PEFT computes in float32 as well, whatever they are stored as."""
    try:
        content: list[tuple[str, Mapping[str, Any]]] = deserialize(read_weights(path))  # type: ignore[no-untyped-call]
        tensors = {
            name: as_float32(tensor["dtype"], tensor["data"]).reshape(tensor["shape"]) for name, tensor in content
        }
    except UnknownFormat as error:
        raise UnsupportedAdapter(f"its weights are stored as {error}") from error
    return plain_names(path, tensors)
