r"""Lines of ignore files as git understands them, matched in linear time.

A line becomes a regular expression for RE2 with the meaning of git's ``dir.c`` and ``wildmatch.c``, on bytes: names
need not be UTF-8, and git compares bytes. pathspec compiles such lines, too, but into expressions for Python's ``re``,
which backtracks; its set of RE2 expressions gives up on long files, and it reads brackets in another way than git
(``[[:space:]]``, ``[z-a]``, ``[\d-a]``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby

import re2

_MAX_RULES = 10_000
_MAX_WILDCARDS = 20_000
"""Of all rules of a file together: they decide how long matching takes and how much memory."""
_LONGEST_RULE = 4_000
"""Bytes of a rule; no longer path exists."""

_FOLDER = b"\0"
"""Stands behind the path of a folder; no name holds it."""
_IN_NAME = rb"[^/\x00]"
_ANYTHING = rb"[^\x00]*"
_LITERAL = re.compile(rb"[^*?\[\\]*")
_WILDCARDS = (b"*", b"?", b"[")

_BATCH_BYTES = 4_000
"""Rules are matched many at a time; so long an expression always fits into ``_BATCH_MEMORY``."""
_BATCH_MEMORY = 512_000
_RULE_MEMORY = 8_000_000

_SPACES = frozenset(b" \t\n\r")
_DIGITS = frozenset(b"0123456789")
_LOWER = frozenset(range(ord("a"), ord("z") + 1))
_UPPER = frozenset(range(ord("A"), ord("Z") + 1))
_PRINTED = frozenset(range(0x20, 0x7F))
_CLASSES = {
    b"alnum": _LOWER | _UPPER | _DIGITS,
    b"alpha": _LOWER | _UPPER,
    b"blank": frozenset(b" \t"),
    b"cntrl": frozenset(range(0x20)) | {0x7F},
    b"digit": _DIGITS,
    b"graph": _PRINTED - _SPACES,
    b"lower": _LOWER,
    b"print": _PRINTED,
    b"punct": _PRINTED - _SPACES - _LOWER - _UPPER - _DIGITS,
    b"space": _SPACES,
    b"upper": _UPPER,
    b"xdigit": _DIGITS | frozenset(b"abcdefABCDEF"),
}
_NAME_BYTES = frozenset(range(1, 256)) - {ord("/")}


class _MatchesNothing(Exception):
    """The glob can match no name; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line that is no comment.

    ``expression`` is what RE2 matches with a path, None where the line matches nothing. ``fault`` says what is
    malformed, empty if nothing is.
    """

    expression: bytes | None
    re_includes: bool
    fault: str = ""


def parse_rule(line: bytes) -> Rule | None:
    """The rule that ``line`` (without its end) is; None for a comment or a line that is blank or has no name."""
    text = _without_trailing_spaces(line)
    if text.startswith(b"#"):
        return None
    re_includes = text.startswith(b"!")
    glob = text[re_includes:]
    folders_only = glob.endswith(b"/")
    glob = glob.removesuffix(b"/")
    if not glob:
        return None
    if len(glob) > _LONGEST_RULE:
        return Rule(None, re_includes, f"it has more than {_LONGEST_RULE:,} bytes")
    problems: list[str] = []
    try:
        body = _from_the_top(glob, problems) if b"/" in glob else _at_any_depth(glob, problems)
    except _MatchesNothing as fault:
        return Rule(None, re_includes, str(fault))
    mark = rb"\x00" if folders_only else rb"\x00?"
    return Rule(body + mark, re_includes, problems[0] if problems else "")


@dataclass(frozen=True, slots=True)
class ParsedRules:
    """The rules of some lines.

    ``problems`` are the numbers of malformed lines (1-based), each with what is wrong. ``cut_at`` is the first line
    that was not read because there are too many rules or wildcards; None if all were.
    """

    rules: list[Rule]
    problems: list[tuple[int, str]]
    cut_at: int | None = None


def parse_rules(lines: Iterable[bytes]) -> ParsedRules:
    """The rules of ``lines``, as many as can be matched in reasonable time."""
    parsed = ParsedRules([], [])
    wildcards = 0
    for number, line in enumerate(lines, start=1):
        rule = parse_rule(line)
        if rule is None:
            continue
        wildcards += sum(map(line.count, _WILDCARDS))
        if len(parsed.rules) == _MAX_RULES or wildcards > _MAX_WILDCARDS:
            return replace(parsed, cut_at=number)
        parsed.rules.append(rule)
        if rule.fault:
            parsed.problems.append((number, rule.fault))
    return parsed


class Rules:
    """Rules in their order; the last one that matches decides."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        usable = [rule for rule in rules if rule.expression is not None]
        self._batches: list[tuple[bool, re2._Regexp]] = [
            (not re_includes, batch)
            for re_includes, same in groupby(usable, key=lambda rule: rule.re_includes)
            for batch in _compiled([rule.expression or b"" for rule in same])
        ]

    def __len__(self) -> int:
        """How many compiled expressions the rules are, a measure of their memory."""
        return len(self._batches)

    def verdict(self, path: str, *, is_folder: bool) -> bool | None:
        """Whether the last rule that names ``path`` ignores it or takes it back; ``None`` if none names it."""
        return self._last_match([path_bytes(path) + (_FOLDER if is_folder else b"")])

    def verdict_with_folders(self, path: str) -> bool | None:
        """As ``verdict``, of the last rule that names the file ``path`` or a folder around it."""
        name = path_bytes(path)
        folders = [name[:place] + _FOLDER for place, char in enumerate(name) if char == ord("/")]
        return self._last_match([name, *folders])

    def _last_match(self, names: Sequence[bytes]) -> bool | None:
        ignores: bool
        for ignores, batch in reversed(self._batches):
            if any(batch.fullmatch(name) for name in names):
                return ignores
        return None


