"""Which adapters lie in a place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from codecontext.adapters.files import CONFIG_FILE
from codecontext.adapters.inspect import AdapterInfo, inspect_adapter
from codecontext.core.errors import AdapterError


@dataclass(frozen=True, slots=True)
class InvalidAdapter:
    """A folder that means to be an adapter and cannot be used."""

    path: Path
    reason: str


def discover_adapters(roots: Iterable[Path]) -> list[AdapterInfo | InvalidAdapter]:
    """Adapters among ``roots`` and their direct subfolders, each once, sorted by path.

    A folder counts as an adapter when it holds ``adapter_config.json``. Roots that do not exist or cannot be
    listed hold none.
    """
    folders = {folder.resolve(): folder for root in roots for folder in _candidates(root)}
    return [_inspect(folder) for folder in sorted(folders.values())]


def _candidates(root: Path) -> Iterator[Path]:
    try:
        children = list(root.iterdir())
    except OSError:
        return
    yield from (folder for folder in (root, *children) if (folder / CONFIG_FILE).is_file())


def _inspect(folder: Path) -> AdapterInfo | InvalidAdapter:
    try:
        return inspect_adapter(folder)
    except AdapterError as error:
        return InvalidAdapter(folder, str(error))
