"""Where adapters are kept, and which one a name stands for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from codecontext.adapters.discover import discover_adapters
from codecontext.adapters.files import has_config
from codecontext.adapters.inspect import AdapterInfo
from codecontext.core.errors import AdapterError
from codecontext.core.paths import codecontext_home, expand_user

BASE = "base"
"""The name for no adapter: the base model alone."""


def user_adapters() -> Path:
    """The user's own adapters."""
    return codecontext_home() / "adapters"


def project_adapters(folder: Path) -> Path:
    """Where a project keeps adapters for everyone who works on it."""
    return folder / ".codecontext" / "adapters"


def adapter_places(folder: Path, configured: Sequence[str]) -> list[Path]:
    """All folders whose subfolders may be adapters, for the project in ``folder``."""
    more = (folder / expand_user(place) for place in configured)
    return [user_adapters(), project_adapters(folder), *more]


def find_adapter(name: str, places: Sequence[Path]) -> Path | None:
    """Folder of the adapter called ``name``: a path, or its name in one of ``places``; None for ``base``.

    Raises ``AdapterError`` if there is none, or several of that name.
    """
    if name == BASE:
        return None
    path = expand_user(name)
    if path.is_absolute() or os.sep in name or name.startswith(".") or has_config(path):
        return path.absolute()
    found = [item for item in discover_adapters(places) if isinstance(item, AdapterInfo)]
    named = [item for item in found if name in (item.name, item.path.name)]
    if not named:
        raise _unknown(name, found, places)
    if len(named) > 1:
        listed = ", ".join(str(item.path) for item in named)
        raise AdapterError(f"'{name}' is the name of several adapters: {listed}.", "Give the folder of one of them.")
    return named[0].path


def _unknown(name: str, found: Sequence[AdapterInfo], places: Sequence[Path]) -> AdapterError:
    nearest = get_close_matches(name, [item.name for item in found], n=1, cutoff=0.6)
    searched = ", ".join(str(place) for place in places)
    hint = f"Did you mean {nearest[0]}?" if nearest else "'codecontext adapter list' shows the available ones."
    return AdapterError(f"There is no adapter '{name}' in {searched}.", hint)
