"""The weights of a base model, mapped from its safetensors files.

The format is a length, a JSON header and the numbers: https://huggingface.co/docs/safetensors#format.
"""

from __future__ import annotations

import copy
import json
import mmap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from codecontext.core.json_file import read_json_file

Array = NDArray[np.float32]

SINGLE_FILE, INDEX_FILE = "model.safetensors", "model.safetensors.index.json"

_MAX_INDEX_BYTES = 50_000_000
_LENGTH_BYTES = 8
_BFLOAT16 = "BF16"
_HALVES = frozenset({_BFLOAT16, "F16"})
_NUMPY_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}
FORMATS = frozenset({_BFLOAT16, *_NUMPY_TYPES})
"""What numbers may be stored as, in safetensors' names."""


class UnreadableWeights(Exception):
    """Files of weights are missing or damaged; the message says which."""


class UnknownFormat(Exception):
    """Numbers are stored in a format other than ``FORMATS``; the message says which."""


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """One tensor in a file."""

    dtype: str
    shape: tuple[int, ...]
    data: memoryview


class MappedWeights(Mapping[str, Array]):
    """Name → tensor as float32, of all ``files`` of a model; ``renamed`` gives a tensor the name that it has here.

    What is stored as float32 is a view of the mapped file: it takes no memory of this process, and all processes share
    its pages. Other formats are converted whenever they are asked for. Raises ``UnreadableWeights``, and asking for a
    tensor ``UnknownFormat``.
    """

    def __init__(self, files: Sequence[Path], renamed: Callable[[str], str] = str) -> None:
        self._tensors = {renamed(name): tensor for file in files for name, tensor in _map(file).items()}

        self._replaced: Mapping[str, Array] = {}

    def __getitem__(self, name: str) -> Array:
        if name in self._replaced:
            return self._replaced[name]
        tensor = self._tensors[name]
        return as_float32(tensor.dtype, tensor.data).reshape(tensor.shape)

    def __contains__(self, name: object) -> bool:
        return name in self._tensors

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def replaced(self, others: Mapping[str, Array]) -> MappedWeights:
        """A twin that has ``others`` in place of the tensors of these names."""
        twin = copy.copy(self)
        twin._replaced = others
        return twin

    def tensor(self, name: str) -> StoredTensor:
        """A tensor as it is stored."""
        return self._tensors[name]

    def halves(self, name: str) -> StoredTensor | None:
        """A tensor as it is stored if that is in half precision, F16 or BF16, and it has not been replaced."""
        tensor = self._tensors[name]
        return tensor if tensor.dtype in _HALVES and name not in self._replaced else None


def weight_files(folder: Path) -> list[Path]:
    """The files that hold a model's weights, as transformers chooses them. Raises ``UnreadableWeights``."""
    if (folder / SINGLE_FILE).is_file():
        return [folder / SINGLE_FILE]
    try:
        parts = read_json_file(folder / INDEX_FILE, max_bytes=_MAX_INDEX_BYTES)["weight_map"].values()
        return [folder / name for name in sorted(set(parts))]
    except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnreadableWeights(f"it has neither {SINGLE_FILE} nor a sound {INDEX_FILE} ({error})") from error


def as_float32(dtype: str, data: memoryview | bytearray) -> Array:
    """The numbers that are stored as safetensors' ``dtype``, in one dimension. Raises ``UnknownFormat``."""
    if dtype == _BFLOAT16:  # the upper half of a float32, which numpy has no type for
        return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")
    if dtype not in _NUMPY_TYPES:
        raise UnknownFormat(dtype)
    return np.frombuffer(data, _NUMPY_TYPES[dtype]).astype(np.float32, copy=False)


def _map(file: Path) -> dict[str, StoredTensor]:
    try:
        with safe_open(file, framework="numpy"):  # which checks that names, shapes and places in the file fit together
            pass
        with file.open("rb") as opened:
            # Writes, which OpenVINO insists on being able to do, would go to copies of the pages.
            content = memoryview(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_COPY))
    except (SafetensorError, OSError, ValueError) as error:
        raise UnreadableWeights(f"{file.name} cannot be read ({error})") from error
    start = _LENGTH_BYTES + int.from_bytes(content[:_LENGTH_BYTES], "little")
    header: dict[str, Any] = json.loads(bytes(content[_LENGTH_BYTES:start]))
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        first, last = (start + offset for offset in entry["data_offsets"])
        tensors[name] = StoredTensor(entry["dtype"], tuple(entry["shape"]), content[first:last])
    return tensors
