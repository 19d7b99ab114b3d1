"""Parsers and queries, made once and shared as far as that is safe, and kept within a budget.

A grammar and a compiled query never change, so all threads share them. A parser and a query cursor hold the
state of their work: each thread has its own parser, and each query run its own cursor.

For some texts that nobody writes, tree-sitter's time grows with the square of their size and its memory with it,
and a scanner may even abort the process when nesting is too deep for its state of 1,024 bytes. Such text is
given up: ``ParseBudgetExceeded`` is raised, and the file is cut like one without a grammar.

Nothing here releases the interpreter's lock, as tree-sitter's Python binding does not (its issue #111).
"""

from __future__ import annotations

import re
import threading
import time
from functools import cache
from importlib.resources import files
from typing import cast

from tree_sitter import Language as Grammar
from tree_sitter import Node, Parser, Point, Query, QueryCursor, Range, Tree

from codecontext.chunking.languages import Language

MAX_BRACKET_DEPTH = 500
MAX_PERL_DEPTH = 60
# Nodes below this are not searched, and so many tokens in a row that belong to nothing are not searched either: a
# query takes time that grows with the square of both.
MAX_QUERY_DEPTH = 400
MAX_STRAY_TOKENS = 10_000
# CPU time of the thread, not time on the clock, so that a busy machine changes no result. Real code needs a tenth of
# a microsecond for a byte; text in another language than its name says can take gigabytes of memory a second.
BASE_SECONDS = 0.5
SECONDS_PER_BYTE = 1e-6

_OPEN_ANGLES = re.compile(rb"(?:<[^<\s]{0,12}){40}")
_READ_BYTES = 1 << 13
_OPENING, _CLOSING = b"([{", b")]}"
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in _OPENING + _CLOSING)

Captures = dict[str, list[Node]]


class ParseBudgetExceeded(Exception):
    """The source is too deep or too ambiguous to be parsed in reasonable time."""


class SourceParser:
    """Parses one UTF-8 source, or ranges of it, and runs queries over the trees, all on one budget."""

    def __init__(self, source: bytes) -> None:
        """Raise ``ParseBudgetExceeded`` if brackets nest deeper than ``MAX_BRACKET_DEPTH``."""
        if _is_too_deep(source):
            raise ParseBudgetExceeded
        self._source = source
        seconds = BASE_SECONDS + SECONDS_PER_BYTE * len(source)
        self._end = time.thread_time() + seconds
        self._earliest_end = time.monotonic() + seconds

    def parse(self, language: Language, ranges: list[Range] | None = None, instead: bytes | None = None) -> Tree:
        """Syntax tree of the source, or of some ``ranges`` of it. Broken source has ``ERROR`` nodes.

        ``instead`` is read in place of the source, and has the same length and lines. Raises ``ParseBudgetExceeded``
        when the budget is used up.
        """
        source = self._source if instead is None else instead
        if language.grammar == "perl":
            if _overflows_perl(source):
                raise ParseBudgetExceeded
            source = _without_last_comment(source)

        def read(offset: int, _point: Point) -> bytes:
            return source[offset : offset + _READ_BYTES]

        parser = _parser(language.grammar)
        # Setting no ranges means the whole source again.
        parser.included_ranges = ranges or []
        try:
            return parser.parse(read, progress_callback=self._is_over)
        except ValueError as error:
            parser.reset()
            raise ParseBudgetExceeded from error

    def definitions(self, language: Language, root: Node) -> list[tuple[dict[str, str | None], int, Captures]]:
        """Settings, number and captures of every pattern of the language's queries that matches in a tree.

        Raises ``ParseBudgetExceeded`` if the tree has too many stray tokens.
        """
        if root.has_error and _has_many_stray_tokens(root):
            raise ParseBudgetExceeded
        query, settings = _definitions_query(language.grammar, language.queries)
        cursor = QueryCursor(query)
        cursor.set_max_start_depth(MAX_QUERY_DEPTH)
        matches = cursor.matches(root)
        return [(settings[pattern], pattern, captures) for pattern, captures in matches]

    def _is_over(self, *_: object) -> bool:
        # The clock on the wall is cheaper to ask, and a thread's own never overtakes it.
        return time.monotonic() > self._earliest_end and time.thread_time() > self._end


def _without_last_comment(source: bytes) -> bytes:
    """``source`` with spaces for a comment that ends it without a line feed: Perl's scanner never gets past one."""
    start = source.find(b"#", source.rfind(b"\n") + 1)
    return source if start < 0 else source[:start] + b" " * (len(source) - start)


def _overflows_perl(source: bytes) -> bool:
    """Whether so many quotes may be open at once (some 85) that Perl's scanner would write past its state."""
    return _is_too_deep(source, MAX_PERL_DEPTH) or _OPEN_ANGLES.search(source) is not None


def _is_too_deep(source: bytes, most: int = MAX_BRACKET_DEPTH) -> bool:
    brackets = source.translate(None, _NO_BRACKETS)
    if sum(brackets.count(bracket) for bracket in _OPENING) <= most:
        return False
    depth = 0
    for bracket in brackets:
        depth = depth + 1 if bracket in _OPENING else max(depth - 1, 0)
        if depth > most:
            return True
    return False


def _has_many_stray_tokens(root: Node) -> bool:
    around = [root]
    while around:
        stray = 0
        for child in around.pop().children:
            stray = 0 if child.is_named else stray + 1
            if stray > MAX_STRAY_TOKENS:
                return True
            if child.has_error:
                around.append(child)
    return False


class _ParsersOfThread(threading.local):
    def __init__(self) -> None:
        self.by_grammar: dict[str, Parser] = {}


_parsers = _ParsersOfThread()


def _parser(grammar: str) -> Parser:
    parser = _parsers.by_grammar.get(grammar)
    if parser is None:
        parser = _parsers.by_grammar[grammar] = Parser(_grammar(grammar))
    return parser


@cache
def _definitions_query(grammar: str, queries: tuple[str, ...]) -> tuple[Query, list[dict[str, str | None]]]:
    """The compiled queries of a language and the settings of each pattern; see ``queries/README.md``."""
    folder = files("codecontext.chunking") / "queries"
    source = "\n".join((folder / f"{name}.scm").read_text("utf-8") for name in queries)
    query = Query(_grammar(grammar), source)
    return query, [query.pattern_settings(pattern) for pattern in range(query.pattern_count)]


@cache
def _grammar(name: str) -> Grammar:
    # Imported at first need: the import alone costs more than all of this package.
    from tree_sitter_language_pack import get_language

    return cast("Grammar", get_language(name))
