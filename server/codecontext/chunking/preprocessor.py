"""C and its family as a parser without a preprocessor can read them.

A grammar knows no macros and sees every branch of ``#if`` at once. So a class whose head is split between two branches,
or has ``X_API`` before its name, is no class to it. ``without_macros`` gives source of the same length and with the
same lines, in which such places are blank: what it finds there is where it is in the file.

Everything here takes time that is linear in the source: each expression takes what it reads and never gives it back.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field

_MASKED = re.compile(
    rb"""
      //[^\n]*+
    | /\*.*?(?:\*/|\Z)
    | \b(?:u8|[uUL])?R"([^()\\\s]{0,16})\(.*?(?:\)\1"|\Z)
    | "[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"?
    | \b\d[\w.']*+
    | '[^'\\\n]*+(?:\\.[^'\\\n]*+)*+'?
    | ^[ \t]*+\#(?:[^\n\\/"]++|\\.|//[^\n]*+|/\*.*?(?:\*/|\Z)|"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"?|/)*+
    """,
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)
_KEYWORD = re.compile(rb"[ \t]*#[ \t]*(\w*)")
_NEVER = re.compile(rb"[ \t]*#[ \t]*if[ \t]+0\b")
_IN_C_ONLY = re.compile(rb"[ \t]*#[ \t]*if(?:ndef[ \t]+|[ \t]+![ \t]*defined[ \t(]+)__cplusplus\b")
_BLANK = bytes(byte if byte in b"\n\r" else 0x20 for byte in range(256))
_ODD_CONDITION = re.compile(rb"[<\":@]")
_LONG_COMMENT = re.compile(rb"/\*.*?(?:\*/|\Z)", re.DOTALL)
_BLANK_BUT_CONTINUED = bytes(byte if byte in b"\n\r\\" else 0x20 for byte in range(256))
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"{}()")
# What cannot be the last character of whole statements, wherever they stand.
_GOES_ON = b",(&|=+"


def blank(text: bytes | bytearray) -> bytes:
    """Spaces and line ends in place of ``text``."""
    return bytes(text.translate(_BLANK))


@dataclass(slots=True)
class Directive:
    """A line ``#...`` with the lines that continue it."""

    start: int
    end: int
    keyword: bytes
    text: bytes


@dataclass(slots=True)
class CSource:
    r"""Source in a language that has a preprocessor, byte for byte as long as the file.

    ``code`` has neither comments nor directives; of a string or a character only the first quote is left.
    ``readable`` is what a parser shall read.
    """

    code: bytearray
    readable: bytearray
    directives: list[Directive]

    def erase(self, start: int, end: int) -> None:
        """Make what stands there blank for the parser and for us."""
        self.code[start:end] = blank(self.code[start:end])
        self.readable[start:end] = blank(self.readable[start:end])


def lex(source: bytes) -> CSource:
    """Tell code from comments, literals and directives."""
    parts: list[bytes] = []
    directives: list[Directive] = []
    last = 0
    for match in _MASKED.finditer(source):
        start, end = match.span()
        parts.append(source[last:start])
        text = match.group()
        first = text[:1]
        if first.isdigit():
            parts.append(text)
        elif first in b"\"'uULR":
            parts.append(b'"' + blank(text[1:]))
        else:
            parts.append(blank(text))
            if first != b"/":
                keyword = _KEYWORD.match(text)
                directives.append(Directive(start, end, keyword.group(1) if keyword else b"", text))
        last = end
    parts.append(source[last:])
    return CSource(bytearray(b"".join(parts)), bytearray(source), directives)


@dataclass(slots=True)
class _Balance:
    """Brackets of some source: how many stay open, and how many close what was opened before."""

    braces: int = 0
    parentheses: int = 0
    lowest_brace: int = 0
    lowest_parenthesis: int = 0

    def add(self, other: _Balance) -> None:
        self.lowest_brace = min(self.lowest_brace, self.braces + other.lowest_brace)
        self.lowest_parenthesis = min(self.lowest_parenthesis, self.parentheses + other.lowest_parenthesis)
        self.braces += other.braces
        self.parentheses += other.parentheses

    @property
    def is_even(self) -> bool:
        return not (self.braces or self.parentheses or self.lowest_brace or self.lowest_parenthesis)


@dataclass(slots=True)
class _Branch:
    """What stands between two directives of a conditional."""

    opening: Directive
    end: int = 0
    balance: _Balance = field(default_factory=_Balance)
    last: bytes = b""


@dataclass(slots=True)
class _Conditional:
    """``#if`` to ``#endif``. ``before`` is the last character of code above it."""

    before: bytes
    branches: list[_Branch]


def resolve_conditionals(source: CSource, *, is_cpp: bool) -> None:
    """Leave one branch of each conditional that cuts a declaration or statement in two.

    A conditional around whole statements stays, since grammars know those.
    """
    file = _Branch(Directive(0, 0, b"", b""))
    around = [_Conditional(b"", [file])]
    dropped: list[tuple[int, int]] = []
    last = 0
    for directive in source.directives:
        if not _is_conditional(directive):
            continue
        branch = around[-1].branches[-1]
        _read(branch, source.code[last : directive.start])
        last = directive.end
        branch.end = directive.start
        if directive.keyword.startswith(b"if"):
            around.append(_Conditional(branch.last or around[-1].before, [_Branch(directive)]))
        elif len(around) == 1:
            continue
        elif directive.keyword != b"endif":
            around[-1].branches.append(_Branch(directive))
        else:
            conditional = around.pop()
            outer = around[-1].branches[-1]
            if _is_cut(conditional):
                kept = _kept(conditional, is_cpp=is_cpp)
                dropped += [(item.opening.start, item.opening.end) for item in conditional.branches]
                dropped += [(b.opening.end, b.end) for b in conditional.branches if b is not kept]
                dropped.append((directive.start, directive.end))
                if kept is not None:
                    outer.balance.add(kept.balance)
                    outer.last = kept.last or outer.last
            else:
                outer.last = next((b.last for b in reversed(conditional.branches) if b.last), outer.last)
    _erase_all(source, dropped)


def _read(branch: _Branch, code: bytearray) -> None:
    branch.last = bytes(code.rstrip()[-1:]) or branch.last
    brackets = code.translate(None, _NO_BRACKETS)
    if brackets:
        branch.balance.add(_balance(brackets))


def _balance(brackets: bytes | bytearray) -> _Balance:
    braces = parentheses = lowest_brace = lowest_parenthesis = 0
    for bracket in brackets:
        if bracket == 0x7B:
            braces += 1
        elif bracket == 0x28:
            parentheses += 1
        elif bracket == 0x7D:
            braces -= 1
            lowest_brace = min(lowest_brace, braces)
        else:
            parentheses -= 1
            lowest_parenthesis = min(lowest_parenthesis, parentheses)
    return _Balance(braces, parentheses, lowest_brace, lowest_parenthesis)


def _is_cut(conditional: _Conditional) -> bool:
    if not all(branch.balance.is_even for branch in conditional.branches):
        return True
    lasts = [branch.last for branch in conditional.branches if branch.last]
    inside = bool(conditional.before) and conditional.before not in b";{}:"
    return any(last in _GOES_ON or (inside and last not in b";}") for last in lasts)


def _kept(conditional: _Conditional, *, is_cpp: bool) -> _Branch | None:
    first, *others = conditional.branches
    if _NEVER.match(first.opening.text) or (is_cpp and _IN_C_ONLY.match(first.opening.text)):
        return others[0] if others else None
    return first


def simplify_directives(source: CSource) -> None:
    """Leave out of directives what grammars do not know there: ``__has_include(<x>)``, comments on several lines."""
    for directive in source.directives:
        if directive.keyword in (b"if", b"elif"):
            start = directive.start + directive.text.index(directive.keyword) + len(directive.keyword)
            if _ODD_CONDITION.search(directive.text) and start + 1 < directive.end:
                condition = blank(directive.text[start - directive.start :])
                source.readable[start : directive.end] = condition[:1] + b"1" + condition[2:]
        elif directive.keyword == b"define" and b"\n" in directive.text:
            text = _LONG_COMMENT.sub(lambda match: match.group().translate(_BLANK_BUT_CONTINUED), directive.text)
            source.readable[directive.start : directive.end] = text


def _erase_all(source: CSource, spans: Iterable[tuple[int, int]]) -> None:
    """Erase spans that may lie in each other, each byte once."""
    done = 0
    for start, end in sorted(spans):
        if end > done:
            source.erase(max(start, done), end)
            done = end


def erase_directives_inside(source: CSource, starts: list[int], start: int, end: int) -> None:
    """Erase directives within a declaration, where no grammar expects one; ``starts`` are those of all of them.

    Those of a conditional only if all of it is inside.
    """
    inside = source.directives[bisect_left(starts, start) : bisect_left(starts, end)]
    depth = lowest = 0
    for directive in inside:
        depth += directive.keyword.startswith(b"if") - (directive.keyword == b"endif")
        lowest = min(lowest, depth)
    for directive in inside:
        if not (depth or lowest) or not _is_conditional(directive):
            source.erase(directive.start, directive.end)


def _is_conditional(directive: Directive) -> bool:
    return directive.keyword.startswith((b"if", b"el")) or directive.keyword == b"endif"