def path_bytes(path: str) -> bytes:
    """The bytes that ``path`` stands for: Python keeps what is no UTF-8 as lone surrogates."""
    try:
        return path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # Windows: half a surrogate pair is part of the name
        return path.encode("utf-8", "surrogatepass")


def _without_trailing_spaces(line: bytes) -> bytes:
    stripped = line.rstrip(b" ")
    escaped = (len(stripped) - len(stripped.rstrip(b"\\"))) % 2
    return stripped + b" " if escaped and stripped != line else stripped


def _at_any_depth(glob: bytes, problems: list[str]) -> bytes:
    return rb"(?:[^\x00]*/)?" + _translated(glob, problems)


def _from_the_top(glob: bytes, problems: list[str]) -> bytes:
    """A glob with a slash counts from the top. Git compares the part before the first wildcard by itself."""
    glob = glob.removeprefix(b"/")
    literal = _LITERAL.match(glob)
    start = literal.end() if literal else 0
    return _quoted(glob[:start]) + _translated(glob[start:], problems)


def _translated(glob: bytes, problems: list[str]) -> bytes:
    """The glob as a regular expression; what is malformed and yet matches something is added to ``problems``."""
    parts: list[bytes] = []
    place = 0
    while place < len(glob):
        char = glob[place : place + 1]
        if char == b"*":
            part, place = _stars(glob, place)
        elif char == b"[":
            part, place = _bracket(glob, place + 1, problems)
        elif char == b"\\":
            if place + 1 == len(glob):
                raise _MatchesNothing("it ends with a backslash")
            part, place = _quoted(glob[place + 1 : place + 2]), place + 2
        else:
            part, place = (_IN_NAME if char == b"?" else _quoted(char)), place + 1
        parts.append(part)
    return b"".join(parts)


def _stars(glob: bytes, start: int) -> tuple[bytes, int]:
    """One star or many, and the place behind them: two or more that are a whole segment cross folders."""
    end = start
    while glob[end : end + 1] == b"*":
        end += 1
    behind = glob[end : end + 2]
    opens = start == 0 or glob[start - 1 : start] == b"/"
    closes = not behind or behind.startswith(b"/") or behind == b"\\/"
    if end - start == 1 or not (opens and closes):
        return _IN_NAME + b"*", end
    if behind.startswith(b"/"):
        return rb"(?:[^\x00]*/)?", end + 1
    return _ANYTHING, end


def _bracket(glob: bytes, place: int, problems: list[str]) -> tuple[bytes, int]:
    """The set that stands at ``place``, behind its ``[``, and the place behind its ``]``."""
    negated = glob[place : place + 1] in (b"!", b"^")
    place += negated
    members: set[int] = set()
    previous: int | None = None
    first = True
    while first or glob[place : place + 1] != b"]":
        first = False
        if glob[place : place + 1] == b"-" and previous is not None and glob[place + 1 : place + 2] not in (b"", b"]"):
            last, place = _member(glob, place + 1)
            if last < previous:
                problems.append("a range in brackets is in reverse order")
            members.update(range(previous, last + 1))
            previous = None
        elif (named := _named_class(glob, place)) is not None:
            members |= named[0]
            previous, place = None, named[1]
        else:
            previous, place = _member(glob, place)
            members.add(previous)
    chosen = _NAME_BYTES - members if negated else _NAME_BYTES & members
    if not chosen:
        raise _MatchesNothing("no character matches its brackets")
    return _as_set(chosen), place + 1


def _member(glob: bytes, place: int) -> tuple[int, int]:
    """The byte at ``place`` of a set, which a backslash may escape, and the place behind it."""
    place += glob[place : place + 1] == b"\\"
    if place >= len(glob):
        raise _MatchesNothing("'[' has no ']'")
    return glob[place], place + 1


def _named_class(glob: bytes, place: int) -> tuple[frozenset[int], int] | None:
    """The class ``[:name:]`` at ``place`` of a set and the place behind it; None where none stands there."""
    if glob[place : place + 2] != b"[:":
        return None
    end = glob.find(b"]", place + 2)
    if end < 0:
        raise _MatchesNothing("'[' has no ']'")
    if end == place + 2 or glob[end - 1 : end] != b":":
        return None
    name = glob[place + 2 : end - 1]
    if name not in _CLASSES:
        raise _MatchesNothing("it names an unknown class of characters")
    return _CLASSES[name], end + 1


@lru_cache(maxsize=256)
def _as_set(members: frozenset[int]) -> bytes:
    numbers = sorted(members)
    runs = [list(run) for _, run in groupby(enumerate(numbers), key=lambda item: item[1] - item[0])]
    return b"[%s]" % b"".join(rb"\x%02x-\x%02x" % (run[0][1], run[-1][1]) for run in runs)


def _quoted(text: bytes) -> bytes:
    return b"".join(
        bytes([char]) if chr(char).isascii() and chr(char).isalnum() else rb"\x%02x" % char for char in text
    )


def _compiled(expressions: Sequence[bytes]) -> Iterator[re2._Regexp]:
    """The expressions joined to a few that RE2 can hold."""
    for batch in _batches(expressions):
        try:
            yield _compile(b"|".join(batch), _BATCH_MEMORY)
        except re2.error:  # brackets take more room than their text
            for expression in batch:
                yield _compile(expression, _RULE_MEMORY)


def _batches(expressions: Iterable[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for expression in expressions:
        if batch and size + len(expression) > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(expression)
        size += len(expression)
    if batch:
        yield batch


def _compile(expression: bytes, memory: int) -> re2._Regexp:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1  # bytes as they are
    options.max_mem = memory
    options.log_errors = False
    options.never_capture = True
    return re2.compile(expression, options)
