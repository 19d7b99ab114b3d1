"""Models for OpenVINO: converted from torch once, compared with it, and loaded without it from then on.

Plain LoRA adapters are not even converted: they are added to the converted base model. That this gives what torch
and PEFT give is tried out when the base model is converted.
"""

from __future__ import annotations

import importlib.metadata
import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from codecontext.adapters import (
    AdapterInfo,
    BaseArchitecture,
    check_compatible,
    inspect_adapter,
    require_unchanged,
)
from codecontext.core import content_digest
from codecontext.embeddings.backend import EmbeddingBackend
from codecontext.embeddings.base import Vectors
from codecontext.embeddings.batching import embed_tokens
from codecontext.embeddings.model_files import ModelCard
from codecontext.embeddings.openvino import backend as openvino_backend
from codecontext.embeddings.openvino.backend import ConversionFailed, OpenVinoBackend
from codecontext.embeddings.openvino.compiled import CompiledManifest, CompiledModels
from codecontext.embeddings.openvino.lora import UnsupportedAdapter
from codecontext.embeddings.openvino.patching import (
    TRIAL_CHANGE,
    PatchableWeights,
    patched,
    write_trial_adapter,
)
from codecontext.embeddings.pytorch.backend import TorchBackend
from codecontext.embeddings.pytorch.model import PEFT_AVAILABLE, TorchModel
from codecontext.embeddings.tokenizer import TextTokenizer

if TYPE_CHECKING:
    from torch.nn import Module

logger = logging.getLogger(__name__)

# Part of the name of a stored conversion: raise it when the same model would be converted differently.
CONVERSION_VERSION = "2"

# Promised of all texts is 0.999. The samples are few, so they must agree better.
LOWEST_COSINE = 0.9995

# The trial adapter must move vectors at least so far; else agreeing with PEFT would prove nothing.
HIGHEST_TRIAL_COSINE = 0.99

# A model is compiled again for each further caller, which takes about half of its weights' size.
MAX_BYTES_TO_REPEAT = 500_000_000

# Different lengths, code and prose, one text of special tokens alone; batched together they need padding.
SAMPLE_TEXTS = (
    "",
    "parse_config",
    "where is the session token compared",
    "SELECT name, price FROM products WHERE id = ?",
    "사용자 이름을 찾는 함수",
    "def add(left: int, right: int) -> int:\n    return left + right",
    "func (s *Server) Close() error {\n\treturn s.listener.Close()\n}",
    "## Installation\n\nRun the installer, then restart the editor.",
    "for row in rows:\n    total += row.price * row.count\n" * 10,
)

# The long one goes alone; padded to its length, the others would take most of the time.
SAMPLE_BATCH_TOKENS = 256

# The precision that is torch's.
EXACT = "f32"


class ConversionRejected(Exception):
    """OpenVINO cannot run the model, or not accurately enough; the message says why."""


