"""Which modules of a model an adapter's configuration selects, as PEFT reads it but in linear time.

PEFT matches patterns of the configuration with ``re``, which one crafted pattern keeps busy forever. Here they are
matched with RE2, and PEFT is given names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from codecontext.adapters.files import CONFIG_FILE, shown
from codecontext.adapters.lora_config import ALL_LINEAR, LoraSettings
from codecontext.core.errors import AdapterError
from codecontext.core.patterns import BadPattern, Pattern

_T = TypeVar("_T")

MAX_PATTERNS = 10_000
"""Of one field. PEFT writes one for each module at most."""

_MAX_REASON = 120


class Targets:
    """The patterns of one configuration. Names are those of the model that the adapter was trained in.

    Raises ``AdapterError`` for a pattern that RE2 cannot take, with the file and the field.
    """

    def __init__(self, path: Path, settings: LoraSettings) -> None:
        self._file = path / CONFIG_FILE
        self._settings = settings
        targets, excluded = settings.target_modules, settings.exclude_modules
        self.takes_all_linear = isinstance(targets, str) and targets.lower() == ALL_LINEAR
        """Whether PEFT would ask the model, not its names."""
        self._target = self._whole("target_modules", targets) if isinstance(targets, str) else None
        self._excluded = self._whole("exclude_modules", excluded) if isinstance(excluded, str) and excluded else None
        self._layers = [
            self._compiled("layers_pattern", pattern, rf"(?:.*\.)?(?:{pattern})")
            for pattern in _listed(settings.layers_pattern)
        ]
        self._ranks = self._by_pattern("rank_pattern", settings.rank_pattern)
        self._alphas = self._by_pattern("alpha_pattern", settings.alpha_pattern)

    def selects(self, module: str) -> bool:
        """Whether PEFT would adapt ``module``, if it is a layer that can be."""
        if self._excludes(module):
            return False
        if self._target is not None:
            return self.takes_all_linear or self._target.matches(module)
        if module in self._target_names:
            return True
        return any(end in self._target_names for end in _ends(module)) and self._is_in_layers(module)

    def rank(self, module: str) -> int:
        """The rank that is configured for ``module``."""
        return _first_match(self._ranks, module, self._settings.r)

    def alpha(self, module: str) -> float:
        """The alpha that is configured for ``module``."""
        return _first_match(self._alphas, module, self._settings.lora_alpha)

    @cached_property
    def _target_names(self) -> frozenset[str]:
        return frozenset(_listed(self._settings.target_modules))

    @cached_property
    def _excluded_names(self) -> frozenset[str]:
        excluded = self._settings.exclude_modules
        return frozenset(excluded) if isinstance(excluded, list) else frozenset()

    def _excludes(self, module: str) -> bool:
        if self._excluded is not None and self._excluded.matches(module):
            return True
        if any(end in self._excluded_names for end in (module, *_ends(module))):
            return True
        # What is saved as a whole is not adapted as well.
        return any(f".{name}." in f".{module}." for name in self._settings.modules_to_save or ())

    def _is_in_layers(self, module: str) -> bool:
        wanted = self._settings.layers_to_transform
        if wanted is None or wanted == []:
            return True
        return self._layer_number(module) in (wanted if isinstance(wanted, list) else [wanted])

    def _layer_number(self, module: str) -> int | None:
        """The first number in the module's path that counts layers; ``layers_pattern`` names their list."""
        parts = module.split(".")
        for position, part in enumerate(parts[:-1]):
            if not (part.isascii() and part.isdigit()):
                continue
            before = ".".join(parts[:position])
            if any(pattern.matches(before) for pattern in self._layers) or (not self._layers and position >= 2):
                return int(part)
        return None

    def _by_pattern(self, field: str, given: Mapping[str, _T] | None) -> list[tuple[Pattern, _T]]:
        values = given or {}
        if len(values) > MAX_PATTERNS:
            raise AdapterError(
                f"{self._file} has {len(values):,} patterns in {field}.", f"Write {MAX_PATTERNS:,} at most."
            )
        return [
            (self._compiled(field, pattern, rf"(?:.*\.)?(?:{pattern})"), value) for pattern, value in values.items()
        ]

    def _whole(self, field: str, pattern: str) -> Pattern:
        return self._compiled(field, pattern, pattern)

    def _compiled(self, field: str, pattern: str, around: str) -> Pattern:
        """``around`` compiled, which has ``pattern`` in it."""
        try:
            Pattern(pattern)  # which need not be well-formed because what is around it is
            return Pattern(around)
        except BadPattern as reason:
            said = str(reason)[:_MAX_REASON]  # it may quote all of the pattern
            raise AdapterError(
                f"{self._file}: the pattern {shown(pattern)} in {field} cannot be used: {said}.",
                "Write it without look-around and back-references, or list the names of the modules.",
            ) from reason


def _listed(value: str | list[str] | None) -> list[str]:
    return value if isinstance(value, list) else [value] if value else []


def _ends(module: str) -> Iterator[str]:
    """The path without its first part, without its first two, and so on."""
    rest = module.partition(".")[2]
    while rest:
        yield rest
        rest = rest.partition(".")[2]


def _first_match(values: Iterable[tuple[Pattern, _T]], module: str, otherwise: _T) -> _T:
    return next((value for pattern, value in values if pattern.matches(module)), otherwise)
