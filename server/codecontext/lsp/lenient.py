"""Reads what can be read of a message in which something cannot: one odd member must not cost all others."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

from cattrs import transform_error
from pygls.exceptions import JsonRpcException

_MOST_ROUNDS = 20
"""Leaving out a member may make its owner unreadable, and so on outwards; messages are not nested deeper."""
_PLACE = re.compile(r"@ message((?:\.\w+|\[\d+\])+)$")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

Path = tuple[str | int, ...]


def read_leniently(message: dict[str, Any], read: Callable[[dict[str, Any]], Any]) -> tuple[Any, list[str]]:
    """``message`` as ``read`` has it, without what it cannot read, and where that was, as ``params.event.added[2]``.

    A member that is needed takes its owner along. Raises what ``read`` raised first, a ``JsonRpcException``, where
    nothing is left that could be read.
    """
    left_out: list[str] = []
    faults: list[JsonRpcException] = []
    rest = message
    while len(faults) < _MOST_ROUNDS:
        try:
            return read(rest), left_out
        except JsonRpcException as error:
            faults.append(error)
            rest = copy.deepcopy(rest)
            removed = [_remove(rest, path) for path in _outermost_last(problems_of(error))]
            if not all(removed):
                break
            left_out += removed
    raise faults[0]


def problems_of(error: JsonRpcException) -> list[str]:
    """What could not be read and where, as cattrs tells it."""
    return transform_error(error.__cause__, path="message") if error.__cause__ is not None else [error.message]


def _outermost_last(problems: list[str]) -> list[Path]:
    """Places that are to go, later items of a list first."""
    paths = set()
    for problem in problems:
        match = _PLACE.search(problem)
        steps = [name or int(index) for name, index in _STEP.findall(match[1])] if match else []
        paths.add(tuple(steps[:-1] if problem.startswith("required field missing") else steps))
    return sorted(paths, key=lambda path: [f"{step:09}" if isinstance(step, int) else step for step in path])[::-1]


def _remove(message: Any, path: Path) -> str:
    """Remove what stands at ``path``; where that was, or empty text if it cannot be left out."""
    if len(path) < 2 or path[0] != "params":
        return ""
    owner, place = message, ""
    for step in path[:-1]:
        key = _key(owner, step)
        if key is None:
            return ""
        owner, place = owner[key], place + _written(key)
    key = _key(owner, path[-1])
    if key is None:
        return ""
    del owner[key]
    return (place + _written(key)).removeprefix(".")


def _key(owner: Any, step: str | int) -> str | int | None:
    """A step of cattrs', which names attributes, as JSON has it."""
    if isinstance(owner, list):
        return step if isinstance(step, int) and step < len(owner) else None
    if isinstance(owner, dict):
        return next((name for name in owner if _HUMP.sub("_", name).lower() == step), None)
    return None


def _written(key: str | int) -> str:
    return f"[{key}]" if isinstance(key, int) else f".{key}"
