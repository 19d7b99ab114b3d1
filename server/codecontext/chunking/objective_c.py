"""Objective-C without its macros, and Objective-C++ in two halves, each for a grammar that knows one of them.

Between ``@interface``, ``@implementation`` or ``@protocol`` and ``@end`` it is Objective-C; bodies of methods there may
be C++ again and are left out. All else is C or C++.
"""

from __future__ import annotations

import re

from codecontext.chunking.macros import Rewritten, erase_macros
from codecontext.chunking.preprocessor import CSource, blank, lex, resolve_conditionals, simplify_directives

_PART = re.compile(rb"@(?:interface|implementation|protocol|end|class|import)\b")
_BRACE = re.compile(rb"[{}]")
_AT_WORD = re.compile(rb"@\w++")
# A line that only declares that a class or protocol exists has no more bytes.
MAX_LINE = 1_000
# - (void)clear NS_UNAVAILABLE;
_MACRO_AFTER = re.compile(
    rb"[ \t]([A-Z][A-Z0-9]*+_[A-Z0-9_]++)[ \t]*+(?:\((?:[^()]|\([^()]*+\))*+\)[ \t]*+)?+(?=[;\n])"
)


def without_macros(source: bytes) -> Rewritten:
    """``source`` as a grammar can read it."""
    lexed = lex(source)
    simplify_directives(lexed)
    resolve_conditionals(lexed, is_cpp=False)
    code = bytearray(lexed.code)
    for start, end in _parts(bytes(code)):
        for match in _MACRO_AFTER.finditer(bytes(lexed.code), start, end):
            lexed.readable[match.start() : match.end()] = blank(match.group())
        code[start:end] = blank(code[start:end])
        # What stands before it is complete.
        code[start : start + 1] = b"}"
    return erase_macros(CSource(code, lexed.readable, lexed.directives))


def halves(source: bytes) -> tuple[bytes, bytes]:
    """``source`` without what is Objective-C, and without what is C++; both as long as the whole."""
    code = bytes(lex(source).code)
    cpp, objc = bytearray(source), bytearray(source)
    last = 0
    for start, end in _parts(code):
        _erase_code(objc, code, last, start)
        _erase_bodies(objc, code, start, end)
        cpp[start:end] = blank(source[start:end])
        last = end
    _erase_code(objc, code, last, len(source))
    for match in _AT_WORD.finditer(code):
        cpp[match.start() : match.end()] = blank(match.group())
    return bytes(cpp).replace(b'@"', b' "'), bytes(objc)


def _parts(code: bytes) -> list[tuple[int, int]]:
    """From each ``@interface`` and its like to the ``@end``; lines such as ``@class Name;`` too."""
    parts: list[tuple[int, int]] = []
    start: int | None = None
    for match in _PART.finditer(code):
        if match.group() == b"@end":
            if start is not None:
                parts.append((start, match.end()))
                start = None
        elif start is None:
            line = code[match.start() : match.end() + MAX_LINE].partition(b"\n")[0].rstrip()
            if line.endswith(b";"):
                parts.append((match.start(), match.start() + len(line)))
            elif match.group() not in (b"@class", b"@import"):
                start = match.start()
    return parts


def _erase_code(text: bytearray, code: bytes, start: int, end: int) -> None:
    """Erase code, but leave comments, which may be documentation."""
    for match in re.finditer(rb"\S++", code[start:end]):
        text[start + match.start() : start + match.end()] = b" " * (match.end() - match.start())


def _erase_bodies(text: bytearray, code: bytes, start: int, end: int) -> None:
    depth = opening = 0
    for match in _BRACE.finditer(code, start, end):
        if match.group() == b"{":
            opening = match.end() if not depth else opening
            depth += 1
        elif depth:
            depth -= 1
            if not depth:
                text[opening : match.start()] = blank(text[opening : match.start()])
