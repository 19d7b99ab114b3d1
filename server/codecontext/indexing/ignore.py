"""Ignore files in gitignore syntax, nested as git nests them.

gitignore(5) decides entry by entry from the top: the last rule that names *the entry itself* wins, and nothing inside
an ignored folder can be re-included.

An ignore file is somebody else's file like any other. One that is no regular file is left out with a note; git's own
are not read through links, which git refuses as well (since 2.32). ``.codecontextignore`` may be a link, for instance
to ``.gitignore``; where it is a file and cannot be understood, nothing is indexed rather than what it should have kept
out.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import accumulate
from pathlib import Path

from codecontext.core.decoding import split_mark
from codecontext.core.errors import ConfigError
from codecontext.core.reading import MAX_RULES_BYTES, NotRegularFile, read_file
from codecontext.indexing.gitignore import ParsedRules, Rule, Rules, parse_rules, path_bytes

OWN_IGNORE_FILE = ".codecontextignore"
_EXCLUDE_FILE = "exclude"
"""Git's private ignore file, which git reads through links."""

_MAX_IN_MEMORY = 500
"""Compiled expressions of one tree; beyond, files are read again."""

Note = Callable[[str], None]
"""Takes a sentence for the user."""


def no_note(_sentence: str) -> None:
    """For callers to whom nobody listens."""


class IgnorePatterns:
    """The patterns of one ignore file; paths are relative to the folder of that file."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = Rules(rules)

    @classmethod
    def of(cls, lines: Iterable[str]) -> IgnorePatterns:
        """The patterns that are these lines."""
        return cls(parse_rules(map(path_bytes, lines)).rules)

    @classmethod
    def read(cls, path: Path, note: Note = no_note) -> IgnorePatterns | None:
        """Patterns of the file at ``path``; ``None`` if it has none, or is none.

        Read as git does: a byte order mark and the carriage return of CRLF do not count. Raises ``ConfigError`` for a
        ``.codecontextignore`` that is a file and cannot be understood.
        """
        parsed = _parsed(path, note)
        return cls(parsed.rules) if parsed is not None and parsed.rules else None

    def __len__(self) -> int:
        """A measure of the memory that they take."""
        return len(self._rules)

    def verdict(self, path: str, *, is_folder: bool) -> bool | None:
        """``True`` ignored, ``False`` re-included by a negation, ``None`` not mentioned."""
        return self._rules.verdict(path, is_folder=is_folder)

    def cover(self, path: str) -> bool:
        """Whether the last pattern that names the file ``path`` or a folder around it is no negation."""
        return self._rules.verdict_with_folders(path) is True


class NotForGit(Exception):
    """An ignore file is written so that git understands none of its rules; the text says how."""


def check_ignore_file(path: Path, note: Note) -> None:
    """Note what is malformed in the ``.gitignore`` at ``path``, which git reads itself.

    Raises ``NotForGit`` for UTF-16, as PowerShell's ``>`` writes it.
    """
    try:
        data = read_file(path, max_bytes=MAX_RULES_BYTES, follow_links=False)
    except OSError:
        return
    if split_mark(data)[0] not in (None, "utf-8"):
        raise NotForGit(f"{path} is in UTF-16, which git does not read")
    with suppress(ValueError):
        if problems := parse_rules(_lines(data)).problems:
            note(_what_is_malformed(path, problems))


def _parsed(path: Path, note: Note) -> ParsedRules | None:
    """The rules of an ignore file; None where there is none to read."""
    is_own = path.name == OWN_IGNORE_FILE
    try:
        data = read_file(path, max_bytes=MAX_RULES_BYTES, follow_links=is_own or path.name == _EXCLUDE_FILE)
        lines = _lines(data)
    except (FileNotFoundError, NotADirectoryError):
        if is_own and path.is_symlink():
            note(f"{path} is not read: the link is broken.")
        return None
    except NotRegularFile as error:
        note(f"{path} is not read: it {error.strerror}.")
        return None
    except (OSError, ValueError) as error:
        if not _is_there(path):
            return None
        reason = error.strerror or "it cannot be read" if isinstance(error, OSError) else str(error)
        _refuse(path, reason, note, is_own=is_own)
        return None
    parsed = parse_rules(lines)
    if parsed.cut_at is not None:
        _refuse(path, f"it has too many rules; those from line {parsed.cut_at} on are ignored", note, is_own=is_own)
    if parsed.problems:
        note(_what_is_malformed(path, parsed.problems))
    return parsed


def _refuse(path: Path, reason: str, note: Note, *, is_own: bool) -> None:
    """Say that rules do not count; those that the user wrote for us must, so nothing is indexed without them."""
    if is_own:
        raise ConfigError(
            f"{path} cannot be followed, so nothing is indexed: {reason}.",
            "Save it as UTF-8 text with one gitignore pattern per line, or remove it.",
        )
    note(f"{path} is not followed: {reason}.")


def _is_there(path: Path) -> bool:
    """Whether a file can be seen at ``path``: in a folder that cannot be entered nothing is indexed anyway."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def _lines(data: bytes) -> list[bytes]:
    """The lines of an ignore file as UTF-8. Raises ``ValueError`` where its encoding cannot be told."""
    encoding, content = split_mark(data)
    if encoding not in (None, "utf-8"):
        content = content.decode(encoding).encode("utf-8", "surrogatepass")
    if b"\0" in content:
        raise ValueError("it contains NUL bytes, so it is not UTF-8 text")
    return [line.removesuffix(b"\r") for line in content.split(b"\n")]


