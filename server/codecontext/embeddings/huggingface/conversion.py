"""Models for OpenVINO: converted from torch once, compared with it, and loaded without it from then on."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from codecontext.adapters import AdapterInfo
from codecontext.core import content_digest
from codecontext.embeddings.backends import EmbeddingBackend, embed_tokens, openvino_backend
from codecontext.embeddings.backends.openvino_backend import ConversionFailed, OpenVinoBackend
from codecontext.embeddings.backends.torch_backend import TorchBackend
from codecontext.embeddings.base import Vectors
from codecontext.embeddings.huggingface.compiled import CompiledManifest, CompiledModels
from codecontext.embeddings.huggingface.models import ModelCard
from codecontext.embeddings.huggingface.tokenizer import TextTokenizer

if TYPE_CHECKING:
    from torch.nn import Module

logger = logging.getLogger(__name__)

# Part of the name of a stored conversion: raise it when the same model would be converted differently.
CONVERSION_VERSION = "1"

# Promised of all texts is 0.999. The samples are few, so they must agree better.
LOWEST_COSINE = 0.9995

# A model is compiled again for each further caller, which takes about half of its weights' size.
MOST_BYTES_TO_REPEAT = 500_000_000

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


class ConversionRejected(Exception):
    """OpenVINO cannot run the model, or not well enough; the message says why."""


class OpenVinoModels:
    """Makes OpenVINO backends of one base model, with and without adapters."""

    def __init__(
        self, card: ModelCard, tokenizer: TextTokenizer, *, threads: int | None, batch_tokens: int, callers: int
    ) -> None:
        self._card = card
        self._callers = callers if card.weight_bytes <= MOST_BYTES_TO_REPEAT else 1
        self._threads = threads
        self._batch_tokens = batch_tokens
        self._pad_id = tokenizer.pad_id
        self._samples = tokenizer.encode(SAMPLE_TEXTS)
        self._precisions = openvino_backend.native_precisions()
        self._stored = CompiledModels()

    def load(self, adapter: AdapterInfo | None) -> OpenVinoBackend | None:
        """The stored conversion, after a check that it still gives torch's vectors; ``None`` without one.

        Raises ``ConversionRejected`` when OpenVINO is known not to give them.
        """
        key = self._key(adapter)
        stored = self._stored.find(key)
        if stored is None:
            return None
        _require_agreement(stored.manifest.cosine)
        try:
            backend = self._compile(stored.model, stored.manifest.precision, self._callers)
        except RuntimeError as error:
            logger.warning("The converted model %s cannot be read and is made anew: %s", stored.model, error)
            self._stored.remove(key)
            return None
        if _lowest_cosine(stored.reference, self._sample_vectors(backend)) < LOWEST_COSINE:
            logger.warning("The converted model %s is damaged and is made anew.", stored.model)
            self._stored.remove(key)
            return None
        _log(stored.manifest.warnings)
        return backend

    def convert(self, adapter: AdapterInfo | None, encoder: Module, warnings: Sequence[str]) -> OpenVinoBackend:
        """Convert the torch ``encoder``, compare the two, and store the result.

        ``warnings`` are logged now and whenever the result is loaded. Raises ``ConversionRejected``.
        """
        logger.info("Preparing %s for OpenVINO; this is done once.", self._card.name)
        try:
            model = openvino_backend.convert(encoder)
        except ConversionFailed as error:
            raise ConversionRejected(f"it cannot be converted ({error})") from error
        reference = self._sample_vectors(
            TorchBackend(encoder, device="cpu", pad_id=self._pad_id, batch_tokens=self._batch_tokens)
        )
        for precision in self._precisions:
            backend = self._compile(model, precision, callers=1)
            cosine = _lowest_cosine(reference, self._sample_vectors(backend))
            if cosine >= LOWEST_COSINE:
                break
        manifest = CompiledManifest(precision=precision, cosine=cosine, warnings=tuple(warnings))
        self._store(self._key(adapter), model, reference, manifest)
        _require_agreement(cosine)
        # The stored copy is mapped from disk, so the model that was converted can go.
        loaded = self.load(adapter)
        if loaded is None:
            _log(warnings)
        return loaded or backend

    def _store(self, key: str, model: Any, reference: Vectors, manifest: CompiledManifest) -> None:
        try:
            self._stored.add(key, lambda path: openvino_backend.save(model, path), reference, manifest)
        except (OSError, RuntimeError) as error:
            logger.warning("The converted model cannot be stored; the next start converts again: %s", error)

    def _compile(self, model: Any | Path, precision: str, callers: int) -> OpenVinoBackend:
        return OpenVinoBackend(
            model,
            precision=precision,
            threads=self._threads,
            pad_id=self._pad_id,
            batch_tokens=self._batch_tokens,
            callers=callers,
        )

    def _sample_vectors(self, backend: EmbeddingBackend) -> Vectors:
        batches = list(embed_tokens(backend, self._samples, SAMPLE_TEXTS))
        order = np.concatenate([rows for rows, _ in batches])
        vectors: Vectors = np.concatenate([vectors for _, vectors in batches])[np.argsort(order)]
        return vectors

    def _key(self, adapter: AdapterInfo | None) -> str:
        """Name of a conversion: all that decides it, and the tokens that its reference vectors are of."""
        card = self._card
        return content_digest(
            CONVERSION_VERSION,
            str(self._samples),
            openvino_backend.openvino_version(),
            openvino_backend.cpu_name(),
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
