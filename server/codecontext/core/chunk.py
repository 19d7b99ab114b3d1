"""The unit that is embedded, stored and found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
