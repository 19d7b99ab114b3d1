"""The models of one service process, shared by all folders with the same settings."""

from __future__ import annotations

import os
import threading
from weakref import WeakValueDictionary

from codecontext.chunking import CHUNK_FORMAT
from codecontext.embeddings.huggingface import HuggingFaceEmbeddingProvider, HuggingFaceSettings
from codecontext.embeddings.pytorch.devices import choose_device

_CALLERS = 2
"""Background work and searches embed at the same time."""
_TOKENS_PER_THREAD = 1024
"""A batch of this size takes about 0.1 s with the bundled model, after which background work yields to searches."""


class Models:
    """Base models by their settings, for as long as they are in use; adapters are loaded beside them."""

    def __init__(self) -> None:
        self._loaded: WeakValueDictionary[str, HuggingFaceEmbeddingProvider] = WeakValueDictionary()
        self._newest: HuggingFaceEmbeddingProvider | None = None
        """Kept even while not in use yet: the job that needs it may have been stopped, and runs again."""
        self._lock = threading.Lock()

    def base(self, config: HuggingFaceSettings, *, leave_cores: int) -> HuggingFaceEmbeddingProvider:
        """The base model of ``config``, loaded, without its adapter. Raises ``ModelUnavailable`` or ``ConfigError``."""
        adjusted = for_background(config, leave_cores=leave_cores)
        key = adjusted.model_dump_json(exclude={"lora_adapter_path"})
        with self._lock:
            provider = self._loaded.get(key)
            if provider is None:
                provider = HuggingFaceEmbeddingProvider(adjusted, CHUNK_FORMAT, callers=_CALLERS)
                provider.load_base()
                self._loaded[key] = provider
            self._newest = provider
        return provider


def for_background(config: HuggingFaceSettings, *, leave_cores: int) -> HuggingFaceSettings:
    """``config`` with the cores that background work may use and, on CPUs, small batches.

    Raises ``ModelUnavailable`` when the device is not there.
    """
    threads = config.threads or max(1, (os.cpu_count() or 1) - leave_cores)
    tokens = config.batch_tokens
    if tokens is None and choose_device(config.device) == "cpu":
        tokens = _TOKENS_PER_THREAD * threads
    return config.model_copy(update={"threads": threads, "batch_tokens": tokens})
