"""The base model in torch, and copies of it with an adapter merged in."""

from __future__ import annotations

import copy
import importlib.util
import logging
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from safetensors import SafetensorError

from codecontext.adapters import AdapterInfo, BaseArchitecture
from codecontext.adapters.files import CONFIG_FILE, read_config, read_weights, shown
from codecontext.adapters.fit import FittedAdapter, fit_adapter, misshapen
from codecontext.adapters.inspect import plain_names
from codecontext.adapters.lora_config import TRAINING_FIELDS, LoraSettings
from codecontext.adapters.naming import PEFT_PREFIX, module_of
from codecontext.core.errors import AdapterError, ModelUnavailable
from codecontext.embeddings.model_files import ModelCard
from codecontext.embeddings.pooling import POOLERS

if TYPE_CHECKING:
    import torch
    from peft import LoraConfig, PeftConfig, PeftModel
    from torch.nn import Module

logger = logging.getLogger(__name__)

_N = TypeVar("_N", int, float)

# What transformers raises for a model folder with strange files.
_LOADING_FAULTS = (AttributeError, ImportError, KeyError, OSError, RuntimeError, TypeError, ValueError)

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

    def adapted_encoder(self, adapter: AdapterInfo) -> Module:
        """Like ``encoder``, with the adapter merged in. Shares every weight that the adapter leaves alone.

        Raises ``AdapterError``.
        """
        fitted = fit_adapter(adapter, self.architecture().modules)
        return _sentence_encoder(_merge_adapter(self._base, adapter.path, fitted), self.card)


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
    except (*_LOADING_FAULTS, SafetensorError) as error:
        raise _unloadable(card, error) from error
    module: Module = model.eval().requires_grad_(False).to(device)
    return module


def _unloadable(card: ModelCard, error: Exception) -> ModelUnavailable:
    if "trust_remote_code" in str(error):
        return ModelUnavailable(
            f"The model {card.name} needs custom code (auto_map in config.json), which CodeContext never runs.",
            "Choose a model whose architecture is part of transformers.",
        )
    return ModelUnavailable(f"The model {card.name} cannot be loaded: {error}", "Download or copy it again.")


def _merge_adapter(base: Module, adapter_path: Path, fitted: FittedAdapter) -> Module:
    """A twin of ``base`` with the adapter merged into its own copies of the weights concerned."""
    twin = _twin(base, own=(*(layer.module for layer in fitted.layers), *fitted.others.values()))
    try:
        with _own_random_numbers(base):
            return _merged(twin, adapter_path, fitted)
    except AdapterError:
        raise
    except Exception as error:  # what PEFT and torch raise for a strange adapter has no common base
        raise AdapterError(
            f"PEFT cannot load the adapter {adapter_path}: {error}", "Save it again with an up-to-date PEFT."
        ) from error


def _merged(twin: Module, adapter_path: Path, fitted: FittedAdapter) -> Module:
    """``twin`` itself, with the adapter added to its weights.

    PEFT is handed names and numbers, and not the adapter's folder: its patterns would be matched without a limit, and
    its ``task_type`` would ask for a model that writes text.
    """
    from peft import PeftModel
    from peft.utils import set_peft_model_state_dict
    from safetensors.torch import load

    tensors = plain_names(adapter_path, load(read_weights(adapter_path)))
    _replace_tensors(twin, adapter_path, fitted, tensors)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of settings that it corrects; what it leaves out is compared below
        adapted: Any = PeftModel(twin, _peft_config(adapter_path, fitted))
        loaded = set_peft_model_state_dict(adapted, _lora_tensors(fitted, tensors))
    missing = [name for name in loaded.missing_keys if ".lora_" in name]
    unused = list(loaded.unexpected_keys)
    if missing or unused:
        problem = f"lacks {missing[0]}" if missing else f"has {unused[0]}, which its settings do not cover"
        raise AdapterError(f"The adapter {adapter_path} is incomplete: it {problem}.", "Save the adapter again.")
    merged: Module = adapted.merge_and_unload(safe_merge=True)
    return merged.eval().requires_grad_(False)


def _peft_config(adapter_path: Path, fitted: FittedAdapter) -> LoraConfig:
    """What PEFT is told: every module by its name."""
    from peft import LoraConfig

    _refuse_unknown_settings(adapter_path, LoraConfig())
    settings = fitted.settings
    return LoraConfig(
        r=settings.r,
        lora_alpha=settings.lora_alpha,
        target_modules=_exactly(layer.module for layer in fitted.layers),
        rank_pattern=_by_value({layer.module: layer.rank for layer in fitted.layers}, settings.r),
        alpha_pattern=_by_value({layer.module: layer.alpha for layer in fitted.layers}, settings.lora_alpha),
        fan_in_fan_out=bool(settings.fan_in_fan_out),
        use_rslora=bool(settings.use_rslora),
        use_dora=bool(settings.use_dora),
        lora_bias=bool(settings.lora_bias),
        # The matrices are loaded, so how they began matters only where that changes the base's weights.
        init_lora_weights=settings.taken_off_first or False,
        loftq_config=settings.loftq_config.model_dump()
        if settings.loftq_config
        else {"loftq_bits": 4, "loftq_iter": 1},
        inference_mode=True,
    )


