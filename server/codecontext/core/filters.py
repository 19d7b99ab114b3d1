"""Which chunks a search may answer with."""

from __future__ import annotations

import re
from dataclasses import dataclass

_GLOB_CHARACTERS = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class ChunkFilter:
    """Conditions on a chunk: any of each kind, all kinds together. Empty means no condition.

    ``paths`` are globs (``src/**/*.py``) or plain pieces of a path (``auth``); one that starts with ``!``
    excludes.
    """

    languages: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.languages or self.paths or self.kinds)


def path_pattern(glob: str) -> str:
    """Regular expression for a path filter, in the syntax that Python and the database share.

    A glob matches from the root of the folder or from any folder below it, and everything inside a folder
    that it names; ``*`` stops at ``/`` and ``**`` does not. A pattern without glob characters matches
    anywhere.
    """
    glob = glob.removeprefix("./")
    if not _GLOB_CHARACTERS.intersection(glob):
        return f"(?i){re.escape(glob)}"
    anchored = glob.startswith("/")
    body = "".join(_translate(token) for token in re.findall(r"\*\*/|\*\*|\*|\?|\[[^]]+\]|.", glob.lstrip("/")))
    return f"(?i)^{'' if anchored else '(.*/)?'}{body}(/.*)?$"


def _translate(token: str) -> str:
    match token:
        case "**/":
            return "(.*/)?"
        case "**":
            return ".*"
        case "*":
            return "[^/]*"
        case "?":
            return "[^/]"
    if token.startswith("[") and token.endswith("]"):
        return "[^" + token[2:] if token[1] == "!" else token
    return re.escape(token)
