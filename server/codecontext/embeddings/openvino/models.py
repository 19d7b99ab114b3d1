"""Makes OpenVINO backends of one base model, of its weights as they are or with an adapter added."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from codecontext.adapters import AdapterInfo, BaseArchitecture, check_compatible, require_unchanged
from codecontext.adapters.files import shown
from codecontext.core import content_digest
from codecontext.core.errors import ModelUnavailable
from codecontext.core.paths import codecontext_home
from codecontext.embeddings.batching import is_out_of_memory
from codecontext.embeddings.model_files import ModelCard
from codecontext.embeddings.openvino.architecture import Architecture, UnknownArchitecture, parse
from codecontext.embeddings.openvino.backend import OpenVinoBackend
from codecontext.embeddings.openvino.bert import Bert, MPNet, Roberta
from codecontext.embeddings.openvino.graph import EncoderGraph
from codecontext.embeddings.openvino.library import version_and_cpu
from codecontext.embeddings.openvino.lora import merged_weights
from codecontext.embeddings.openvino.precision import SAMPLE_TEXTS, compile_faithfully
from codecontext.embeddings.openvino.qwen2 import Qwen2
from codecontext.embeddings.openvino.weights import FORMATS, Array, MappedWeights, UnreadableWeights, weight_files
from codecontext.embeddings.tokenizer import TextTokenizer

logger = logging.getLogger(__name__)

ARCHITECTURES: dict[str, type[Architecture]] = {
    "bert": Bert,
    "camembert": Roberta,
    "mpnet": MPNet,
    "qwen2": Qwen2,
    "roberta": Roberta,
    "xlm-roberta": Roberta,
}
"""``model_type`` in config.json → the encoder that it stands for."""

# Tensors that older versions saved although they follow from the configuration.
_BUFFERS = frozenset({"inv_freq", "position_ids", "token_type_ids"})

# A model is compiled again for each further caller, which takes about half of its weights' size.
MAX_BYTES_TO_REPEAT = 500_000_000

SMALL_CHANGE = 0.5
"""An adapter that changes no weight by more than this share of its (Frobenius) norm is as precise as the base model.

