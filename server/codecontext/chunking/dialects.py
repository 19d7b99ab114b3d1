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
from codecontext.chunking.languages import Language, language_known
from codecontext.chunking.macros import erase_macros
from codecontext.chunking.preprocessor import lex, resolve_conditionals, simplify_directives

# A header that calls itself C, as far as its first lines tell.
_CPP_WORD = re.compile(rb"\b(?:class|namespace|template|typename|constexpr|public|private|virtual|operator)\b")

Names = dict[int, tuple[str, ...]]


@dataclass(slots=True)
class Reading:
    """The trees of a file, the one that holds most of it first, each with the language whose queries fit it.

    ``names`` are names that the file does not show where the tree has one: by the byte at which the name begins.
    ``text`` is what was parsed.
    """

    roots: list[tuple[Node, Language]]
    names: Names = field(default_factory=dict)
    text: bytes = b""


def parse_dialect(parser: SourceParser, source: bytes, language: Language) -> Reading:
    """Parse a file in the dialect that it is written in. Raises ``GivenUp`` as the parser does."""
    if language.name in {"c", "cpp"}:
        return _read_c(parser, source, language)
    if language.dialect == "cython":
        return _best(parser, [(as_python(source), language), (source, language)])
    return Reading([(parser.parse(language).root_node, language)])


def _read_c(parser: SourceParser, source: bytes, language: Language) -> Reading:
    lexed = lex(source)
    simplify_directives(lexed)
    resolve_conditionals(lexed, is_cpp=language.name == "cpp")
    names = erase_macros(lexed)
    readable = bytes(lexed.readable)
    readings = [(readable, language)]
    if language.name == "c" and _CPP_WORD.search(lexed.code):
        readings.append((readable, language_known("cpp")))
    if readable != source:
        readings.append((source, language))
    reading = _best(parser, readings)
    reading.names = names if reading.text is readable else {}
    return reading


def _best(parser: SourceParser, readings: list[tuple[bytes, Language]]) -> Reading:
    """The first of some ways to read a source by which nothing is misread, else that by which the least is."""
    best, fewest = None, 0
    for text, language in readings:
        root = parser.parse(language, instead=text).root_node
        misread = _misread(root) if root.has_error else 0
        if best is None or misread < fewest:
            best, fewest = Reading([(root, language)], text=text), misread
        if not fewest:
            break
    assert best is not None
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