def _what_is_malformed(path: Path, problems: list[tuple[int, str]]) -> str:
    (line, problem), *others = problems
    count = "1 other line" if len(others) == 1 else f"{len(others):,} other lines"
    more = f", as {'is' if len(others) == 1 else 'are'} {count}" if others else ""
    return f"{path}, line {line} is malformed ({problem}){more}; the other lines apply."


_InnerRules = tuple[tuple[int, IgnorePatterns], ...]
"""Patterns inside a folder, each with the place in a path where the part that those patterns see begins."""

OuterRules = tuple[str, IgnorePatterns]
"""Patterns from above a folder, and that folder's path as they see it: empty, or ending with ``/``."""


class IgnoreTree:
    """All ignore files of one name in a folder, each ruling its own subtree, the deepest first.

    ``outer`` are rules for the whole folder from outside, weakest first. Without a ``filename`` only they
    count. Raises ``ConfigError`` wherever a file is read, as ``IgnorePatterns.read``.
    """

    def __init__(
        self, folder: Path, filename: str | None, outer: Iterable[OuterRules] = (), note: Note = no_note
    ) -> None:
        self._prefix = os.path.join(folder, "")  # noqa: PTH118 - a path for every folder below is built from it
        self._note = note
        self._filename = filename
        self._outer = [rules for rules in reversed(list(outer)) if len(rules[1])]
        self._rules_nothing = filename is None and not self._outer
        self._inner: dict[str, _InnerRules] = {}
        self._in_memory = 0
        self._covering: dict[str, str | None] = {"": None}

    def covering_entry(self, path: str) -> str | None:
        """The topmost ignored entry that is or covers the file ``path``; a folder ends with ``/``."""
        if self._rules_nothing:
            return None
        folder = self.covering_folder(path.rpartition("/")[0])
        return folder or (path if self._is_ignored(path, is_folder=False) else None)

    def covering_folder(self, path: str) -> str | None:
        """The topmost ignored folder that is or covers the folder ``path``, with a trailing ``/``."""
        if self._rules_nothing:
            return None
        if path not in self._covering:
            for parent, folder in unknown_folders(path, self._covering):
                covering = self._covering[parent]
                ignored = covering is None and self._is_ignored(folder, is_folder=True)
                self._covering[folder] = f"{folder}/" if ignored else covering
        return self._covering[path]

    def _is_ignored(self, path: str, *, is_folder: bool) -> bool:
        for start, patterns in self._rules_in(path.rpartition("/")[0]):
            verdict = patterns.verdict(path[start:], is_folder=is_folder)
            if verdict is not None:
                return verdict
        for prefix, patterns in self._outer:
            verdict = patterns.verdict(prefix + path, is_folder=is_folder)
            if verdict is not None:
                return verdict
        return False

    def _rules_in(self, place: str) -> _InnerRules:
        """The patterns that rule what is in the folder ``place``, strongest first."""
        if self._filename is None:
            return ()
        rules = self._inner.get(place)
        if rules is None:
            rules = ()
            for folder in ("", *folders_down_to(place)) if place else ("",):
                known = self._inner.get(folder)
                rules = self._with_own(folder, rules) if known is None else known
        return rules

    def _with_own(self, place: str, around: _InnerRules) -> _InnerRules:
        """The patterns of the folder ``place`` before those that are ``around`` it."""
        file = f"{self._prefix}{place}/{self._filename}" if place else f"{self._prefix}{self._filename}"
        patterns = IgnorePatterns.read(Path(file), self._note) if os.path.lexists(file) else None
        rules = around if patterns is None else ((len(place) + 1 if place else 0, patterns), *around)
        self._in_memory += len(patterns) if patterns is not None else 0
        if self._in_memory > _MAX_IN_MEMORY:
            self._inner.clear()
            self._in_memory = sum(len(kept) for _, kept in rules)
        self._inner[place] = rules
        return rules


def rules_from_above(folder: Path, top: Path | None, filename: str, note: Note = no_note) -> list[OuterRules]:
    """The ignore files between ``folder`` and ``top``, a folder around it, the weakest first."""
    if top is None:
        return []
    above = [place for place in reversed(folder.parents) if place.is_relative_to(top)]
    return [rules for place in above if (rules := read_outer_rules(place / filename, place, folder, note))]


def read_outer_rules(file: Path, place: Path, folder: Path, note: Note = no_note) -> OuterRules | None:
    """The patterns of ``file``, which count from ``place``, as rules for ``folder`` inside it."""
    patterns = IgnorePatterns.read(file, note)
    inside = folder.relative_to(place).as_posix()
    return None if patterns is None else ("" if inside == "." else f"{inside}/", patterns)


def unknown_folders(path: str, known: Container[str]) -> Iterator[tuple[str, str]]:
    """Those of ``folders_down_to(path)`` that are not ``known``, each after the folder around it (empty at the top)."""
    parent = path.rpartition("/")[0]
    if parent in known:
        yield parent, path
        return
    parent = ""
    for folder in folders_down_to(path):
        if folder not in known:
            yield parent, folder
        parent = folder


def folders_down_to(path: str) -> Iterator[str]:
    """``a``, ``a/b``, ``a/b/c`` for ``a/b/c``."""
    return accumulate(path.split("/"), lambda parent, name: f"{parent}/{name}")