Trained adapters mostly stay below 0.1."""


class OpenVinoModels:
    """Backends of the base model that ``card`` describes.

    Raises ``UnknownArchitecture`` where no graph can be made of it, ``ModelUnavailable`` where its weights are damaged.
    """

    def __init__(
        self,
        card: ModelCard,
        tokenizer: TextTokenizer,
        *,
        max_tokens: int,
        threads: int | None,
        batch_tokens: int,
        callers: int,
    ) -> None:
        self._card = card
        self._max_tokens = max_tokens
        self._samples = tokenizer.encode(SAMPLE_TEXTS)
        self._architecture = _architecture_of(card)
        self._weights = _weights_of(card, self._architecture)
        self._compiled = partial(
            OpenVinoBackend,
            threads=threads,
            pad_id=tokenizer.pad_id,
            batch_tokens=batch_tokens,
            weights=self._weights,
        )
        self._callers = callers if card.weight_bytes <= MAX_BYTES_TO_REPEAT else 1
        self._base_precision = ""
        remove_conversions()

    def load(self, adapter: AdapterInfo | None) -> OpenVinoBackend:
        """The base model, or the base model with ``adapter`` merged in.

        Raises ``AdapterError`` where the adapter does not fit, ``UnsupportedAdapter`` where it takes PEFT,
        ``UnknownArchitecture`` where OpenVINO fails, ``ModelUnavailable`` where memory runs out.
        """
        if adapter is None:
            return self._backend(self._weights)
        card, modules = self._card, modules_of(self._architecture)
        for warning in check_compatible(adapter, BaseArchitecture(card.name, card.folder, card.digest, modules)):
            logger.warning(warning)
        merged = merged_weights(adapter, modules, self._architecture.tables, self._weights)
        require_unchanged(adapter)
        return self._backend(self._weights.replaced(merged), adapter, _largest_change(merged, self._weights))

    def _backend(
        self, weights: MappedWeights, adapter: AdapterInfo | None = None, change: float = 0.0
    ) -> OpenVinoBackend:
        graph = EncoderGraph(weights, self._max_tokens)
        try:
            hidden = self._architecture.hidden_states(graph)
            model = graph.finish(hidden, self._card.pooling, normalize=self._card.normalize)
            return self._precise(model, adapter, change)
        except (MemoryError, RuntimeError) as error:
            if is_out_of_memory(error):
                raise ModelUnavailable(
                    f"There is not enough memory to load the model {self._card.name}.",
                    "Close other programs, or choose a smaller model.",
                ) from error
            raise UnknownArchitecture(f"OpenVINO cannot compile it ({' '.join(str(error).split())})") from error

    def _precise(self, model: Any, adapter: AdapterInfo | None, change: float) -> OpenVinoBackend:
        """The model in the fastest number format that keeps its vectors what they are."""
        card = self._card

        def compiled(precision: str, callers: int | None = None) -> OpenVinoBackend:
            return self._compiled(model, precision=precision, callers=callers or self._callers)

        if adapter is not None and self._base_precision and change <= SMALL_CHANGE:
            return compiled(self._base_precision)
        key = content_digest(
            *version_and_cpu(),
            card.digest,
            card.pooling,
            str(card.normalize),
            adapter.fingerprint if adapter else "",
            str(self._samples),
        )
        backend = compile_faithfully(key, self._samples, compiled)
        if adapter is None:
            self._base_precision = backend.precision
        return backend


def remove_conversions() -> None:
    """Remove the copies of models that earlier versions converted and kept, 90 MB and more each."""
    shutil.rmtree(codecontext_home() / "cache" / "openvino", ignore_errors=True)


def modules_of(architecture: Architecture) -> dict[str, tuple[int, ...]]:
    """Path of every module that has a weight in transformers → shape of that weight."""
    weights = (item for item in architecture.shapes().items() if item[0].endswith(".weight"))
    return {name.removesuffix(".weight"): shape for name, shape in weights} | architecture.unused_modules()


def _architecture_of(card: ModelCard) -> Architecture:
    kind = ARCHITECTURES.get(card.model_type)
    if kind is None:
        raise UnknownArchitecture(f"no graph is known for the model_type {shown(card.model_type)}")
    return parse(kind, card.config)


def _weights_of(card: ModelCard, architecture: Architecture) -> MappedWeights:
    """The tensors by transformers' names, those of the architecture and no others but of a head."""
    try:
        weights = MappedWeights(weight_files(card.folder), partial(_name_in_transformers, architecture.prefix))
    except UnreadableWeights as error:
        raise ModelUnavailable(
            f"The model {card.name} cannot be loaded: {error}.", "Download or copy it again."
        ) from error
    shapes = architecture.shapes()
    for name, shape in shapes.items():
        if name not in weights:
            raise UnknownArchitecture(f"{name} is not among its weights")
        found = weights.tensor(name)
        if found.shape != shape:
            raise UnknownArchitecture(f"{name} is {_spelled(found.shape)} and not {_spelled(shape)}")
        if found.dtype not in FORMATS:
            raise UnknownArchitecture(f"{name} is stored as {found.dtype}")
    parts = {name.partition(".")[0] for name in shapes}
    strange = (name for name in weights if name not in shapes and name.partition(".")[0] in parts)
    for name in strange:
        if name.rpartition(".")[2] not in _BUFFERS:
            raise UnknownArchitecture(f"{name} is among its weights")
    return weights


def _name_in_transformers(prefix: str, name: str) -> str:
    """The name of a saved tensor without what a head puts before it, and as normalisations are named today."""
    plain = name.removeprefix(prefix)
    return plain.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")


def _spelled(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _largest_change(merged: Mapping[str, Array], weights: Mapping[str, Array]) -> float:
    """The largest change of a matrix, as a share of its norm."""
    changes = (
        np.linalg.norm(new - weights[name]) / max(np.linalg.norm(weights[name]), np.finfo(np.float32).tiny)
        for name, new in merged.items()
        if new.ndim > 1
    )
    return float(max(changes, default=0.0))
