"""Cython as a grammar of Python can read it.

``cdef``, ``cpdef`` and C declarations are put as Python of the same length: what defines a function or a class becomes
``def`` or ``class`` in the same column with the name where it was, and what declares a variable becomes ``0``.
See "Language Basics" and "Using C++ in Cython" in Cython's documentation for what there is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from codecontext.chunking.preprocessor import blank

_MASKED = re.compile(
    rb"#[^\n]*+"
    rb'|"""(?:[^"\\]++|\\.|"(?!""))*+(?:"""|\Z)'
    rb"|'''(?:[^'\\]++|\\.|'(?!''))*+(?:'''|\Z)"
    rb'|"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"?'
    rb"|'[^'\\\n]*+(?:\\.[^'\\\n]*+)*+'?",
    re.DOTALL,
)
_LINE = re.compile(rb"([ \t]*+)([^\n]*+)\n?")
_BRACKET = re.compile(rb"[()\[\]{}]")
_WORD = re.compile(rb"[A-Za-z_]\w*+")
_DECLARES = re.compile(rb"(?:cdef|cpdef|ctypedef)\b")
_CLASS = re.compile(
    rb"(?:[\w.]+[ \t]+)*?(?:class|struct|union|enum(?:[ \t]+class)?|cppclass|fused|property)[ \t]+(?:\w+\.)*(\w+)"
)
_ANONYMOUS = re.compile(rb"(?:\w+[ \t]+)*(?:struct|union|enum)[ \t]*:")
_FUNCTION = re.compile(rb"([A-Za-z_]\w*+)[ \t]*+\(")
_CAST = re.compile(rb"(?:[=(,\[+\-*/%<>]|\breturn|\bin)[ \t]*+(<[A-Za-z_][\w \t.*&\[\]:,]*+\??>)")
_ADDRESS = re.compile(rb"[(,=][ \t]*+(&)")
_CIMPORT = re.compile(rb"\bcimport\b")
_FOR_FROM = re.compile(rb"for[ \t]+\w+[ \t]+(from)\b")
_C_KEYWORDS = frozenset({b"cdef", b"cpdef", b"ctypedef", b"def"})
_NO_NAME = _C_KEYWORDS | frozenset({b"inline", b"public", b"api", b"readonly", b"const"})
_CONDITIONS = {b"IF": b"if", b"ELIF": b"elif", b"ELSE": b"else"}


def as_python(source: bytes) -> bytes:
    """Python with the functions and classes of Cython ``source``, each where it is there."""
    return _Rewriter(source).rewritten()


class _Rewriter:
    def __init__(self, source: bytes) -> None:
        self._code = _MASKED.sub(_quote, source)
        self._out = bytearray(source)
        # Columns of the headers of blocks that hold C declarations, ``cdef extern from`` and the like.
        self._c_blocks: list[int] = []

    def rewritten(self) -> bytes:
        for match in _CAST.finditer(self._code):
            self._blank(*match.span(1))
        for match in _ADDRESS.finditer(self._code):
            self._blank(*match.span(1))
        for column, start, end in self._statements():
            while self._c_blocks and column <= self._c_blocks[-1]:
                self._c_blocks.pop()
            self._rewrite(column, start, end)
        return bytes(self._out)

    def _statements(self) -> Iterator[tuple[int, int, int]]:
        """Column, first and last byte of each statement; one with open brackets goes on in the next line."""
        start = column = depth = 0
        for match in _LINE.finditer(self._code):
            text = match.group(2).rstrip()
            if not depth:
                start, column = match.start(2), len(match.group(1))
            for bracket in _BRACKET.findall(text):
                depth = max(depth + (1 if bracket in b"([{" else -1), 0)
            if text.endswith(b"\\"):
                depth = depth or -1
                continue
            depth = max(depth, 0)
            end = match.start(2) + len(text)
            if not depth and start < end:
                yield column, start, end

    def _rewrite(self, column: int, start: int, end: int) -> None:
        statement = self._code[start:end]
        word = _WORD.match(statement)
        first = word.group() if word else b""
        if first in _C_KEYWORDS or first in (b"async", b"property") or (self._c_blocks and word):
            self._declare(column, start, end, statement, first)
        elif first in (b"include", b"DEF"):
            self._put(start, end, b"0")
        elif first in _CONDITIONS:
            self._put(start, start + len(first), _CONDITIONS[first])
        elif first == b"for" and (match := _FOR_FROM.match(statement)):
            self._put(start + match.start(1), start + match.end(1), b"in")
        elif first in (b"cimport", b"from") and (match := _CIMPORT.search(statement)):
            self._put(start + match.start(), start + match.end(), b"import")

    def _declare(self, column: int, start: int, end: int, statement: bytes, first: bytes) -> None:
        opens = _end_of_header(statement)
        if opens is None:
            if first not in (b"pass", b"def", b"async"):
                self._put(start, end, b"0")
            return
        header = statement[:opens]
        function = None if first == b"property" else self._function(header)
        named = _CLASS.match(header)
        if named is not None and (function is None or named.start(1) <= function.start(1)) and first != b"def":
            self._keep(start, opens, b"class", named.span(1), self._bases(header, named.end(1)))
            if not re.match(rb"(?:cdef|ctypedef)(?:[ \t]+\w+)*?[ \t]+class\b|property\b", header):
                self._c_blocks.append(column)
        elif function is not None and first in _C_KEYWORDS:
            closing = _closing(header, function.end() - 1)
            self._keep(start, opens, b"def", function.span(1), (function.end() - 1, function.end()))
            if closing is not None:
                self._out[start + closing - 1] = ord(")")
        elif first in _C_KEYWORDS or self._c_blocks:
            self._put(start, start + opens, b"if 1" if opens >= 4 else b"")
            self._c_blocks.append(column)

    def _function(self, header: bytes) -> re.Match[bytes] | None:
        for match in _FUNCTION.finditer(header):
            if match.group(1) not in _NO_NAME:
                return match
        return None

    def _bases(self, header: bytes, end: int) -> tuple[int, int]:
        """Where the base classes stand, if any do."""
        opening = end + len(header[end:]) - len(header[end:].lstrip())
        closing = _closing(header, opening) if header[opening : opening + 1] == b"(" else None
        return (opening, closing) if closing is not None else (end, end)

    def _keep(self, start: int, opens: int, keyword: bytes, *kept: tuple[int, int]) -> None:
        """Leave ``keyword`` and some parts of a header that begins at ``start`` and has ``opens`` bytes."""
        header = self._code[start : start + opens]
        if kept[0][0] <= len(keyword):
            return
        new = bytearray(blank(header))
        new[: len(keyword)] = keyword
        for first, last in kept:
            new[first:last] = header[first:last]
        self._out[start : start + opens] = new

    def _put(self, start: int, end: int, text: bytes) -> None:
        new = bytearray(blank(self._code[start:end]))
        new[: len(text)] = text[: len(new)]
        self._out[start:end] = new

    def _blank(self, start: int, end: int) -> None:
        self._out[start:end] = blank(self._out[start:end])


def _quote(match: re.Match[bytes]) -> bytes:
    text = match.group()
    return blank(text) if text.startswith(b"#") else b'"' + blank(text[1:])


def _end_of_header(statement: bytes) -> int | None:
    """The colon that ends the header of a block, None if the statement has none."""
    depth = 0
    for match in re.finditer(rb"[()\[\]{}:]", statement):
        mark = match.group()
        if mark == b":":
            if not depth:
                return match.start()
        else:
            depth += 1 if mark in b"([{" else -1
    return None


def _closing(text: bytes, opening: int) -> int | None:
    """The byte after the parenthesis that closes the one at ``opening``."""
    depth = 0
    for match in re.finditer(rb"[()]", text[opening:]):
        depth += 1 if match.group() == b"(" else -1
        if not depth:
            return opening + match.end()
    return None
