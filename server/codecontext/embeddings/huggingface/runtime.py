"""Chooses what runs a model, and makes backends of the base model, with or without an adapter."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from codecontext.adapters import AdapterInfo, check_compatible
from codecontext.core.errors import ConfigError
from codecontext.embeddings.backend import EmbeddingBackend
from codecontext.embeddings.huggingface.config import HuggingFaceSettings
from codecontext.embeddings.model_files import ModelCard
from codecontext.embeddings.openvino.architecture import UnknownArchitecture
from codecontext.embeddings.openvino.library import OPENVINO_AVAILABLE
from codecontext.embeddings.openvino.lora import UnsupportedAdapter
from codecontext.embeddings.openvino.models import OpenVinoModels
from codecontext.embeddings.pytorch.backend import TorchBackend
from codecontext.embeddings.pytorch.devices import batch_tokens, choose_device
from codecontext.embeddings.pytorch.model import TorchModel
from codecontext.embeddings.tokenizer import load_tokenizer

if TYPE_CHECKING:
    from torch.nn import Module

logger = logging.getLogger(__name__)

_WITHOUT_OPENVINO = "OpenVINO is not used for %s: %s. Using PyTorch instead, which is slower and takes more memory."


class ModelRuntime:
    """One base model on one device; ``callers`` threads will embed at once.

    Raises ``ConfigError`` for settings that do not fit the model or each other, and ``ModelUnavailable`` when
    the device or the tokenizer is missing.
    """

    def __init__(self, card: ModelCard, config: HuggingFaceSettings, callers: int = 1) -> None:
        self.card = card
        self.max_tokens = _max_tokens(card, config)
        self.tokenizer = load_tokenizer(card, self.max_tokens)
        self._threads = config.threads
        self._device = choose_device(config.device)
        self._batch_tokens = config.batch_tokens or batch_tokens(self._device, card, config.threads)
        self._openvino = self._openvino_models(callers) if _wants_openvino(config, self._device) else None
        self._torch_model: TorchModel | None = None
        self._in_use: WeakValueDictionary[str, EmbeddingBackend] = WeakValueDictionary()
        self._loading = threading.Lock()

    def backend(self, adapter: AdapterInfo | None) -> EmbeddingBackend:
        """The base model, or the base model with ``adapter`` merged in, ready to run.

        A backend that is in use already is shared. Raises ``AdapterError`` when the adapter does not fit,
        ``ModelUnavailable`` when the weights cannot be loaded.
        """
        content = adapter.fingerprint if adapter else ""
        with self._loading:
            backend = self._in_use.get(content)
            if backend is None:
                backend = self._in_use[content] = self._load(adapter)
        return backend

    def _load(self, adapter: AdapterInfo | None) -> EmbeddingBackend:
        if self._openvino is not None:
            try:
                return self._openvino.load(adapter)
            except UnknownArchitecture as reason:
                self._openvino = None
                logger.warning(_WITHOUT_OPENVINO, self.card.name, reason)
            except UnsupportedAdapter as reason:
                logger.warning(_WITHOUT_OPENVINO, adapter.path if adapter else self.card.name, reason)
        encoder, warnings = self._torch_encoder(adapter)
        for warning in warnings:
            logger.warning(warning)
        return TorchBackend(
            encoder,
            device=self._device,
            pad_id=self.tokenizer.pad_id,
            batch_tokens=self._batch_tokens,
            threads=self._threads,
        )

    def _openvino_models(self, callers: int) -> OpenVinoModels | None:
        """What makes OpenVINO graphs of the model; ``None`` where torch has to run it."""
        try:
            return OpenVinoModels(
                self.card,
                self.tokenizer,
                max_tokens=self.max_tokens,
                threads=self._threads,
                batch_tokens=self._batch_tokens,
                callers=callers,
            )
        except UnknownArchitecture as reason:
            logger.warning(_WITHOUT_OPENVINO, self.card.name, reason)
            return None

    def _torch(self) -> TorchModel:
        if self._torch_model is None:
            self._torch_model = TorchModel(self.card, self._device)
        return self._torch_model

    def _torch_encoder(self, adapter: AdapterInfo | None) -> tuple[Module, list[str]]:
        """The module to run, and warnings for the user."""
        if adapter is None:
            return self._torch().encoder(), []
        warnings = check_compatible(adapter, self._torch().architecture())
        return self._torch().adapted_encoder(adapter), warnings


def _max_tokens(card: ModelCard, config: HuggingFaceSettings) -> int:
    if config.max_tokens is not None and config.max_tokens > card.token_limit:
        raise ConfigError(
            f"max_tokens is {config.max_tokens}, but {card.name} accepts at most {card.token_limit} tokens.",
            f"Set it to {card.token_limit} or less.",
        )
    return config.max_tokens or card.max_tokens


def _wants_openvino(config: HuggingFaceSettings, device: str) -> bool:
    if config.backend != "openvino":
        return config.backend == "auto" and device == "cpu" and OPENVINO_AVAILABLE
    if not OPENVINO_AVAILABLE:
        raise ConfigError(
            "backend is openvino, but OpenVINO is not installed.",
            'Run: pip install "codecontext[openvino]", or set backend to auto.',
        )
    if device != "cpu":
        raise ConfigError(f"backend is openvino, which only runs on cpu, but device is {device}.", "Set device to cpu.")
    return True
