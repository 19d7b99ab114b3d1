"""Procedures, functions and triggers of SQL's dialects, whose bodies the grammar does not know.

T-SQL ends one at a line ``GO``, Oracle at a line ``/``, MySQL at what ``DELIMITER`` says, and all where the ``END`` of
its first ``BEGIN`` is. What lies between is not looked at, save the members of an Oracle package. dbt's macros
(``{% macro name() %}``) are found too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from codecontext.chunking.preprocessor import blank

_NAME = rb'(?:"[^"\n]++"|\[[^\]\n]++\]|`[^`\n]++`|[\w$#@\x80-\xff]++)'
_QUALIFIED = _NAME + rb"(?:[ \t]*+\.[ \t]*+" + _NAME + rb")*+"
_HEAD = re.compile(
    rb"^[ \t]*+(CREATE|ALTER)\s++(?:OR\s++(?:REPLACE|ALTER)\s++)?+(?:DEFINER\s*+=\s*+\S++\s++)?+"
    rb"(?:(?:(?:NON)?EDITIONABLE|AGGREGATE|CONSTRAINT)\s++)?+"
    rb"(PROCEDURE|PROC|FUNCTION|TRIGGER|EVENT|PACKAGE\s++BODY|PACKAGE|TYPE\s++BODY)\s++(?:IF\s++NOT\s++EXISTS\s++)?+"
    rb"(" + _QUALIFIED + rb")",
    re.IGNORECASE | re.MULTILINE,
)
_MEMBER = re.compile(
    rb"^[ \t]*+(?:(?:MEMBER|STATIC|CONSTRUCTOR)\s++)?+(?:PROCEDURE|FUNCTION)\s++(" + _NAME + rb")",
    re.IGNORECASE | re.MULTILINE,
)
_BATCH_END = re.compile(rb"^[ \t]*+(?:GO[ \t]*+;?|/)[ \t\r]*+$", re.IGNORECASE | re.MULTILINE)
_DELIMITER = re.compile(rb"^[ \t]*+DELIMITER[ \t]++(\S++)[^\n]*+$", re.IGNORECASE | re.MULTILINE)
_BLOCK = re.compile(
    rb"\b(BEGIN|CASE|END)\b"
    rb"(?:[ \t]++(IF|LOOP|WHILE|REPEAT|FOR|CASE|TRAN|TRANSACTION|DISTRIBUTED|DIALOG|CONVERSATION)\b)?",
    re.IGNORECASE,
)
_AFTER_END = re.compile(rb"[ \t]*+(?:" + _NAME + rb")?[ \t]*+;|", re.IGNORECASE)
_BODY = re.compile(rb"\b(?:AS|IS|BEGIN|LANGUAGE|RETURNS?)\b", re.IGNORECASE)
_OPENS_BODY = re.compile(rb"\b(?:AS|IS)\b\s*+('?)", re.IGNORECASE)
_MEMBER_BODY = re.compile(rb"\b(?:IS|AS)\b|;", re.IGNORECASE)
_STANDARD = re.compile(rb"--[^\n]*+|/\*.*?(?:\*/|\Z)|'[^']*+'?|\$(\w*)\$.*?(?:\$\1\$|\Z)", re.DOTALL)
_MYSQL = re.compile(rb"(?:--|\#)[^\n]*+|/\*.*?(?:\*/|\Z)|'[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+'?", re.DOTALL)
_IS_MYSQL = re.compile(rb"^[ \t]*+DELIMITER\b|`|\\'", re.IGNORECASE | re.MULTILINE)
_IS_TSQL = re.compile(
    rb"^[ \t]*+GO[ \t\r]*+$|\[dbo\]|\][ \t]*+\.[ \t]*+\[|\bTABLE[ \t]++\[", re.IGNORECASE | re.MULTILINE
)
# What stands in tables of T-SQL and of nobody else.
_TSQL_ONLY = re.compile(
    rb"\bIDENTITY\b(?:[ \t]*+\([ \t]*+-?\d+[ \t]*+,[ \t]*+-?\d+[ \t]*+\))?+|\([ \t]*+MAX[ \t]*+\)"
    rb"|\b(?:NON)?CLUSTERED\b|\bROWGUIDCOL\b|\b(?:TEXTIMAGE_)?ON[ \t]++\[PRIMARY\]",
    re.IGNORECASE,
)
_BRACKETED = re.compile(rb"(?<![\w\]\"])\[([A-Za-z_@#][^\]\n\[\"]*+)\]")
_BRACKETED_NAME = re.compile(_NAME + rb"(?:[ \t]*+\.[ \t]*+" + _NAME + rb")*+")
_TEMPLATE = re.compile(rb"\{#.*?(?:#\}|\Z)|\{%.*?(?:%\}|\Z)|\{\{.*?(?:\}\}|\Z)", re.DOTALL)
_DBT_BLOCK = re.compile(rb"\{%-?[ \t]*+(?:(macro|test|snapshot)[ \t]++(\w++)|end(?:macro|test|snapshot)[ \t]*+-?%\})")


@dataclass(frozen=True, slots=True)
class Routine:
    """A routine by its bytes: all of it, its name, and where its body begins (``end`` if that is not known)."""

    role: str
    start: int
    end: int
    name: tuple[str, ...]
    name_start: int
    body: int


@dataclass(slots=True)
class SqlSource:
    """What a parser shall read, with the same length and lines, and what it shall not have to find."""

    text: bytes
    routines: list[Routine]
    names: dict[int, tuple[str, ...]]


def read_sql(source: bytes) -> SqlSource:
    """Routines of ``source``, and source without templates, batch separators and brackets around names."""
    text = source
    routines: list[Routine] = []
    if b"{%" in source or b"{{" in source:
        routines += _dbt_macros(source)
        text = _TEMPLATE.sub(_placeholder, source)
    is_mysql = _IS_MYSQL.search(text) is not None
    code = (_MYSQL if is_mysql else _STANDARD).sub(_quote, text)
    routines += _routines(code)
    text = _without(text, [*_BATCH_END.finditer(code), *_DELIMITER.finditer(code)])
    names: dict[int, tuple[str, ...]] = {}
    if _IS_TSQL.search(code):
        names = {m.start(): _parts(m.group()) for m in _BRACKETED_NAME.finditer(code) if b"[" in m.group()}
        text = _without(_quoted_names(text, code), [*_TSQL_ONLY.finditer(code)])
    return SqlSource(text, routines, names)


def without_routines(text: bytes, routines: list[Routine]) -> bytes:
    """``text`` with nothing where ``routines`` are."""
    out = bytearray(text)
    for routine in routines:
        out[routine.start : routine.end] = blank(out[routine.start : routine.end])
    return bytes(out)


def _routines(code: bytes) -> Iterator[Routine]:
    heads = list(_HEAD.finditer(code))
    delimiters = list(_DELIMITER.finditer(code))
    batch_ends = [match.start() for match in _BATCH_END.finditer(code)]
    delimiter, next_delimiter, next_batch = b";", 0, 0
    for index, head in enumerate(heads):
        while next_delimiter < len(delimiters) and delimiters[next_delimiter].start() < head.start():
            delimiter = delimiters[next_delimiter].group(1)
            next_delimiter += 1
        while next_batch < len(batch_ends) and batch_ends[next_batch] < head.end():
            next_batch += 1
        limit = heads[index + 1].start() if index + 1 < len(heads) else len(code)
        limit = min([limit, *(match.start() for match in delimiters[next_delimiter : next_delimiter + 1])])
        is_batch = next_batch < len(batch_ends) and batch_ends[next_batch] <= limit
        if is_batch:
            limit = batch_ends[next_batch]
        kind = b" ".join(head.group(2).upper().split())
        is_package = kind.startswith((b"PACKAGE", b"TYPE"))
        if head.group(1).upper() == b"ALTER" and not _changes_body(code, head.end(), limit):
            continue
        if delimiter != b";":
            end = code.find(delimiter, head.end(), limit)
            end = end if end >= 0 else limit
        elif is_batch:
            end = limit
        else:
            end = _end_of_block(code, head.end(), limit, depth=1 if is_package else 0)
        start = head.start(1)
        end = start + len(code[start:end].rstrip())
        body = _BODY.search(code, head.end(), end)
        yield Routine(
            "class" if is_package else "function",
            start, end, _parts(head.group(3)), head.start(3), body.start() if body else end,
        )  # fmt: skip
        if is_package:
            yield from _members(code, head.end(), end)


def _members(code: bytes, start: int, end: int) -> Iterator[Routine]:
    """Procedures and functions with a body in a package."""
    last = start
    matches = list(_MEMBER.finditer(code, start, end))
    ends = [*(match.start() for match in matches[1:]), end]
    for match, following in zip(matches, ends, strict=False):  # without a match there is still the end
        if match.start() < last:
            continue
        body = _MEMBER_BODY.search(code, match.end(), following)
        if body is not None and body.group() != b";":
            last = _end_of_block(code, body.end(), end, is_open=True)
            first = match.end() - len(match.group().lstrip())
            yield Routine("method", first, last, _parts(match.group(1)), match.start(1), body.start())


def _changes_body(code: bytes, start: int, limit: int) -> bool:
    semicolon = code.find(b";", start, limit)
    return _OPENS_BODY.search(code, start, semicolon if semicolon >= 0 else limit) is not None


def _end_of_block(code: bytes, start: int, limit: int, depth: int = 0, *, is_open: bool = False) -> int:
    """After the ``END`` of the first ``BEGIN``; without one after the statement.

    A T-SQL procedure without either ends at ``limit``. ``depth`` counts what is open at ``start``,
    ``is_open`` says that declarations stand there.
    """
    semicolon = code.find(b";", start, limit)
    opens = _OPENS_BODY.search(code, start, semicolon if semicolon >= 0 else limit)
    is_text = opens is not None and bool(opens.group(1))
    for match in () if is_text else _BLOCK.finditer(code, start, limit):
        word, follows = match.group(1).upper(), match.group(2)
        if not (depth or is_open) and opens is None and 0 <= semicolon < match.start():
            break
        if word == b"END":
            # END IF and its like end what BEGIN did not open, END CASE what CASE did.
            depth -= 0 if follows and follows.upper() != b"CASE" else 1
            if depth <= 0:
                after = _AFTER_END.match(code, match.end(), limit)
                return after.end() if after else match.end()
        elif not follows:
            depth += 1
    if depth or (opens is not None and not is_text and b"@" in code[start : opens.start()]):
        return limit
    semicolon = code.find(b";", opens.end() if opens is not None else start, limit)
    return semicolon + 1 if semicolon >= 0 else limit


def _dbt_macros(source: bytes) -> Iterator[Routine]:
    opening: re.Match[bytes] | None = None
    for match in _DBT_BLOCK.finditer(source):
        if match.group(2):
            opening = match
        elif opening is not None:
            head_end = source.find(b"%}", opening.end(), match.start()) + 2
            name = (opening.group(2).decode("ascii", "replace"),)
            start, end = opening.start(), match.end()
            yield Routine("function", start, end, name, opening.start(2), head_end if head_end > 1 else end)
            opening = None


def _placeholder(match: re.Match[bytes]) -> bytes:
    text = match.group()
    return b"x" + blank(text[1:]) if text.startswith(b"{{") else blank(text)


def _quote(match: re.Match[bytes]) -> bytes:
    text = match.group()
    return b"'" + blank(text[1:]) if text[:1] in b"'$" else blank(text)


def _without(text: bytes, matches: list[re.Match[bytes]]) -> bytes:
    if not matches:
        return text
    out = bytearray(text)
    for match in matches:
        out[match.start() : match.end()] = blank(match.group())
    return bytes(out)


def _quoted_names(text: bytes, code: bytes) -> bytes:
    out = bytearray(text)
    for match in _BRACKETED.finditer(code):
        out[match.start()] = out[match.end() - 1] = ord('"')
    return bytes(out)


def _parts(name: bytes) -> tuple[str, ...]:
    """Parts of a name, without the marks around them."""
    parts = re.findall(_NAME, name)
    return tuple(part.strip(b'"`[]').decode("utf-8", "replace").strip() for part in parts)
