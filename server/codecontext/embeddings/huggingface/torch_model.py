"""The base model in torch, and copies of it with an adapter merged in."""

from __future__ import annotations

import copy
import importlib.util
import warnings
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError

from codecontext.adapters import BaseArchitecture
from codecontext.core.errors import AdapterError, ModelUnavailable
from codecontext.embeddings.huggingface.models import ModelCard
from codecontext.embeddings.huggingface.pooling import POOLERS

if TYPE_CHECKING:
    from peft import PeftConfig, PeftModel
    from torch.nn import Module

# Importing peft takes seconds, so here it is only looked for.
PEFT_AVAILABLE = importlib.util.find_spec("peft") is not None


class TorchModel:
    """A base model whose weights are never changed: adapters are merged into copies of what they touch."""

    def __init__(self, card: ModelCard, device: str) -> None:
        self.card = card
        self.device = device
        self._base = _load(card, device)

    def architecture(self) -> BaseArchitecture:
        """Names and weight shapes of the modules, for checking adapters against."""
        return BaseArchitecture(
            name=self.card.name,
            folder=self.card.folder,
            fingerprint=self.card.digest,
            modules={
                name: tuple(module.weight.shape)
                for name, module in self._base.named_modules()
                if getattr(module, "weight", None) is not None
            },
        )

    def linear_weights(self) -> dict[str, NDArray[np.float32]]:
        """Module path → weight, as (out, in), of every linear module; they are the model's own, not copies."""
        import torch
        from transformers.pytorch_utils import Conv1D

        weights = {}
        for name, module in self._base.named_modules():
            if type(module) is torch.nn.Linear:
                weights[name] = module.weight.numpy()
            elif type(module) is Conv1D:  # GPT-2's linear layer, whose weight is (in, out)
                weights[name] = module.weight.numpy().T
        return {name: weight for name, weight in weights.items() if weight.dtype == np.float32}

    def encoder(self) -> Module:
        """The base model with pooling: (input_ids, attention_mask) → (batch, d)."""
        return _sentence_encoder(self._base, self.card)

    def trainable_encoder(self, adapter: PeftConfig) -> tuple[Module, PeftModel]:
        """Like ``encoder``, with a new adapter that can be trained; also the adapted model, which saves it.

        Only the adapter's own weights take gradients. Raises ``AdapterError`` for modules that the model lacks.
        """
        from peft import get_peft_model

        try:
            adapted = get_peft_model(_twin(self._base), adapter)
        except ValueError as error:
            raise AdapterError(
                f"No adapter can be made for {self.card.name}: {error}", "Name modules that it has."
            ) from error
        return _sentence_encoder(adapted, self.card), adapted

    def encoder_without(self, modules: Collection[str]) -> Module:
        """Like ``encoder``, with the weights of these modules null."""
        import torch

        twin = _twin(self._base)
        for name in modules:
            layer: Any = twin.get_submodule(name)
            layer.weight = torch.nn.Parameter(torch.zeros_like(layer.weight), requires_grad=False)
        return _sentence_encoder(twin, self.card)

    def adapted_encoder(self, adapter_path: Path) -> Module:
        """Like ``encoder``, with the adapter merged in. Shares every weight that the adapter leaves alone."""
        return _sentence_encoder(_merge_adapter(self._base, adapter_path), self.card)


def _load(card: ModelCard, device: str) -> Module:
    import torch
    from transformers import AutoConfig, AutoModel
    from transformers.utils import logging as transformers_logging

    # transformers prints a progress bar and a table of unused weights to stderr for every model loaded.
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    try:
        config = AutoConfig.from_pretrained(card.folder, local_files_only=True, trust_remote_code=False)
        # Nothing is generated, so keys and values need not be kept for a next token.
        config.use_cache = False
        model = AutoModel.from_pretrained(
            card.folder,
            config=config,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32,
        )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as error:
        raise _unloadable(card, error) from error
    module: Module = model.eval().requires_grad_(False).to(device)
    return module


def _unloadable(card: ModelCard, error: Exception) -> ModelUnavailable:
    if "trust_remote_code" in str(error):
        return ModelUnavailable(
            f"The model {card.name} needs code of its own (auto_map in config.json); CodeContext runs none.",
            "Choose a model whose architecture is part of transformers.",
        )
    return ModelUnavailable(f"The model {card.name} cannot be loaded: {error}", "Fetch or copy it again.")


def _merge_adapter(base: Module, adapter_path: Path) -> Module:
    """A twin of ``base`` with the adapter merged into its own copies of the weights concerned."""
    from peft import PeftModel
    from peft.tuners.tuners_utils import BaseTunerLayer

    twin = _twin(base)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            adapted: Any = PeftModel.from_pretrained(twin, str(adapter_path), is_trainable=False)
        _refuse_half_adapter(adapter_path, [str(warning.message) for warning in caught])
        for layer in adapted.modules():
            if isinstance(layer, BaseTunerLayer):
                _own_weights(layer.get_base_layer())
        merged: Module = adapted.merge_and_unload(safe_merge=True)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError) as error:
        raise AdapterError(
            f"PEFT cannot load the adapter {adapter_path}: {error}", "Save it again with an up-to-date PEFT."
        ) from error
    return merged.eval().requires_grad_(False)


def _refuse_half_adapter(adapter_path: Path, messages: list[str]) -> None:
    """Raise ``AdapterError`` if PEFT missed weights: it only warns, and leaves those modules unadapted."""
    missing = next((message for message in messages if "missing adapter keys" in message), None)
    if missing:
        raise AdapterError(f"The adapter {adapter_path} is incomplete: {missing}", "Save the adapter again.")


def _twin(base: Module) -> Module:
    """A module tree of its own over the same matrices; biases and norms, which are small, are copied.

    PEFT loads trained biases into the model it is given, before it could be asked not to.
    """
    matrices = (tensor for tensor in (*base.parameters(), *base.buffers()) if tensor.ndim > 1)
    return copy.deepcopy(base, memo={id(tensor): tensor for tensor in matrices})


def _own_weights(layer: Module) -> None:
    """Replace the tensors that ``layer`` shares with the base model by copies, so that merging is safe."""
    from torch.nn import Parameter

    for name, parameter in list(layer.named_parameters(recurse=False)):
        setattr(layer, name, Parameter(parameter.detach().clone(), requires_grad=False))


def _sentence_encoder(model: Module, card: ModelCard) -> Module:
    import torch

    pool, normalize = POOLERS[card.pooling], card.normalize

    class SentenceEncoder(torch.nn.Module):
        """Transformer, pooling and normalisation as one module, which both backends run."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            hidden = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            pooled = pool(hidden, attention_mask)
            return torch.nn.functional.normalize(pooled, dim=-1) if normalize else pooled

    return SentenceEncoder().eval()
