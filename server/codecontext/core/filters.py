"""Which chunks a search may answer with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from codecontext.core.globs import literal_filter


@dataclass(frozen=True, slots=True)
class ChunkFilter:
    """Conditions on a chunk: any of each kind, all kinds together. Empty means no condition.

    A value that starts with ``!`` excludes. ``paths`` are globs (``src/**/*.py``) or plain pieces of a path
    (``auth``), as ``path_pattern`` reads them.
    """

    languages: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.languages or self.paths or self.kinds)

    def with_literal_paths(self, is_known: Callable[[str], bool]) -> ChunkFilter:
        """The same filter, in which the name of a path or folder stands for just that; see ``literal_filter``."""
        return replace(self, paths=tuple(_literal(path, is_known) for path in self.paths))


def _literal(path: str, is_known: Callable[[str], bool]) -> str:
    sign = "!" if path.startswith("!") else ""
    return sign + literal_filter(path.removeprefix("!"), is_known)
