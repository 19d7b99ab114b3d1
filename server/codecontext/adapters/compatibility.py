"""Whether an adapter fits a base model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

from codecontext.adapters.fit import fit_adapter, naming_of
from codecontext.adapters.inspect import AdapterInfo
from codecontext.adapters.naming import Naming
from codecontext.core.errors import AdapterError

_NAMED = 3
"""Modules that a message names."""


@dataclass(frozen=True, slots=True)
class BaseArchitecture:
    """A loaded base model, as far as adapters care."""

    name: str
    """What the user calls it: a Hugging Face name or a folder."""
    folder: PurePath
    """Where its files lie; adapters trained on a folder name that."""
    fingerprint: str
    """Digest of its files."""
    modules: Mapping[str, tuple[int, ...]]
    """Path of every module that has a weight → shape of that weight; (out, in) for linear layers."""


def check_compatible(info: AdapterInfo, base: BaseArchitecture) -> list[str]:
    """Check that ``info`` fits ``base``; the result is what the user should be warned about.

    An adapter that fits but names another base is allowed with a warning: the name may be a folder on the
    machine where it was trained. Raises ``AdapterError`` for one that was made for another base, or changes
    modules that ``base`` does not have or has in another shape, or whose settings contradict its weights.
    """
    check_fingerprint(info, base.name, base.fingerprint)
    naming = naming_of(info, base.modules)
    problem = _first_misfit(info, base, naming)
    if problem:
        made_for = f", made for {info.base_model}," if info.base_model else ""
        raise AdapterError(
            f"The adapter {info.path}{made_for} does not fit the base model {base.name}: {problem}.",
            "Set model_name to the base it was made for, or choose another adapter.",
        )
    fit_adapter(info, base.modules)
    warnings = []
    if naming.heads:
        warnings.append(
            f"The adapter {info.path} also changes {', '.join(naming.heads[:_NAMED])}, which {base.name} does not have "
            "and no embedding depends on; they are ignored."
        )
    if not info.base_fingerprint and not _names(info.base_model, base):
        warnings.append(
            f"The adapter {info.path} says it was made for {info.base_model or 'an unnamed model'}; it fits "
            f"{base.name} in shape, but is only correct if both are the same model."
        )
    return warnings


def check_fingerprint(info: AdapterInfo, base_name: str, base_fingerprint: str) -> None:
    """Raise ``AdapterError`` if ``info`` says that it was made for a base with another fingerprint."""
    if info.base_fingerprint and info.base_fingerprint != base_fingerprint:
        raise AdapterError(
            f"The adapter {info.path} was made for {info.base_model or 'a base model'} with the fingerprint "
            f"{info.base_fingerprint}; {base_name} has the fingerprint {base_fingerprint}.",
            "Set model_name to the base it was made for, or train it again on this one.",
        )


def _first_misfit(info: AdapterInfo, base: BaseArchitecture, naming: Naming) -> str:
    layers = [(naming.in_base[layer.module], layer) for layer in info.layers if layer.module in naming.in_base]
    if not layers:
        return "none of its modules are part of an embedding model"
    for module, layer in layers:
        shape = base.modules.get(module)
        if shape is None:
            return f"{base.name} has no module {module}"
        if shape != layer.weight_shape:
            return f"{module} is {_spelled(shape)} in the base and {_spelled(layer.weight_shape)} in the adapter"
    others = (naming.in_base[module] for module in info.other_modules if module in naming.in_base)
    unknown = next((module for module in others if module not in base.modules), None)
    return f"{base.name} has no module {unknown}" if unknown else ""


def _spelled(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _names(named: str, base: BaseArchitecture) -> bool:
    """Whether an adapter that says ``named`` means ``base``.

    ``org/model``, ``model`` and ``~/models/model`` are one. A folder counts as the same on another machine if
    its last two parts are.
    """
    path = PurePath(named)
    return bool(named) and (
        path.name.lower() == PurePath(base.name).name.lower() or path.parts[-2:] == base.folder.parts[-2:]
    )
