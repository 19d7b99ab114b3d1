"""Runs a model with OpenVINO on a CPU, where it takes a fraction of torch's time.

openvino is imported on first use. Where a model has been converted before, torch is never imported.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import sys
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from queue import LifoQueue
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from codecontext.core import content_digest
from codecontext.embeddings.backend import EmbeddingBackend, TokenArray
from codecontext.embeddings.base import Vectors

if TYPE_CHECKING:
    from types import ModuleType

    from torch.nn import Module

OPENVINO_AVAILABLE = importlib.util.find_spec("openvino") is not None

DEVICE = "CPU"

# What OpenVINO calls a capability of the CPU, and the number format it then computes in.
PRECISIONS = {"BF16": "bf16", "FP16": "f16"}


class ConversionFailed(RuntimeError):
    """OpenVINO cannot represent a model."""


@dataclass(frozen=True, slots=True)
class WeightConstant:
    """The constant of a converted model that is the weight of a linear module."""

    name: str
    transposed: bool
    """Stored as (in, out), not (out, in)."""


class OpenVinoBackend(EmbeddingBackend):
    """A converted model, compiled for this CPU.

    ``model`` is what ``convert`` or ``read`` gave. ``precision`` is one of ``native_precisions``. ``threads`` unset
    leaves the number to OpenVINO.

    Requests of one compiled model run one after another, so the model is compiled once for each of
    ``callers`` threads that embed at once: a query does not wait for the batch of an indexing run. What a
    caller asks runs in its own thread, at the priority that the system gives that thread.
    """

    def __init__(
        self,
        model: Any,
        *,
        precision: str,
        threads: int | None,
        pad_id: int,
        batch_tokens: int,
        callers: int = 1,
    ) -> None:
        self._precision = precision
        self.pad_id = pad_id
        self.batch_tokens = batch_tokens
        # One stream: a batch gets every thread. No pinning: the user's own work may have the cores.
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,
            "INFERENCE_PRECISION_HINT": precision,
        }
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        core = _openvino().Core()
        self._compiled = [core.compile_model(model, DEVICE, settings) for _ in range(callers)]
        self._idle: LifoQueue[Any] = LifoQueue()
        for compiled in self._compiled:
            self._idle.put(compiled.create_infer_request())

    @property
    def name(self) -> str:
        """``openvino (cpu, bf16)``."""
        return f"openvino (cpu, {self._precision})"

    def forward(self, input_ids: TokenArray, attention_mask: TokenArray) -> Vectors:
        """Vectors of one batch."""
        request = self._idle.get()
        try:
            request.infer({"input_ids": input_ids, "attention_mask": attention_mask}, share_inputs=True)
            vectors: Vectors = request.get_output_tensor(0).data.astype(np.float32, copy=True)
        finally:
            self._idle.put(request)
        return vectors

    def free_memory(self) -> None:
        """Drop the buffers of earlier batches."""
        for compiled in self._compiled:
            compiled.release_memory()


def openvino_version() -> str:
    """Version and build of OpenVINO."""
    return str(_openvino().get_version())


def cpu_name() -> str:
    """The CPU as OpenVINO names it."""
    return str(_openvino().Core().get_property(DEVICE, "FULL_DEVICE_NAME"))


def native_precisions() -> list[str]:
    """Number formats that the CPU computes in natively, fastest first; the last is exact (``f32``)."""
    capabilities = _openvino().Core().get_property(DEVICE, "OPTIMIZATION_CAPABILITIES")
    return [*[PRECISIONS[name] for name in PRECISIONS if name in capabilities][:1], "f32"]


def convert(encoder: Module) -> Any:
    """An OpenVINO model of a torch module (input_ids, attention_mask) → (batch, d), for any batch shape.

    Raises ``ConversionFailed``.
    """
    import torch

    # Two texts of different lengths: tracing must see padding.
    mask = torch.ones((2, 7), dtype=torch.int64)
    mask[1, 5:] = 0
    example = {"input_ids": mask.clone(), "attention_mask": mask}
    # Tracing warns of every shape that Python compares, and transformers of attributes that tracing reads.
    # Whether the result holds for other shapes is checked against torch afterwards.
    with torch.no_grad(), _root_logger_kept(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _openvino().convert_model(encoder, example_input=example)
        except MemoryError:
            raise
        except Exception as error:  # the converter's errors have no common base
            raise ConversionFailed(str(error)) from error


def save(model: Any, path: Path) -> None:
    """Write a converted model to ``path`` (.xml) and its weights beside it (.bin), in full precision."""
    _openvino().save_model(model, path, compress_to_fp16=False)


def read(path: Path) -> Any:
    """The model that ``save`` wrote; its weights stay in the file and are mapped into memory.

    Raises ``RuntimeError`` when it cannot be read.
    """
    return _openvino().Core().read_model(path)


def find_weights(model: Any, weights: Mapping[str, NDArray[np.float32]]) -> dict[str, WeightConstant]:
    """Which constants of a converted model are these weights of linear modules, each of shape (out, in).

    They are known by their content. A weight that is missing, or could be taken for another, is left out.
    """
    constants: dict[str, str] = {}
    digests: Counter[str] = Counter()
    for constant in _matrices(model):
        digest = _digest(constant.data)
        digests[digest] += 1
        if all(user.get_node().get_type_name() == "MatMul" for user in constant.output(0).get_target_inputs()):
            constants[digest] = constant.get_friendly_name()
    names = Counter(operation.get_friendly_name() for operation in model.get_ops())
    found: dict[str, WeightConstant] = {}
    wanted = {module: (_digest(weight), _digest(weight.T)) for module, weight in weights.items()}
    alike = Counter(digest for pair in wanted.values() for digest in pair)
    for module, pair in wanted.items():
        for digest in pair:
            name = constants.get(digest)
            if name is not None and digests[digest] == alike[digest] == names[name] == 1:
                found[module] = WeightConstant(name, transposed=digest == pair[1])
    return found


def add_to_weights(model: Any, deltas: Iterable[tuple[WeightConstant, NDArray[np.float32]]]) -> tuple[Any, float]:
    """A twin of ``model`` where each of these weights is the sum of itself and its delta, (out, in).

    The twin shares all other weights with ``model``. The second result is the largest change of a weight, as a share
    of its (Frobenius) norm.
    """
    twin = model.clone()
    constants = {operation.get_friendly_name(): operation for operation in twin.get_ops()}
    largest = 0.0
    for weight, delta in deltas:
        old = constants[weight.name]
        largest = max(largest, float(np.linalg.norm(delta) / max(np.linalg.norm(old.data), np.finfo(np.float32).tiny)))
        total = np.ascontiguousarray(old.data + (delta.T if weight.transposed else delta))
        new = _openvino().op.Constant(total)
        for user in old.output(0).get_target_inputs():
            user.replace_source_output(new.output(0))
    return twin, largest


def _matrices(model: Any) -> list[Any]:
    """The constants of a model that may be weights of linear modules."""
    return [
        operation
        for operation in model.get_ops()
        if operation.get_type_name() == "Constant"
        and len(operation.get_output_shape(0)) == 2
        and operation.get_output_element_type(0) == _openvino().Type.f32
    ]


def _digest(matrix: NDArray[np.float32]) -> str:
    return content_digest(str(matrix.shape), np.ascontiguousarray(matrix).tobytes())


@contextmanager
def _root_logger_kept() -> Iterator[None]:
    """Undo what the converter does to the root logger: it silences everything below errors."""
    root = logging.getLogger()
    level, filters, handlers = root.level, list(root.filters), list(root.handlers)
    try:
        yield
    finally:
        root.setLevel(level)
        root.filters[:] = filters
        root.handlers[:] = handlers


@cache
def _openvino() -> ModuleType:
    """The openvino package, imported so that it reports nothing to anybody.

    Importing openvino sends usage data through openvino_telemetry, which is installed with it, unless that
    cannot be imported; nothing else needs it.
    """
    sys.modules.setdefault("openvino_telemetry", cast("ModuleType", None))
    return importlib.import_module("openvino")
