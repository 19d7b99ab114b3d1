"""Inspects an adapter: what its files say that it is, without loading a model."""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema
from safetensors import SafetensorError, safe_open

from codecontext.adapters.files import (
    CONFIG_FILE,
    WEIGHTS_FILE,
    AdapterSide,
    AdapterStamp,
    open_weights,
    read_adapter_manifest,
    stamp_of,
    unreadable,
)
from codecontext.adapters.fingerprint import adapter_fingerprint
from codecontext.adapters.lora_config import LoraSettings, read_lora_settings
from codecontext.adapters.naming import module_of, plain_name
from codecontext.adapters.targets import Targets
from codecontext.core.errors import AdapterError

_T = TypeVar("_T")

# How the names of a module's two matrices end: of linear layers, and of embeddings.
LINEAR_SUFFIXES = (".lora_A.weight", ".lora_B.weight")
EMBEDDING_SUFFIXES = (".lora_embedding_A", ".lora_embedding_B")


class LoraLayer(BaseModel):
    """One adapted module of the base model: its weight gains a product of two matrices of this rank."""

    model_config = ConfigDict(frozen=True)

    module: str
    rank: int
    weight_shape: tuple[int, int]
    """Shape of the weight that the product is added to, as the base model stores it."""


class AdapterInfo(BaseModel):
    """A valid adapter, described by its own files.

    It is made once for each load and passed on, so that the files are not hashed again.
    """

    model_config = ConfigDict(frozen=True)

    path: Path
    name: str
    base_model: str
    """The base as the adapter names it: a Hugging Face name, or a folder where it was trained."""
    base_fingerprint: str
    """Digest of the base model's files, if the adapter states it; else empty."""
    rank: int
    alpha: float
    target_modules: tuple[str, ...]
    side: AdapterSide
    size_bytes: int
    fingerprint: str
    parameter_count: int
    dtype: str
    """Number format of the weights as safetensors names it: ``F32``, ``BF16``, …"""
    layers: tuple[LoraLayer, ...]
    other_modules: tuple[str, ...]
    """Modules that the adapter replaces or changes otherwise (``modules_to_save``, biases)."""
    settings: SkipJsonSchema[LoraSettings] = Field(exclude=True, repr=False)
    """What decides its effect, as ``adapter_config.json`` has it."""
    stamp: SkipJsonSchema[AdapterStamp] = Field(exclude=True, repr=False)
    """Its files as they were before they were read."""

    def is_same_as(self, other: AdapterInfo) -> bool:
        """Whether both are one adapter, even if its files were written again."""
        return self.model_dump() == other.model_dump()


def inspect_adapter(path: Path) -> AdapterInfo:
    """Read and check the adapter in the folder ``path``.

    Raises ``AdapterError`` with one sentence for the problem: no folder, a missing or broken configuration, not
    LoRA, missing, pickled or damaged weights, or weights whose rank differs from the configured one.
    """
    stamp = stamp_of(path)
    settings = read_lora_settings(path)
    Targets(path, settings)
    manifest = read_adapter_manifest(path)
    tensors, dtype = _read_tensors(path)
    layers = _lora_layers(path, tensors, transposed=bool(settings.fan_in_fan_out))
    _check_ranks(path, settings, layers)
    lora_modules = {layer.module for layer in layers}
    return AdapterInfo(
        path=path,
        name=manifest.name or os.path.basename(os.path.realpath(path)),  # noqa: PTH119
        base_model=settings.base_model_name_or_path or "",
        base_fingerprint=manifest.base_fingerprint,
        rank=settings.r,
        alpha=settings.lora_alpha,
        target_modules=_as_tuple(settings.target_modules),
        side=manifest.side,
        size_bytes=_size(path),
        fingerprint=adapter_fingerprint(path),
        parameter_count=sum(math.prod(shape) for shape in tensors.values()),
        dtype=dtype,
        layers=tuple(layers),
        other_modules=tuple(sorted({module_of(name) for name in tensors} - lora_modules)),
        settings=settings,
        stamp=stamp,
    )


def is_unchanged(info: AdapterInfo, path: Path) -> bool:
    """Whether ``path`` has the content of ``info``; it is read only if its files are not those that were inspected.

    Raises ``AdapterError`` when they cannot be read.
    """
    return stamp_of(path) == info.stamp or adapter_fingerprint(path) == info.fingerprint


def require_unchanged(info: AdapterInfo) -> None:
    """Raise ``AdapterError`` if the content of the files has changed since ``info`` was made from them."""
    if not is_unchanged(info, info.path):
        raise AdapterError(
            f"The files of {info.path} changed while they were read.", "Load it once they are completely written."
        )