def _refuse_unknown_settings(adapter_path: Path, defaults: LoraConfig) -> None:
    """Raise ``AdapterError`` for a setting that PEFT acts on and we do not know; warn of those unknown to both."""
    nobody_knows = []
    for field, value in read_config(adapter_path).items():
        if field == "peft_type" or field in LoraSettings.model_fields or field in TRAINING_FIELDS or not value:
            continue
        if not hasattr(defaults, field):
            nobody_knows.append(field)
        elif value != getattr(defaults, field):
            raise AdapterError(
                f"{adapter_path / CONFIG_FILE} has {field} = {shown(value)}, which CodeContext does not support.",
                "Train the adapter without this setting.",
            )
    if nobody_knows:
        logger.warning(
            "%s has settings that neither CodeContext nor this version of PEFT knows; they are ignored: %s",
            adapter_path / CONFIG_FILE,
            ", ".join(nobody_knows[:3]),
        )


def _replace_tensors(
    twin: Module, adapter_path: Path, fitted: FittedAdapter, tensors: Mapping[str, torch.Tensor]
) -> None:
    """Put tensors that stand for those of the base, such as trained biases, into ``twin``'s own."""
    saved = {layer.saved: layer.module for layer in fitted.layers} | dict(fitted.others)
    for name, tensor in tensors.items():
        module = module_of(name)
        if ".lora_" in name or module not in saved:
            continue
        kind = name.rpartition(".")[2]
        own = getattr(twin.get_submodule(saved[module]), kind, None)
        if own is None or own.shape != tensor.shape or not tensor.isfinite().all():
            raise misshapen(adapter_path, kind, saved[module])
        own.data.copy_(tensor)


def _lora_tensors(fitted: FittedAdapter, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The matrices of targets under the names that PEFT gives them in the base model."""
    saved = {layer.saved: layer.module for layer in fitted.layers}
    return {
        f"{PEFT_PREFIX}{saved[module]}{name.removeprefix(module)}": tensor
        for name, tensor in tensors.items()
        if ".lora_" in name and (module := module_of(name)) in saved
    }


def _exactly(modules: Iterable[str]) -> str:
    """A pattern for exactly these names; PEFT takes names in a list for ends of names."""
    return "|".join(map(re.escape, sorted(modules)))


def _by_value(values: Mapping[str, _N], otherwise: _N) -> dict[str, _N]:
    """One pattern for each value other than ``otherwise``; PEFT tries all patterns with every module."""
    modules: dict[_N, list[str]] = {}
    for module, value in values.items():
        if value != otherwise:
            modules.setdefault(value, []).append(module)
    return {_exactly(names): value for value, names in modules.items()}


@contextmanager
def _own_random_numbers(base: Module) -> Iterator[None]:
    """Seeded random numbers, for initialisations that draw them, with the global generator restored afterwards."""
    import torch

    device = next(base.parameters()).device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(0)
        yield


def _twin(base: Module, own: Iterable[str] = ()) -> Module:
    """A module tree of its own, whose weights may be replaced, over the same large matrices.

    Parameters are other objects, so that assigning to one leaves the base alone; their numbers are shared only where
    they are matrices outside of the modules ``own``, which alone may be written to.
    """
    from torch.nn import Parameter

    shared = {
        id(matrix): Parameter(matrix.detach(), requires_grad=False) for matrix in base.parameters() if matrix.ndim > 1
    }
    twin = copy.deepcopy(base, memo=shared)
    for name in own:
        for module in twin.get_submodule(name).modules():
            for kind, parameter in list(module.named_parameters(recurse=False)):
                setattr(module, kind, Parameter(parameter.detach().clone(), requires_grad=False))
    return twin


def _sentence_encoder(model: Module, card: ModelCard) -> Module:
    import torch

    pool, normalize = POOLERS[card.pooling], card.normalize

    class SentenceEncoder(torch.nn.Module):
        """Transformer, pooling and normalisation as one module."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            hidden = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            pooled = pool(hidden, attention_mask)
            return torch.nn.functional.normalize(pooled, dim=-1) if normalize else pooled

    return SentenceEncoder().eval()
