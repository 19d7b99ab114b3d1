"""The models of one service, shared by all folders that want the same one."""

from __future__ import annotations

import os
import threading
from weakref import WeakValueDictionary

from codecontext.chunking import CHUNK_FORMAT
from codecontext.core.progress import CancelToken
from codecontext.embeddings.huggingface import HuggingFaceConfig, HuggingFaceEmbeddingProvider
from codecontext.embeddings.pytorch.devices import choose_device

_CALLERS = 2
"""Background work and queries embed at the same time."""
_TOKENS_PER_THREAD = 1024
"""A batch of this size takes about 0.1 s with the bundled model, which is how soon background work gives way."""


class Models:
    """Base models by their settings, for as long as they are used; adapters are loaded beside them."""

    def __init__(self) -> None:
        self._loaded: WeakValueDictionary[str, HuggingFaceEmbeddingProvider] = WeakValueDictionary()
        self._newest: HuggingFaceEmbeddingProvider | None = None
        """Kept even while nobody uses it yet: the job that wanted it may have been stopped, and will run again."""
        self._lock = threading.Lock()

    def base(
        self, config: HuggingFaceConfig, *, leave_cores: int, cancel: CancelToken | None = None
    ) -> HuggingFaceEmbeddingProvider:
        """The base model of ``config``, loaded, without its adapter.

        Raises ``ModelUnavailable`` or ``ConfigError``, and ``OperationCancelled`` when asked to stop while it is
        converted.
        """
        adjusted = for_background(config, leave_cores=leave_cores)
        key = adjusted.model_dump_json()
        with self._lock:
            provider = self._loaded.get(key)
            if provider is None:
                provider = HuggingFaceEmbeddingProvider(adjusted, CHUNK_FORMAT, callers=_CALLERS)
                provider.initialize(cancel=cancel)
                self._loaded[key] = provider
            self._newest = provider
        return provider


def for_background(config: HuggingFaceConfig, *, leave_cores: int) -> HuggingFaceConfig:
    """``config`` without its adapter, and on CPUs with small batches on the cores that background work may use.

    Raises ``ModelUnavailable`` when the device is not there.
    """
    threads = config.threads or max(1, (os.cpu_count() or 1) - leave_cores)
    tokens = config.batch_tokens
    if tokens is None and choose_device(config.device) == "cpu":
        tokens = _TOKENS_PER_THREAD * threads
    return config.model_copy(update={"lora_adapter_path": None, "threads": threads, "batch_tokens": tokens})
