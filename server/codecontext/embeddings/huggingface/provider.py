"""The embedding provider that loads Hugging Face models and LoRA adapters."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from codecontext.adapters import (
    AdapterInfo,
    AdapterSide,
    check_fingerprint,
    inspect_adapter,
    is_unchanged,
    require_unchanged,
)
from codecontext.core import CancelToken
from codecontext.core.errors import AdapterError, CodeContextError, ConfigError, EmbeddingError
from codecontext.core.paths import expand_user
from codecontext.embeddings.backend import EmbeddingBackend
from codecontext.embeddings.base import (
    BatchCallback,
    EmbeddingProvider,
    EmbeddingSpace,
    InstructionType,
    Vectors,
)
from codecontext.embeddings.batching import embed_tokens
from codecontext.embeddings.huggingface.config import HuggingFaceSettings
from codecontext.embeddings.huggingface.runtime import ModelRuntime
from codecontext.embeddings.model_files import read_model_card, resolve_model
from codecontext.embeddings.prompts import resolve_prompts
from codecontext.embeddings.pytorch.model import PEFT_AVAILABLE

logger = logging.getLogger(__name__)

# Texts tokenised at once: bounds what their encodings take, and leaves enough to sort by length.
TOKENIZER_WINDOW = 2048


@dataclass(frozen=True, slots=True)
class _Active:
    """What embeds now. Replaced as a whole, so that no batch sees half a swap."""

    documents: EmbeddingBackend
    queries: EmbeddingBackend
    adapter: AdapterInfo | None
    space: EmbeddingSpace


class HuggingFaceEmbeddingProvider(EmbeddingProvider):
    """Embeds with a base model and, if configured, a LoRA adapter merged into a copy of its weights.

    ``chunk_format`` is the caller's version of the text that it makes of a chunk; it is part of the space.
    ``callers`` is how many threads will embed at once; where memory allows, none waits for another.
    """

    def __init__(
        self,
        config: HuggingFaceSettings,
        chunk_format: str = "1",
        *,
        callers: int = 1,
    ) -> None:
        self.config = config
        self._chunk_format = chunk_format
        self._callers = callers
        self._adapter_problem: AdapterError | None = None
        self._wanted_adapter_path = config.lora_adapter_path
        self._current_adapter_path: str | None = None
        self._adapter_loaded = False
        self._runtime: ModelRuntime | None = None
        self._active: _Active | None = None
        self._prompts: dict[InstructionType, str] = {}
        self._loading = threading.RLock()

    def initialize(self) -> None:
        """Load the base model, then the adapter. Later calls only check whether the adapter changed.

        Raises ``ModelUnavailable`` or ``ConfigError`` when the base model cannot be used as configured, and
        ``AdapterError`` when only the adapter cannot: then the base model is active.
        """
        with self._loading:
            if self._active is None:
                self._load_base_model()
            self._load_adapter()

    def load_base(self) -> None:
        """Load the base model alone, for good: loading the configured adapter ``beside`` it is up to the caller.

        Raises as ``initialize`` does, but no ``AdapterError``.
        """
        with self._loading:
            self._wanted_adapter_path = None
            self.initialize()

    def reload_adapter(self, path: str | Path | None) -> None:
        """Use the adapter at ``path``, or none. Does nothing if exactly that is in use already.

        The new one is loaded completely before it replaces the old one; when that fails the old one stays active, the
        failure is logged, and ``AdapterError`` is raised.
        """
        with self._loading:
            previous = self._wanted_adapter_path
            self._wanted_adapter_path = None if path is None else str(expand_user(path))
            try:
                if path is None:
                    self._unload_adapter()
                else:
                    self._load_adapter()
            except Exception:
                self._wanted_adapter_path = previous
                raise

    def beside(self, adapter: AdapterInfo | str | Path | None) -> HuggingFaceEmbeddingProvider:
        """Another provider on the same base model, loaded for good with ``adapter`` (or its folder), or with none.

        The two share the base model's weights and never change each other, so one can be active while the other
        is prepared. Whatever happens to the files, the new one stays what it is: ``initialize`` does not check
        them again. Raises ``AdapterError``, also without PEFT.
        """
        with self._loading:
            other = HuggingFaceEmbeddingProvider(self.config, self._chunk_format, callers=self._callers)
            other._runtime = self._opened()
            other._prompts = self._prompts
        if adapter is None:
            other._unload_adapter()
        else:
            info = adapter if isinstance(adapter, AdapterInfo) else None
            path = str(adapter.path if isinstance(adapter, AdapterInfo) else expand_user(adapter))
            require_peft(path)
            other._wanted_adapter_path = path
            other._load_adapter(info)
        other._wanted_adapter_path = None
        return other

    @property
    def space(self) -> EmbeddingSpace:
        """The space of the document vectors made now; a query-side adapter does not change it."""
        return self._initialized().space

    @property
    def adapter(self) -> AdapterInfo | None:
        """The adapter in use; ``None`` when the base model is active."""
        return self._initialized().adapter

    @property
    def adapter_problem(self) -> AdapterError | None:
        """Why the adapter is not in use although loading raised nothing: without PEFT. None otherwise."""
        return self._adapter_problem

    @property
    def backend_name(self) -> str:
        """What runs the model, where and in which precision, for people."""
        return self._initialized().documents.name

    def embed_batch(
        self,
        texts: Sequence[str],
        instruction_type: InstructionType,
        *,
        names: Sequence[str] | None = None,
        cancel: CancelToken | None = None,
        on_batch: BatchCallback | None = None,
    ) -> Vectors:
        """Vectors of ``texts``, one row each, in their order; see ``EmbeddingProvider.embed_batch``."""
        active, tokenizer = self._initialized(), self._opened().tokenizer
        backend = active.queries if instruction_type.is_query else active.documents
        prompt = self._prompts[instruction_type]
        labels = [f"text {number}" for number in range(len(texts))] if names is None else names
        result = np.empty((len(texts), active.space.dimension), dtype=np.float32)
        for start in range(0, len(texts), TOKENIZER_WINDOW):
            window = slice(start, start + TOKENIZER_WINDOW)
            token_ids = tokenizer.encode([prompt + text for text in texts[window]])
            for rows, vectors in embed_tokens(backend, token_ids, labels[window], cancel):
                positions = rows + start
                _check_finite(vectors, [labels[position] for position in positions], backend)
                result[positions] = _shortened(vectors, active.space)
                if on_batch is not None:
                    on_batch(positions.tolist(), result[positions])
        return result

    def close(self) -> None:
        """Free the models. ``initialize`` loads them again, with the adapter last wanted."""
        with self._loading:
            self._active = None
            self._runtime = None
            self._adapter_loaded = False
            self._current_adapter_path = None

    def _load_base_model(self) -> None:
        config = self.config
        folder = resolve_model(config.model_name, allow_download=config.allow_download)
        card = read_model_card(config.model_name, folder)
        if config.dimension is not None and config.dimension > card.dimension:
            raise ConfigError(
                f"dimension is {config.dimension}, but {card.name} makes {card.dimension}-dimensional vectors.",
                f"Set it to {card.dimension} or less.",
            )
        self._prompts = resolve_prompts(card.name, card.prompts, card.default_prompt, config.prompts)
        self._runtime = ModelRuntime(card, config, self._callers)
        self._unload_adapter()

    def _unload_adapter(self) -> None:
        """Make the base model active."""
        base = self._opened().backend(None)
        self._active = _Active(base, base, None, self._space(document_adapter=""))
        self._adapter_loaded = False
        self._current_adapter_path = None
        self._adapter_problem = None

    def _load_adapter(self, inspected: AdapterInfo | None = None) -> None:
        """Load the wanted adapter, unless exactly its content is loaded already; ``inspected`` is that adapter."""
        path = self._wanted_adapter_path
        if path is None:
            return
        try:
            require_peft(path)
        except AdapterError as error:
            self._adapter_problem = error
            logger.warning("%s", error)
            return
        try:
            if self._is_current(path):
                return
            logger.info("Loading LoRA adapter from: %s", path)
            started = time.perf_counter()
            self._active = self._with_adapter(inspected or inspect_adapter(Path(path)))
        except Exception as error:
            logger.error("Failed to load LoRA adapter from %s: %s", path, error)
            if isinstance(error, AdapterError):
                raise
            # The base model is loaded, so whatever goes wrong now is no reason to do without it.
            raise _as_adapter_error(path, error) from error
        self._adapter_loaded = True
        self._current_adapter_path = path
        logger.info("LoRA adapter loaded successfully in %.1fms", (time.perf_counter() - started) * 1000)

    def _is_current(self, path: str) -> bool:
        """Whether the adapter in use came from ``path``, and its content has not changed since."""
        return (
            self._adapter_loaded
            and self._current_adapter_path == path
            and self.adapter is not None
            and is_unchanged(self.adapter, Path(path))
        )

    def _with_adapter(self, info: AdapterInfo) -> _Active:
        """Everything ready to embed with the adapter. Raises ``AdapterError``."""
        card = self._opened().card
        check_fingerprint(info, card.name, card.digest)
        adapted = self._opened().backend(info)
        require_unchanged(info)
        if info.side is AdapterSide.QUERY:
            return _Active(self._opened().backend(None), adapted, info, self._space(document_adapter=""))
        return _Active(adapted, adapted, info, self._space(document_adapter=info.fingerprint))

    def _space(self, document_adapter: str) -> EmbeddingSpace:
        runtime = self._opened()
        card = runtime.card
        return EmbeddingSpace(
            base_model=card.digest,
            document_adapter=document_adapter,
            pooling=card.pooling,
            normalize=card.normalize,
            document_prompts={kind: text for kind, text in self._prompts.items() if not kind.is_query},
            max_tokens=runtime.max_tokens,
            dimension=self.config.dimension or card.dimension,
            chunk_format=self._chunk_format,
        )

    def _opened(self) -> ModelRuntime:
        if self._runtime is None:
            raise RuntimeError("initialize() loads the model; call it before anything else")
        return self._runtime

    def _initialized(self) -> _Active:
        if self._active is None:
            raise RuntimeError("initialize() loads the model; call it before anything else")
        return self._active


def require_peft(path: str | Path) -> None:
    """Raise ``AdapterError`` unless PEFT is installed, without which the adapter at ``path`` cannot be loaded."""
    if not PEFT_AVAILABLE:
        raise AdapterError(
            f"PEFT library not installed, cannot load LoRA adapter: {path}. Install with: pip install peft"
        )


def _as_adapter_error(path: str, error: Exception) -> AdapterError:
    if isinstance(error, CodeContextError):
        return AdapterError(f"The adapter {path} cannot be added to the model: {error.message}", error.hint)
    logger.debug("Loading the adapter %s ended with this error:", path, exc_info=error)
    return AdapterError(
        f"The adapter {path} cannot be loaded: {' '.join(str(error).split()) or type(error).__name__}.",
        "Save it again with an up-to-date PEFT.",
    )


def _check_finite(vectors: Vectors, labels: Sequence[str], backend: EmbeddingBackend) -> None:
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(bad):
        raise EmbeddingError(
            f"The model returned a vector that is not finite for {labels[bad[0]]}.",
            f"It ran on {backend.name}. Try another device or backend, or without an adapter.",
        )


def _shortened(vectors: Vectors, space: EmbeddingSpace) -> Vectors:
    """The first numbers of each vector, as Matryoshka models are trained for (arXiv:2205.13147)."""
    if vectors.shape[1] == space.dimension:
        return vectors
    head = vectors[:, : space.dimension]
    if not space.normalize:
        return head
    lengths = np.linalg.norm(head, axis=1, keepdims=True)
    shortened: Vectors = head / np.maximum(lengths, np.finfo(np.float32).tiny)
    return shortened
