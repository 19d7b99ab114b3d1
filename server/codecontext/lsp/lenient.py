"""Reads what can be read of a message: one invalid member must not cost all others."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from cattrs import transform_error
from pygls.exceptions import JsonRpcException

_MAX_ROUNDS = 20
"""Leaving out a member may make its owner unreadable, and so on outwards; messages are not nested deeper."""
_PLACE = re.compile(r"@ message((?:\.\w+|\[\d+\])+)$")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

Path = tuple[str | int, ...]


def read_leniently(message: dict[str, Any], read: Callable[[dict[str, Any]], Any]) -> tuple[Any, list[str]]:
    """``message`` as ``read`` has it, without what it cannot read, and where that was, as ``params.event.added[2]``.

    A required member takes its owner along. Raises what ``read`` raised first, a ``JsonRpcException``, where
    nothing is left that could be read.
    """
    left_out: list[str] = []
    errors: list[JsonRpcException] = []
    rest = message
    while len(errors) < _MAX_ROUNDS:
        try:
            return read(rest), left_out
        except JsonRpcException as error:
            errors.append(error)
            rest = copy.deepcopy(rest)
            found = {_found(rest, path) for path in map(_path_of, problems_of(error))}
            if () in found:
                break
            for keys in _outermost_only(found):
                _remove(rest, keys)
                left_out.append("".join(map(_written, keys)).removeprefix("."))
    raise errors[0]


def problems_of(error: JsonRpcException) -> list[str]:
    """What could not be read and where, as cattrs reports it."""
    return transform_error(error.__cause__, path="message") if error.__cause__ is not None else [error.message]


def _path_of(problem: str) -> Path:
    """What to leave out; empty where that is unknown."""
    match = _PLACE.search(problem)
    steps: list[str | int] = [name or int(index) for name, index in _STEP.findall(match[1])] if match else []
    return tuple(steps[:-1] if problem.startswith("required field missing") else steps)


def _found(message: Any, path: Path) -> Path:
    """``path`` as the keys of ``message``, below its parameters; empty if it cannot be left out.

    Where the path goes through something that is no object or array, that is what to leave out.
    """
    keys: list[str | int] = []
    for step in path:
        owner = _at(message, keys)
        if not isinstance(owner, dict | list):
            break
        key = _key(owner, step)
        if key is None:
            return ()
        keys.append(key)
    return tuple(keys) if len(keys) > 1 and keys[0] == "params" else ()


def _outermost_only(paths: set[Path]) -> list[Path]:
    """Without those inside of others; later items of an array first, so that the indexes of the others stay valid."""
    outer = [path for path in paths if not any(path[:size] in paths for size in range(1, len(path)))]
    return sorted(outer, key=lambda path: [f"{step:09}" if isinstance(step, int) else step for step in path])[::-1]


def _remove(message: Any, keys: Path) -> None:
    del _at(message, keys[:-1])[keys[-1]]


def _at(message: Any, keys: Sequence[str | int]) -> Any:
    return reduce(lambda owner, key: owner[key], keys, message)


def _key(owner: Any, step: str | int) -> str | int | None:
    """A step of cattrs, which names attributes, as it is in JSON."""
    if isinstance(owner, list):
        return step if isinstance(step, int) and step < len(owner) else None
    if isinstance(owner, dict):
        return next((name for name in owner if _HUMP.sub("_", name).lower() == step), None)
    return None


def _written(key: str | int) -> str:
    return f"[{key}]" if isinstance(key, int) else f".{key}"
