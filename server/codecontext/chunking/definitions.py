"""The definitions of a file for callers that query code rather than index it: where each is, and its documentation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from codecontext.chunking.documentation import comment_text, docstring_text
from codecontext.chunking.grammars import ParseBudgetExceeded
from codecontext.chunking.languages import find_language
from codecontext.chunking.lines import SourceLines, Span
from codecontext.chunking.outline import Definition, last_row, read_outline
from codecontext.core import ChunkKind

MAX_DOC_CHARS = 4000


@dataclass(frozen=True, slots=True)
class SourceDefinition:
    """A function, method or class. Lines are 1-based and inclusive.

    ``start_line`` is where its comments and decorators begin, ``header_line`` where its name stands, and
    ``own_end_line`` the last line before its first member; without members it is ``end_line``.
    """

    kind: ChunkKind
    name: str
    qualified_name: str
    start_line: int
    header_line: int
    end_line: int
    own_end_line: int
    doc: str
    """Its documentation as plain text; empty for none."""
    doc_lines: tuple[tuple[int, int], ...]
    """The lines that hold its documentation and nothing else."""
    doc_is_apart: bool
    """Whether ``doc_lines`` hold all of its documentation."""


def read_definitions(path: str, text: str) -> list[SourceDefinition]:
    """Every definition of a source file, ``text`` as ``decode_source`` gives it, in order of their lines.

    Empty for a language without a grammar and for text that cannot be parsed in reasonable time.
    """
    source = text.encode("utf-8", "replace")
    language = find_language(path, source[:8192])
    if not language.grammar:
        return []
    lines = SourceLines(text)
    with suppress(ParseBudgetExceeded):
        outline = read_outline(source, lines, language)
        found = [_described(item, source, lines) for item in _all(outline.definitions)]
        return sorted(found, key=lambda item: (item.start_line, -item.end_line))
    return []


def _all(definitions: list[Definition]) -> Iterator[Definition]:
    for definition in definitions:
        yield definition
        yield from _all(definition.members)


def _described(definition: Definition, source: bytes, lines: SourceLines) -> SourceDefinition:
    spans = list(definition.comments)
    is_apart = True
    doc = comment_text((lines.lines[row] for span in spans for row in range(span[0], span[1] + 1)), MAX_DOC_CHARS)
    if definition.docstring is not None:
        node = definition.docstring
        literal = source[node.start_byte : node.end_byte].decode("utf-8", "replace")
        doc = docstring_text(literal, MAX_DOC_CHARS)
        span = (node.start_point[0], last_row(node))
        is_apart = _is_alone(literal, span, lines)
        spans += [span] if is_apart else []
    first_member = min((member.span[0] for member in definition.members), default=definition.span[1] + 1)
    return SourceDefinition(
        kind=definition.kind,
        name=definition.name,
        qualified_name=definition.qualified_name,
        start_line=definition.span[0] + 1,
        header_line=definition.header_row + 1,
        end_line=definition.span[1] + 1,
        own_end_line=max(first_member, definition.header_row + 1),
        doc=doc,
        doc_lines=tuple((first + 1, last + 1) for first, last in spans),
        doc_is_apart=is_apart,
    )


def _is_alone(literal: str, span: Span, lines: SourceLines) -> bool:
    """Whether the lines of ``span`` hold the literal and nothing else."""
    return lines.text(span).strip().rstrip(";") == literal.strip()
