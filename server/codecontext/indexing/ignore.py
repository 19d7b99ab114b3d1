r"""Ignore files in gitignore syntax, nested as git nests them.

The patterns are compiled by pathspec. pathspec answers for files and lets a pattern cover everything below
what it names, which is right for one flat list but not for a walk: gitignore(5) decides entry by entry from
the top, the last pattern that names *the entry itself* wins, and nothing inside an ignored folder can be
taken back. So each path is matched with a mark at its end that says what it is, and each pattern ends with
the mark it accepts; a pattern then matches an entry or it does not, and never through a parent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain
from pathlib import Path

from pathspec import GitIgnoreSpec
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

OWN_IGNORE_FILE = ".codecontextignore"

_FILE = "\x1eF"
_FOLDER = "\x1eD"
_ANY = "\x1e?"


class IgnorePatterns:
    """The patterns of one ignore file; paths are relative to the folder of that file."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._spec = GitIgnoreSpec(chain.from_iterable(map(_compiled, lines)))

    @classmethod
    def read(cls, path: Path) -> IgnorePatterns | None:
        """Patterns of the file at ``path``; ``None`` if it has none.

        Read as git does: a byte order mark and the carriage return of CRLF do not count. A file that cannot
        be read ignores nothing, which is git's rule too.
        """
        try:
            text = path.read_bytes().decode("utf-8-sig", "surrogateescape")
        except OSError:
            return None
        patterns = cls(line.removesuffix("\r") for line in text.split("\n"))
        return patterns if patterns._spec.patterns else None

    def verdict(self, path: str, *, is_folder: bool) -> bool | None:
        """``True`` ignored, ``False`` taken back by a negation, ``None`` not mentioned."""
        return self._spec.check_file(path + (_FOLDER if is_folder else _FILE)).include


OuterRules = tuple[str, IgnorePatterns]
"""Patterns from above a folder, and that folder's path as they see it: empty, or ending with ``/``."""


class IgnoreTree:
    """All ignore files of one name in a folder, each ruling its own subtree, the deepest first.

    ``outer`` are rules for the whole folder from outside, weakest first. Without a ``filename`` only they
    count.
    """

    def __init__(self, folder: Path, filename: str | None, outer: Iterable[OuterRules] = ()) -> None:
        self._folder = folder
        self._filename = filename
        self._outer = list(outer)
        self._patterns: dict[str, IgnorePatterns | None] = {}
        self._covering: dict[str, str | None] = {"": None}

    def covering_entry(self, path: str) -> str | None:
        """The topmost ignored entry that is or covers the file ``path``; a folder ends with ``/``."""
        folder = self.covering_folder(path.rpartition("/")[0])
        return folder or (path if self._is_ignored(path, is_folder=False) else None)

    def covering_folder(self, path: str) -> str | None:
        """The topmost ignored folder that is or covers the folder ``path``, with a trailing ``/``."""
        if path not in self._covering:
            covering = None
            for folder in folders_down_to(path):
                if folder not in self._covering:
                    ignored = covering is None and self._is_ignored(folder, is_folder=True)
                    self._covering[folder] = f"{folder}/" if ignored else covering
                covering = self._covering[folder]
        return self._covering[path]

    def _is_ignored(self, path: str, *, is_folder: bool) -> bool:
        for inside, patterns in self._patterns_for(path):
            verdict = patterns.verdict(inside, is_folder=is_folder)
            if verdict is not None:
                return verdict
        return False

    def _patterns_for(self, path: str) -> Iterator[tuple[str, IgnorePatterns]]:
        """Patterns that rule ``path``, strongest first, each with the path as those patterns see it."""
        place = path
        while place and self._filename is not None:
            place = place.rpartition("/")[0]
            if place not in self._patterns:
                self._patterns[place] = IgnorePatterns.read(self._folder / place / self._filename)
            patterns = self._patterns[place]
            if patterns is not None:
                yield path[len(place) :].lstrip("/"), patterns
        for prefix, patterns in reversed(self._outer):
            yield prefix + path, patterns


def rules_from_above(folder: Path, top: Path | None, filename: str) -> list[OuterRules]:
    """The ignore files between ``folder`` and ``top``, a folder around it, the weakest first."""
    if top is None:
        return []
    above = [place for place in reversed(folder.parents) if place.is_relative_to(top)]
    return [rules for place in above if (rules := read_outer_rules(place / filename, place, folder))]


def read_outer_rules(file: Path, place: Path, folder: Path) -> OuterRules | None:
    """The patterns of ``file``, which count from ``place``, as rules for ``folder`` inside it."""
    patterns = IgnorePatterns.read(file)
    inside = folder.relative_to(place).as_posix()
    return None if patterns is None else ("" if inside == "." else f"{inside}/", patterns)


def folders_down_to(path: str) -> Iterator[str]:
    """``a``, ``a/b``, ``a/b/c`` for ``a/b/c``."""
    return accumulate(path.split("/"), lambda parent, name: f"{parent}/{name}")


def _compiled(line: str) -> Sequence[GitIgnoreSpecPattern]:
    """The pattern of ``line``; none if it is blank, a comment, or malformed, which git takes for no match."""
    pattern = _without_trailing_spaces(line)
    body = pattern.removesuffix("/")
    if not pattern or pattern.startswith("#") or _ends_with_lone_backslash(body):
        return ()
    mark = _FOLDER if pattern.endswith("/") else _ANY
    if body.endswith("/**"):
        body += "/*"  # everything inside, at any depth: the mark needs a last segment to stand on
    try:
        return tuple(GitIgnoreSpec.from_lines([body + mark]).patterns)
    except ValueError:
        return ()


def _without_trailing_spaces(line: str) -> str:
    stripped = line.rstrip(" ")
    if stripped != line and _ends_with_lone_backslash(stripped):
        return stripped + " "
    return stripped


def _ends_with_lone_backslash(pattern: str) -> bool:
    return (len(pattern) - len(pattern.rstrip("\\"))) % 2 == 1