def _size(path: Path) -> int:
    try:
        return (path / CONFIG_FILE).stat().st_size + (path / WEIGHTS_FILE).stat().st_size
    except OSError as error:
        raise unreadable(path, error) from error


def _read_tensors(path: Path) -> tuple[dict[str, tuple[int, ...]], str]:
    """Name → shape of every tensor, and their number format; only the header of the file is read."""
    weights = path / WEIGHTS_FILE
    open_weights(path).close()
    try:
        with safe_open(weights, framework="numpy") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
            shapes = {name: tuple(tensor.get_shape()) for name, tensor in slices.items()}
            dtypes = {tensor.get_dtype() for tensor in slices.values()}
    except (SafetensorError, OSError, struct.error) as error:
        raise AdapterError(
            f"{weights} is damaged or incomplete: {error}.",
            "Copy it again, or wait until it is completely written.",
        ) from error
    if not shapes:
        raise AdapterError(f"{weights} contains no tensors.", "Save the adapter again.")
    return plain_names(path, shapes), "/".join(sorted(dtypes))


def plain_names(path: Path, tensors: Mapping[str, _T]) -> dict[str, _T]:
    """``tensors`` of the adapter in ``path`` by their plain names. Raises ``AdapterError`` where two have the same."""
    plain: dict[str, _T] = {}
    for name, tensor in tensors.items():
        if plain_name(name) in plain:
            raise AdapterError(f"{path / WEIGHTS_FILE} contains {plain_name(name)} twice.", "Save the adapter again.")
        plain[plain_name(name)] = tensor
    return plain


def _lora_layers(path: Path, tensors: dict[str, tuple[int, ...]], *, transposed: bool) -> list[LoraLayer]:
    """Adapted modules by name; ``transposed`` linear weights are stored (in, out), as GPT-2's are."""
    linear = _matrix_pairs(path, tensors, LINEAR_SUFFIXES)
    embeddings = _matrix_pairs(path, tensors, EMBEDDING_SUFFIXES)
    if not linear and not embeddings:
        raise AdapterError(f"{path / WEIGHTS_FILE} has no LoRA matrices (lora_A, lora_B).", "Save the adapter again.")
    # A maps in → rank, B rank → out. Embedding weights are (words, d): A's columns by B's rows.
    layers = [_layer(path, module, a, b, transposed=transposed) for module, (a, b) in linear.items()]
    layers += [_layer(path, module, a, b, transposed=True) for module, (a, b) in embeddings.items()]
    return sorted(layers, key=lambda layer: layer.module)


def _layer(path: Path, module: str, a: tuple[int, ...], b: tuple[int, ...], *, transposed: bool) -> LoraLayer:
    (rank, in_features), (out_features, rank_of_b) = a, b
    if rank != rank_of_b:
        raise AdapterError(
            f"{path / WEIGHTS_FILE}: the LoRA matrices of {module} have ranks {rank} and {rank_of_b}.",
            "Both must be equal; save the adapter again.",
        )
    shape = (in_features, out_features) if transposed else (out_features, in_features)
    return LoraLayer(module=module, rank=rank, weight_shape=shape)


def _matrix_pairs(
    path: Path, tensors: dict[str, tuple[int, ...]], suffixes: tuple[str, str]
) -> dict[str, tuple[tuple[int, ...], tuple[int, ...]]]:
    """Module → shapes of its matrices A (rank, in) and B (out, rank)."""
    a, b = ({module_of(name): shape for name, shape in tensors.items() if name.endswith(suffix)} for suffix in suffixes)
    unpaired = sorted(a.keys() ^ b.keys())
    if unpaired:
        raise AdapterError(
            f"{path / WEIGHTS_FILE} has only one of the two LoRA matrices of {unpaired[0]}.",
            "Save the adapter again.",
        )
    flat = next((module for module in a if len(a[module]) != 2 or len(b[module]) != 2), None)
    if flat is not None:
        raise AdapterError(
            f"{path / WEIGHTS_FILE}: the LoRA tensors of {flat} are not matrices.",
            "Only adapters of linear and embedding layers can be loaded.",
        )
    return {module: (a[module], b[module]) for module in a}


def _check_ranks(path: Path, settings: LoraSettings, layers: list[LoraLayer]) -> None:
    configured = {settings.r, *(settings.rank_pattern or {}).values()}
    wrong = next((layer for layer in layers if layer.rank not in configured), None)
    if wrong is not None:
        raise AdapterError(
            f"{path / CONFIG_FILE} says rank {settings.r}, but the weights of {wrong.module} have rank {wrong.rank}.",
            "Configuration and weights belong to different adapters; copy both from the same place.",
        )


def _as_tuple(target_modules: str | list[str]) -> tuple[str, ...]:
    return (target_modules,) if isinstance(target_modules, str) else tuple(sorted(target_modules))
