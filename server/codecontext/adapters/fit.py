"""An adapter fitted to a base model: what is added to which module, by the base's own names."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from codecontext.adapters.files import CONFIG_FILE, WEIGHTS_FILE, shown
from codecontext.adapters.inspect import AdapterInfo
from codecontext.adapters.lora_config import LoraSettings
from codecontext.adapters.naming import Naming, names_in_base
from codecontext.adapters.targets import Targets
from codecontext.core.errors import AdapterError

# Models with a head are trained without a pooler, which encoders have; no embedding passes through it.
_UNUSED = "pooler"


@dataclass(frozen=True, slots=True)
class FittedLayer:
    """One module of the base model and the matrices for it."""

    module: str
    saved: str
    """The module's name in the adapter's weights."""
    rank: int
    alpha: float


@dataclass(frozen=True, slots=True)
class FittedAdapter:
    """What of an adapter acts on a base model."""

    settings: LoraSettings
    layers: tuple[FittedLayer, ...]
    others: Mapping[str, str]
    """Module as it was saved → module of the base, for tensors that replace those of the base."""
    left_out: tuple[str, ...]
    """Modules of the base that have matrices and are no targets; PEFT leaves them out, too."""
    heads: tuple[str, ...]
    """Saved modules that the base does not have and needs not; see ``Naming``."""


def fit_adapter(info: AdapterInfo, modules: Collection[str]) -> FittedAdapter:
    """Fit the adapter to a base model that has ``modules`` with weights.

    Raises ``AdapterError`` where configuration and weights contradict each other.
    """
    settings = info.settings
    targets = Targets(info.path, settings)
    naming = naming_of(info, modules)
    saved = {naming.in_base[layer.module]: layer for layer in info.layers if layer.module in naming.in_base}
    prefix = max(naming.prefixes, key=lambda each: sum(targets.selects(each + module) for module in saved))
    selected = {module for module in modules if targets.selects(prefix + module)}
    if not selected & saved.keys():
        raise AdapterError(
            f"{info.path / CONFIG_FILE} has target_modules = {shown(settings.target_modules)}, which selects none of "
            f"the modules that {WEIGHTS_FILE} has matrices for.",
            "Configuration and weights belong to different adapters; copy both from the same place.",
        )
    missing = sorted(module for module in selected - saved.keys() if module.partition(".")[0] != _UNUSED)
    if missing and not targets.takes_all_linear:
        raise AdapterError(
            f"The adapter {info.path} is incomplete: its target_modules select {missing[0]}, which {WEIGHTS_FILE} has "
            "no matrices for.",
            "Save the adapter again.",
        )
    layers = []
    for module in sorted(selected & saved.keys()):
        rank = targets.rank(prefix + module)
        if rank != saved[module].rank:
            raise AdapterError(
                f"{info.path / CONFIG_FILE} says rank {rank} for {module}, whose matrices have another rank than "
                f"configured: {saved[module].rank}.",
                "Configuration and weights belong to different adapters; copy both from the same place.",
            )
        layers.append(FittedLayer(module, saved[module].module, rank, targets.alpha(prefix + module)))
    others = {name: naming.in_base[name] for name in info.other_modules if name in naming.in_base}
    return FittedAdapter(settings, tuple(layers), others, tuple(sorted(saved.keys() - selected)), naming.heads)


def naming_of(info: AdapterInfo, modules: Collection[str]) -> Naming:
    """How the adapter names the modules of a base model. Raises ``AdapterError`` where that is ambiguous."""
    return names_in_base(info.path, [layer.module for layer in info.layers], info.other_modules, modules)


def misshapen(path: Path, kind: str, module: str) -> AdapterError:
    """What to say of a tensor in ``path`` that is to replace the ``kind`` (weight, bias) of ``module`` and cannot."""
    return AdapterError(
        f"The adapter {path} replaces {kind} of {module} with values that are not finite or whose shape differs from "
        "the base model's.",
        "Choose an adapter that was made for this base model.",
    )
