"""The unit that is embedded, stored and found, and which of them a search may answer with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from codecontext.core.globs import literal_filter


class ChunkKind(StrEnum):
    """What a chunk is in its language."""

    FUNCTION = "function"
    METHOD = "method"
    CLASS = "class"
    MODULE = "module"
    SECTION = "section"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class Chunk:
    r"""A span of one file that is embedded as one.

    ``path`` is relative to the indexed folder, with ``/``. Lines are 1-based and inclusive, counted as
    editors count them (``\n``, ``\r\n`` and lone ``\r`` end a line). ``text`` is the source of those lines,
    decoded and with ``\n`` line ends. ``symbol``, ``qualified_name``, ``signature`` and ``doc`` are empty
    where they make no sense.
    """

    path: str
    language: str
    kind: ChunkKind
    start_line: int
    end_line: int
    text: str
    symbol: str = ""
    qualified_name: str = ""
    signature: str = ""
    doc: str = ""


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
