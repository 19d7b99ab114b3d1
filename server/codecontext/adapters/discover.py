"""Finds adapters in folders."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from codecontext.adapters.files import has_config
from codecontext.adapters.inspect import AdapterInfo, inspect_adapter
from codecontext.core.errors import AdapterError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class InvalidAdapter:
    """A folder with an ``adapter_config.json`` that cannot be used as an adapter."""

    path: Path
    reason: str


def discover_adapters(roots: Iterable[Path]) -> list[AdapterInfo | InvalidAdapter]:
    """Adapters among ``roots`` and their direct subfolders, each once, sorted by path.

    A folder counts as an adapter when it holds ``adapter_config.json``. Roots that do not exist or cannot be
    listed hold none.
    """
    folders = {os.path.realpath(folder): folder for root in roots for folder in _candidates(root)}
    return [_inspect(folder) for folder in sorted(folders.values())]


def _candidates(root: Path) -> Iterator[Path]:
    try:
        children = list(root.iterdir())
    except OSError:
        return
    yield from (folder for folder in (root, *children) if has_config(folder))


def _inspect(folder: Path) -> AdapterInfo | InvalidAdapter:
    try:
        return inspect_adapter(folder)
    except AdapterError as error:
        return InvalidAdapter(folder, str(error))
    except Exception as error:
        logger.debug("Inspecting the adapter %s failed", folder, exc_info=error)
        return InvalidAdapter(folder, f"{folder} cannot be read as an adapter: {error}")