class OpenVinoModels:
    """Makes OpenVINO backends of one base model, with and without adapters."""

    def __init__(
        self, card: ModelCard, tokenizer: TextTokenizer, *, threads: int | None, batch_tokens: int, callers: int
    ) -> None:
        self._card = card
        self._callers = callers if card.weight_bytes <= MAX_BYTES_TO_REPEAT else 1
        self._threads = threads
        self._batch_tokens = batch_tokens
        self._pad_id = tokenizer.pad_id
        self._samples = tokenizer.encode(SAMPLE_TEXTS)
        self._precisions = openvino_backend.native_precisions()
        self._stored = CompiledModels()
        self._base: tuple[Any, CompiledManifest] | None = None

    def load(self, adapter: AdapterInfo | None) -> OpenVinoBackend | None:
        """The base model or the base model with ``adapter``, without torch; ``None`` where that takes a conversion.

        A stored conversion is checked first: whether it still gives torch's vectors. Raises ``AdapterError``
        when the adapter does not fit, ``ConversionRejected`` when OpenVINO is known not to give torch's vectors.
        """
        loaded = self._load_stored(adapter)
        return self._load_patched(adapter) if loaded is None and adapter is not None else loaded

    def is_stored(self, adapter: AdapterInfo | None) -> bool:
        """Whether a conversion is stored, accurate or not."""
        return self._stored.find(self._key(adapter)) is not None

    def convert(self, adapter: AdapterInfo | None, torch_model: TorchModel) -> OpenVinoBackend:
        """Convert what torch makes of ``adapter``, compare the two, and store the result.

        Raises ``AdapterError`` and ``ConversionRejected``.
        """
        warnings: list[str] = []
        if adapter is None:
            encoder = torch_model.encoder()
        else:
            warnings = check_compatible(adapter, torch_model.architecture())
            encoder = torch_model.adapted_encoder(adapter)
            require_unchanged(adapter)
        try:
            model = openvino_backend.convert(encoder)
        except ConversionFailed as error:
            raise ConversionRejected(f"it cannot be converted ({error})") from error
        reference = self._torch_vectors(encoder)
        backend, precision, cosine = self._compile_faithfully(model, reference)
        weights = None
        if adapter is None and cosine >= LOWEST_COSINE:
            weights = self._patchable_weights(model, precision, torch_model, reference)
        manifest = CompiledManifest(precision=precision, cosine=cosine, warnings=tuple(warnings), weights=weights)
        self._store(self._key(adapter), model, reference, manifest)
        _require_agreement(cosine)
        # The stored copy is mapped from disk, so the model that was converted can go.
        loaded = self._load_stored(adapter)
        if loaded is not None:
            return loaded
        _log(warnings)
        self._remember_base(adapter, model, manifest)
        return backend

    def _load_stored(self, adapter: AdapterInfo | None) -> OpenVinoBackend | None:
        key = self._key(adapter)
        stored = self._stored.find(key)
        if stored is None:
            return None
        _require_agreement(stored.manifest.cosine)
        try:
            model = openvino_backend.read(stored.model)
            backend = self._compile(model, stored.manifest.precision, self._callers)
        except RuntimeError as error:
            logger.warning("The converted model %s cannot be read and is converted again: %s", stored.model, error)
            self._stored.remove(key)
            return None
        if _lowest_cosine(stored.reference, self._sample_vectors(backend)) < LOWEST_COSINE:
            logger.warning("The converted model %s is damaged and is converted again.", stored.model)
            self._stored.remove(key)
            return None
        _log(stored.manifest.warnings)
        self._remember_base(adapter, model, stored.manifest)
        return backend

    def _remember_base(self, adapter: AdapterInfo | None, model: Any, manifest: CompiledManifest) -> None:
        """Keep the base model for adapters to be added to."""
        if adapter is None:
            self._base = model, manifest

    def _load_patched(self, adapter: AdapterInfo) -> OpenVinoBackend | None:
        """The converted base model with ``adapter`` added to it; ``None`` where that takes PEFT."""
        if self._base is None or self._base[1].weights is None:
            return None
        (base, manifest), weights = self._base, self._base[1].weights
        card = self._card
        warnings = check_compatible(adapter, BaseArchitecture(card.name, card.folder, card.digest, weights.modules))
        try:
            model, change = patched(base, weights, adapter)
        except UnsupportedAdapter as reason:
            logger.debug("PEFT merges %s, because %s.", adapter.path, reason)
            return None
        if change <= weights.proven_change or manifest.precision == EXACT:
            backend = self._compile(model, manifest.precision, self._callers)
        else:
            reference = self._sample_vectors(self._compile(model, EXACT, callers=1))
            backend, _, cosine = self._compile_faithfully(model, reference, self._callers)
            if cosine < LOWEST_COSINE:
                return None
        _log(warnings)
        return backend

    def _compile_faithfully(
        self, model: Any, reference: Vectors, callers: int = 1
    ) -> tuple[OpenVinoBackend, str, float]:
        """The model in the fastest precision that gives the reference, or the last; with it, and their cosine."""
        for precision in self._precisions:
            backend = self._compile(model, precision, callers)
            cosine = _lowest_cosine(reference, self._sample_vectors(backend))
            if cosine >= LOWEST_COSINE:
                break
        return backend, precision, cosine

    def _patchable_weights(
        self, model: Any, precision: str, torch_model: TorchModel, reference: Vectors
    ) -> PatchableWeights | None:
        """Where adapters find their weights in the converted model.

        ``None`` if a trial adapter does not give there what it gives with torch and PEFT.
        """
        if not PEFT_AVAILABLE:
            return None
        linear = torch_model.linear_weights()
        constants = openvino_backend.find_weights(model, linear)
        unused = sorted(linear.keys() - constants.keys())
        if unused and not np.array_equal(reference, self._torch_vectors(torch_model.encoder_without(unused))):
            unused = []
        weights = PatchableWeights(
            modules=dict(torch_model.architecture().modules),
            constants=constants,
            unused=tuple(unused),
            proven_change=TRIAL_CHANGE,
        )
        usable = {name: weight for name, weight in linear.items() if name in constants or name in unused}
        if not usable:
            return None
        with tempfile.TemporaryDirectory() as folder:
            write_trial_adapter(Path(folder), self._card.name, usable)
            trial = inspect_adapter(Path(folder))
            expected = self._torch_vectors(torch_model.adapted_encoder(trial))
            try:
                adapted, _ = patched(model, weights, trial)
            except UnsupportedAdapter as reason:
                logger.warning("PEFT merges all adapters of %s, because %s.", self._card.name, reason)
                return None
        if _lowest_cosine(expected, reference) > HIGHEST_TRIAL_COSINE:
            return None
        if self._gives(expected, adapted, precision):
            return weights
        if self._gives(expected, adapted, EXACT):
            return weights.model_copy(update={"proven_change": 0.0})
        return None

    def _gives(self, expected: Vectors, model: Any, precision: str) -> bool:
        found = self._sample_vectors(self._compile(model, precision, callers=1))
        return _lowest_cosine(expected, found) >= LOWEST_COSINE

    def _store(self, key: str, model: Any, reference: Vectors, manifest: CompiledManifest) -> None:
        try:
            self._stored.add(key, lambda path: openvino_backend.save(model, path), reference, manifest)
        except (OSError, RuntimeError) as error:
            logger.warning("The converted model cannot be stored; the next start converts it again: %s", error)

    def _compile(self, model: Any, precision: str, callers: int) -> OpenVinoBackend:
        return OpenVinoBackend(
            model,
            precision=precision,
            threads=self._threads,
            pad_id=self._pad_id,
            batch_tokens=self._batch_tokens,
            callers=callers,
        )

    def _torch_vectors(self, encoder: Module) -> Vectors:
        return self._sample_vectors(
            TorchBackend(encoder, device="cpu", pad_id=self._pad_id, batch_tokens=self._batch_tokens)
        )

    def _sample_vectors(self, backend: EmbeddingBackend) -> Vectors:
        batches = list(embed_tokens(backend, self._samples, SAMPLE_TEXTS, batch_tokens=SAMPLE_BATCH_TOKENS))
        order = np.concatenate([rows for rows, _ in batches])
        vectors: Vectors = np.concatenate([vectors for _, vectors in batches])[np.argsort(order)]
        return vectors

    def _key(self, adapter: AdapterInfo | None) -> str:
        """Key of a conversion: everything that decides it, and the tokens of its reference vectors."""
        card = self._card
        return content_digest(
            CONVERSION_VERSION,
            str(self._samples),
            openvino_backend.openvino_version(),
            openvino_backend.cpu_name(),
            importlib.metadata.version("peft") if PEFT_AVAILABLE else "",
            card.digest,
            adapter.fingerprint if adapter else "",
            card.pooling,
            str(card.normalize),
        )


def _lowest_cosine(expected: Vectors, found: Vectors) -> float:
    """Lowest cosine of a pair of rows; 0 if a row is null or not finite."""
    norms = np.linalg.norm(expected, axis=1) * np.linalg.norm(found, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        cosines = (expected * found).sum(axis=1) / norms
    return float(np.nan_to_num(cosines, nan=0.0, posinf=0.0, neginf=0.0).min())


def _log(warnings: Sequence[str]) -> None:
    for warning in warnings:
        logger.warning(warning)


def _require_agreement(cosine: float) -> None:
    if cosine < LOWEST_COSINE:
        raise ConversionRejected(f"its vectors differ from torch's (cosine {cosine:.5f} < {LOWEST_COSINE})")
