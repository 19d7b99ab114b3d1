"""Chooses what runs a model, and makes backends of the base model, with or without an adapter."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from codecontext.adapters import AdapterInfo, check_compatible
from codecontext.core import CancelToken
from codecontext.core.errors import ConfigError
from codecontext.embeddings.backend import EmbeddingBackend
from codecontext.embeddings.huggingface.config import HuggingFaceSettings
from codecontext.embeddings.model_files import ModelCard
from codecontext.embeddings.openvino.backend import OPENVINO_AVAILABLE
from codecontext.embeddings.openvino.conversion import ConversionRejected, OpenVinoModels
from codecontext.embeddings.openvino.conversion_process import ConversionCrashed, ConversionSubprocess
from codecontext.embeddings.pytorch.backend import TorchBackend
from codecontext.embeddings.pytorch.devices import batch_tokens, choose_device
from codecontext.embeddings.pytorch.model import TorchModel
from codecontext.embeddings.tokenizer import TextTokenizer, is_tokenizer_copied, load_tokenizer

if TYPE_CHECKING:
    from torch.nn import Module

logger = logging.getLogger(__name__)


class ModelRuntime:
    """One base model on one device; ``callers`` threads will embed at once.

    With ``convert_in_subprocess`` torch stays out of this process where OpenVINO runs the model.

    Raises ``ConfigError`` for settings that do not fit the model or each other, and ``ModelUnavailable`` when
    the device or the tokenizer is missing.
    """

    def __init__(
        self,
        card: ModelCard,
        config: HuggingFaceSettings,
        callers: int = 1,
        *,
        convert_in_subprocess: bool = True,
        cancel: CancelToken | None = None,
    ) -> None:
        self.card = card
        self.max_tokens = _max_tokens(card, config)
        self._threads = config.threads
        self._callers = callers
        self._device = choose_device(config.device)
        self._batch_tokens = config.batch_tokens or batch_tokens(self._device, card, config.threads)
        wants_openvino = _wants_openvino(config, self._device)
        self._converter = self._subprocess() if wants_openvino and convert_in_subprocess else None
        self.tokenizer = self._load_tokenizer(cancel)
        self._openvino = self._openvino_models() if wants_openvino else None
        self._torch_model: TorchModel | None = None
        self._in_use: WeakValueDictionary[str, EmbeddingBackend] = WeakValueDictionary()
        self._loading = threading.Lock()

    def backend(self, adapter: AdapterInfo | None, cancel: CancelToken | None = None) -> EmbeddingBackend:
        """The base model, or the base model with ``adapter`` merged in, ready to run.

        A backend that is in use already is shared. Raises ``AdapterError`` when the adapter does not
        fit, ``ModelUnavailable`` when the weights cannot be loaded, ``OperationCancelled`` when asked to stop while
        a model is converted in a subprocess.
        """
        content = adapter.fingerprint if adapter else ""
        with self._loading:
            backend = self._in_use.get(content)
            if backend is None:
                backend = self._in_use[content] = self._load(adapter, cancel)
        return backend

    def _load(self, adapter: AdapterInfo | None, cancel: CancelToken | None) -> EmbeddingBackend:
        if self._openvino is not None:
            try:
                return self._openvino.load(adapter) or self._converted(self._openvino, adapter, cancel)
            except ConversionRejected as reason:
                logger.warning("OpenVINO is not used for %s: %s. Using torch instead.", self.card.name, reason)
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

    def _converted(
        self, openvino: OpenVinoModels, adapter: AdapterInfo | None, cancel: CancelToken | None
    ) -> EmbeddingBackend:
        """Converted now, if possible in another process: torch, once imported, takes memory until the end."""
        if self._convert_apart(adapter, cancel):
            loaded = openvino.load(adapter)
            if loaded is not None:
                return loaded
        if self._converter is None:
            self._announce_conversion()
        backend = openvino.convert(adapter, self._torch())
        # From here on the converted model is used; torch's weights are loaded again for the next adapter.
        self._torch_model = None
        return backend

    def _convert_apart(self, adapter: AdapterInfo | None, cancel: CancelToken | None) -> bool:
        """Convert in a subprocess; false if it failed for a reason unrelated to model and adapter."""
        if self._converter is None:
            return False
        said = self._converter.has_failed(adapter)
        if not said:
            self._announce_conversion()
        try:
            self._converter.convert(adapter, cancel)
        except ConversionCrashed as reason:
            if not said:
                logger.warning("%s Converting the model in this process instead, which takes more memory.", reason)
            return False
        return True

    def _announce_conversion(self) -> None:
        logger.info("Preparing %s for OpenVINO; this happens only once.", self.card.name)

    def _load_tokenizer(self, cancel: CancelToken | None) -> TextTokenizer:
        """A copy if there is one. Making it imports torch, so that is left to the subprocess, too."""
        if self._converter is not None and not is_tokenizer_copied(self.card, self.max_tokens):
            with suppress(ConversionRejected):  # is reported again when it matters
                self._convert_apart(None, cancel)
        return load_tokenizer(self.card, self.max_tokens)

    def _subprocess(self) -> ConversionSubprocess:
        return ConversionSubprocess(
            self.card, max_tokens=self.max_tokens, threads=self._threads, batch_tokens=self._batch_tokens
        )

    def _openvino_models(self) -> OpenVinoModels:
        return OpenVinoModels(
            self.card,
            self.tokenizer,
            threads=self._threads,
            batch_tokens=self._batch_tokens,
            callers=self._callers,
        )

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
