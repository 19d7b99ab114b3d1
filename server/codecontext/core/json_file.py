"""JSON files that somebody else wrote: settings of models and adapters, records next to them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from codecontext.core.reading import MAX_RULES_BYTES, read_file

MAX_NESTING = 64
"""Levels of lists and objects inside each other; real files have a handful."""


def read_json_file(path: Path, *, max_bytes: int = MAX_RULES_BYTES) -> Any:
    """The value in the JSON file ``path``; a byte order mark is read over.

    Raises ``OSError`` as ``read_file``, and ``ValueError`` for what is no JSON or nested deeper than ``MAX_NESTING``.
    """
    return parse_json(read_file(path, max_bytes=max_bytes))


def parse_json(content: bytes) -> Any:
    """The value that ``content`` spells, in UTF-8 or with a byte order mark. Raises ``ValueError``."""
    try:
        value = json.loads(content)
    except RecursionError as error:
        raise ValueError(_TOO_DEEP) from error
    # Whoever prints, compares or writes the value recurses again, from further down the stack.
    if _depth_exceeds(value, MAX_NESTING):
        raise ValueError(_TOO_DEEP)
    return value


_TOO_DEEP = f"lists and objects are nested more than {MAX_NESTING} deep"


def _depth_exceeds(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [inner for outer in level for inner in _members(outer) if isinstance(inner, dict | list)]
        if not level:
            return False
    return True


def _members(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
