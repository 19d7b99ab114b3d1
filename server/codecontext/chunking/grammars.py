"""Parsers and queries, made once and shared as far as that is safe.

A grammar and a compiled query never change, so all threads share them. A parser and a query cursor hold the
state of their work: each thread has its own parser, and each query run its own cursor.
"""

from __future__ import annotations

import threading
from functools import cache
from importlib.resources import files
from typing import cast

from tree_sitter import Language as Grammar
from tree_sitter import Parser, Query, Range, Tree

from codecontext.chunking.languages import Language


class _ParsersOfThread(threading.local):
    def __init__(self) -> None:
        self.by_grammar: dict[str, Parser] = {}


_parsers = _ParsersOfThread()


def parse(source: bytes, language: Language, ranges: list[Range] | None = None) -> Tree:
    """Syntax tree of UTF-8 ``source``, or of some ``ranges`` of it. Broken source has ``ERROR`` nodes."""
    parser = _parsers.by_grammar.get(language.grammar)
    if parser is None:
        parser = _parsers.by_grammar[language.grammar] = Parser(_grammar(language.grammar))
    # Setting no ranges means the whole source again.
    parser.included_ranges = ranges or []
    return parser.parse(source)


@cache
def definitions_query(grammar: str, queries: tuple[str, ...]) -> Query:
    """The compiled queries of a language; ``queries/README.md`` explains their captures."""
    folder = files("codecontext.chunking") / "queries"
    source = "\n".join((folder / f"{name}.scm").read_text("utf-8") for name in queries)
    return Query(_grammar(grammar), source)


@cache
def _grammar(name: str) -> Grammar:
    # Imported at first need: the import alone costs more than all of this package.
    from tree_sitter_language_pack import get_language

    return cast("Grammar", get_language(name))
