"""Sources that a grammar misreads, put so that it reads them.

A dialect is rewritten before it is parsed: byte for byte as long and line for line the same, so that whatever is found
has its place in the file. The text of chunks, their signatures and documentation always come from the file itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tree_sitter import Node

from codecontext.chunking.cython import as_python
from codecontext.chunking.grammars import SourceParser
from codecontext.chunking.languages import Language, language_known, language_named
from codecontext.chunking.macros import Names, Rewritten, erase_macros
from codecontext.chunking.objective_c import halves, without_macros
from codecontext.chunking.preprocessor import lex, resolve_conditionals, simplify_directives
from codecontext.chunking.sql_routines import Routine, read_sql, without_routines

# A header that calls itself C, as far as its first lines tell.
_CPP_WORD = re.compile(rb"\b(?:class|namespace|template|typename|constexpr|public|private|virtual|operator)\b")

_CPP_HEAD = re.compile(rb"^[ \t]*+(?:namespace\b|template[ \t]*+<|class[ \t]++\w++[^;\n]*+$)", re.MULTILINE)


@dataclass(slots=True)
class Reading:
    """The trees of a file, the one that holds most of it first, each with the language whose queries fit it.

    ``names`` are names that the file does not show where the tree has one: by the byte at which the name begins.
    ``rows_of_macros`` belong to what is defined below them. ``routines`` are definitions that no tree has.
    """

    roots: list[tuple[Node, Language]]
    names: Names = field(default_factory=dict)
    rows_of_macros: list[int] = field(default_factory=list)
    routines: list[Routine] = field(default_factory=list)


def parse_dialect(parser: SourceParser, source: bytes, language: Language) -> Reading:
    """Parse a file in the dialect that it is written in. Raises ``ParseBudgetExceeded`` as the parser does."""
    if language.name in {"c", "cpp", "glsl", "hlsl"}:
        return _read_c(parser, source, language)
    if language.dialect == "cython":
        return _best(parser, [(as_python(source), language), (source, language)])
    if language.name == "javascript":
        # Flow's types are much like those of TypeScript.
        typed = language_named("tsx")
        return _best(parser, [(source, language), *([(source, typed)] if typed else [])])
    if language.name == "sql":
        return _read_sql(parser, source, language)
    if language.name == "objective-c":
        return _read_objective_c(parser, source, language)
    return Reading([(parser.parse(language).root_node, language)])


def _read_sql(parser: SourceParser, source: bytes, language: Language) -> Reading:
    sql = read_sql(source)
    if sql.text == source and not sql.routines:
        return Reading([(parser.parse(language).root_node, language)])
    root = parser.parse(language, instead=sql.text).root_node
    if all(_has_read(root, routine) for routine in sql.routines):
        return Reading([(root, language)], sql.names)
    root = parser.parse(language, instead=without_routines(sql.text, sql.routines)).root_node
    return Reading([(root, language)], sql.names, routines=sql.routines)


def _has_read(root: Node, routine: Routine) -> bool:
    """Whether there is a statement without faults where a routine is."""
    node = root.named_descendant_for_byte_range(routine.start, routine.start + 1)
    while node is not None and node.type != "statement":
        node = node.parent
    return node is not None and not node.has_error and node.end_byte >= routine.end - 1


def _read_objective_c(parser: SourceParser, source: bytes, language: Language) -> Reading:
    if language.dialect == "objective-c++":
        return _read_halves(parser, source, language)
    reading = _best(parser, [(without_macros(source), language), (source, language)])
    root = reading.roots[0][0]
    if root.has_error and _CPP_HEAD.search(source):
        halved = _read_halves(parser, source, language)
        if sum(_misread(half) for half, _ in halved.roots) < _misread(root):
            return halved
    return reading


def _read_halves(parser: SourceParser, source: bytes, language: Language) -> Reading:
    cpp, objc = halves(source)
    reading = _read_c(parser, cpp, language_known("cpp"))
    rewritten = without_macros(objc)
    reading.roots.append((parser.parse(language, instead=rewritten.text).root_node, language))
    reading.rows_of_macros += rewritten.rows_of_macros
    return reading


def _read_c(parser: SourceParser, source: bytes, language: Language) -> Reading:
    lexed = lex(source)
    simplify_directives(lexed)
    resolve_conditionals(lexed, is_cpp=language.name != "c")
    rewritten = erase_macros(lexed)
    readings: list[tuple[bytes | Rewritten, Language]] = [(rewritten, language)]
    if language.name == "c" and _CPP_WORD.search(lexed.code):
        readings.append((rewritten, language_known("cpp")))
    if rewritten.text != source:
        readings.append((source, language))
    return _best(parser, readings)


def _best(parser: SourceParser, readings: list[tuple[bytes | Rewritten, Language]]) -> Reading:
    """The first of some ways to read a source by which nothing is misread, else that by which the least is."""
    best, fewest = Reading([]), 0
    for source, language in readings:
        rewritten = source if isinstance(source, Rewritten) else Rewritten(source, {}, [])
        root = parser.parse(language, instead=rewritten.text).root_node
        misread = _misread(root) if root.has_error else 0
        if not best.roots or misread < fewest:
            best, fewest = Reading([(root, language)], rewritten.names, rewritten.rows_of_macros), misread
        if not fewest:
            break
    return best


def _misread(root: Node) -> int:
    """Bytes of tokens that belong to nothing, one more for each token that had to be made up."""
    misread, around = 0, [root]
    while around:
        node = around.pop()
        for child in node.children:
            if child.is_missing:
                misread += 1
            elif child.has_error:
                around.append(child)
            elif node.is_error and not child.child_count:
                misread += child.end_byte - child.start_byte
    return misread
