"""Source code cut along its syntax tree.

Every definition is a chunk, with the comments and decorators above it. A small class is one chunk; a larger
one is a header and one chunk for each member. A function stays whole unless it is very long; then the functions
in it become chunks of their own and the rest is cut between statements. What stands between definitions
(imports, constants, statements) becomes chunks too, or joins a neighbour when it is tiny, so that every line
with a word on it is in exactly one chunk.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from codecontext.chunking.config import ChunkingConfig
from codecontext.chunking.documentation import comment_text, docstring_text, is_licence
from codecontext.chunking.languages import Language
from codecontext.chunking.lines import Region, SourceLines, Span
from codecontext.chunking.outline import Definition, last_row, read_outline
from codecontext.core import Chunk, ChunkKind

MAX_SIGNATURE_CHARS = 300
# Shorter functions inside of a long one are understood only together with it.
MIN_NESTED_LINES = 5

_OPENERS = ("{", "(", "[", ":", "=>", "->")
# What stands between a declaration and its body, and before a declaration on its line (``export default``).
_BEFORE_A_BODY = re.compile(r" ?(?:[{:;]|=>?)$")
_KEYWORDS = re.compile(r"[\sa-z]*")


def chunk_tree(
    path: str, text: str, language: Language, config: ChunkingConfig, parsed: str | None = None
) -> list[Chunk]:
    """Chunks of ``text`` (as ``decode_source`` gives it) in a language that has a grammar, in order.

    ``parsed`` is what the parser reads instead, where ``text`` has something that is not of the language: as long in
    UTF-8, with the same lines. Raises ``ParseBudgetExceeded`` for text that cannot be parsed in reasonable time.
    """
    return _TreeChunker(path, text, language, config, text if parsed is None else parsed).chunks()


@dataclass(slots=True)
class _Part:
    """A span that is being laid out: a member, or the source between two members (``member`` is None)."""

    span: Span
    member: Definition | None = None


class _TreeChunker:
    def __init__(self, path: str, text: str, language: Language, config: ChunkingConfig, parsed: str) -> None:
        self._path = path
        self._language = language
        self._config = config
        self._source = parsed.encode("utf-8", "replace")
        self._lines = SourceLines(text)
        self._outline = read_outline(self._source, self._lines, language)

    def chunks(self) -> list[Chunk]:
        chunks, definitions = self._split_module()
        while definitions:
            definition = definitions.pop()
            if self._stays_whole(definition):
                chunks += self._whole(definition)
            else:
                parts, members = self._split(definition)
                chunks += parts
                definitions += members
        return sorted(chunks, key=lambda chunk: (chunk.start_line, chunk.end_line))

    def _stays_whole(self, definition: Definition) -> bool:
        config = self._config
        if definition.kind is ChunkKind.CLASS and definition.members:
            return self._lines.fits(definition.span, config.target_lines, config.target_chars)
        return self._lines.fits(definition.span, config.max_chunk_lines, config.max_chunk_chars)

    def _whole(self, definition: Definition) -> Iterator[Chunk]:
        signature, doc = self._signature(definition), self._doc(definition)
        return self._chunks(definition.kind, definition.span, definition, signature, doc)

    def _split(self, definition: Definition) -> tuple[list[Chunk], list[Definition]]:
        """Chunks of what a definition has besides its members, and the members that get chunks of their own."""
        members = definition.members
        if definition.kind is not ChunkKind.CLASS:
            members = [m for m in members if m.span[1] - m.span[0] + 1 >= MIN_NESTED_LINES]
        spans, members = self._lay_out(definition.span, definition.header_row, members)
        signature, doc = self._signature(definition), self._doc(definition)
        outline = self._outline_of(members) if definition.kind is ChunkKind.CLASS else ""
        chunks: list[Chunk] = []
        for piece in self._pieces(spans, definition.node):
            chunks += self._chunks(definition.kind, piece, definition, signature + outline, doc)
            outline = doc = ""
        return chunks, members

    def _split_module(self) -> tuple[list[Chunk], list[Definition]]:
        """Chunks of what stands outside of all definitions, and the definitions that get chunks of their own."""
        module = self._lines.trimmed((0, len(self._lines) - 1))
        if module is None:
            return [], []
        spans, definitions = self._lay_out(module, None, self._outline.definitions)
        chunks: list[Chunk] = []
        for piece in self._pieces(spans, self._outline.root):
            if piece[0] == module[0]:
                chunks += self._chunks(ChunkKind.MODULE, piece, doc=self._module_doc(piece))
            else:
                chunks += self._chunks(ChunkKind.BLOCK, piece)
        return chunks, definitions

    # Where the chunks are.

    def _lay_out(
        self, span: Span, header_row: int | None, members: list[Definition]
    ) -> tuple[list[Span], list[Definition]]:
        """Cut a span into members and the spans between them.

        All up to ``header_row`` is the header and belongs to no member; a module has no header. Chunks consist of
        whole lines: where a member begins on a line that an earlier part has, it begins on the next line, and is
        no part of its own if it has no other line. The spans of the members are set to the lines that they got.
        """
        parts: list[_Part] = []
        row = span[0]
        first_free = row if header_row is None else header_row + 1
        for member in sorted(members, key=lambda m: m.span):
            first, last = max(member.span[0], first_free, row), min(member.span[1], span[1])
            if first > last or not self._lines.has_words((first, last)):
                continue
            if row < first:
                parts.append(_Part((row, first - 1)))
            parts.append(_Part((first, last), member))
            row = last + 1
        if row <= span[1]:
            parts.append(_Part((row, span[1])))
        spans: list[Span] = []
        kept: list[Definition] = []
        for part in self._without_tiny_parts(parts, has_header=header_row is not None):
            if part.member is None:
                spans.append(part.span)
            else:
                part.member.span = part.span
                kept.append(part.member)
        return spans, kept

    def _without_tiny_parts(self, parts: list[_Part], *, has_header: bool) -> list[_Part]:
        """``parts``, but source between members is trimmed and, if it is tiny, joins the member it belongs to."""
        kept: list[_Part] = []
        joins_next: Span | None = None
        for index, part in enumerate(parts):
            if part.member is not None:
                if joins_next is not None:
                    part.span = (joins_next[0], part.span[1])
                    joins_next = None
                kept.append(part)
            elif span := self._lines.trimmed(part.span):
                if (has_header and index == 0) or not self._is_tiny(span) or len(parts) == 1:
                    kept.append(_Part(span))
                elif index + 1 < len(parts) and (not kept or self._leads(span)):
                    joins_next = span
                else:
                    kept[-1].span = (kept[-1].span[0], span[1])
        return kept

    def _is_tiny(self, span: Span) -> bool:
        return not self._lines.has_word_characters(span, self._config.min_chunk_chars)

    def _leads(self, span: Span) -> bool:
        """Whether tiny source belongs to what follows: it opens a block, or it is a comment."""
        if self._lines.lines[span[1]].rstrip().endswith(_OPENERS):
            return True
        above = self._outline.comments.above(span[1] + 1)
        return bool(above) and above[0][0] <= span[0]

    def _pieces(self, spans: list[Span], node: Node | Region) -> Iterator[Span]:
        """``spans``, those that are too long cut between the statements of ``node``."""
        limits = self._config.target_lines, self._config.target_chars
        for span in spans:
            if self._lines.fits(span, *limits):
                yield span
                continue
            pieces = self._lines.pieces(span, self._breaks(span, node), *limits)
            trimmed = [piece for piece in map(self._lines.trimmed, pieces) if piece]
            if len(trimmed) > 1 and self._is_tiny(trimmed[-1]):
                _, last = trimmed.pop()
                trimmed[-1] = (trimmed[-1][0], last)
            yield from trimmed

    def _breaks(self, span: Span, node: Node | Region) -> Iterator[int]:
        """Rows in ``span`` where a statement begins with the comments above it, looking into long ones.

        Where no grammar knows the statements, these are the rows after an empty one.
        """
        if isinstance(node, Region):
            lines = self._lines.lines
            yield from (
                row for row in range(span[0] + 1, span[1] + 1) if lines[row].strip() and not lines[row - 1].strip()
            )
            return
        config = self._config
        around = [node]
        while around:
            for child in _children_in(around.pop(), span):
                first, last = max(child.start_point[0], span[0]), min(last_row(child), span[1])
                if not self._outline.comments.end_above(first):
                    yield first
                if first < last and not self._lines.fits((first, last), config.target_lines, config.target_chars):
                    around.append(child)

    # What the chunks say.

    def _chunks(
        self,
        kind: ChunkKind,
        span: Span,
        definition: Definition | None = None,
        signature: str = "",
        doc: str = "",
    ) -> Iterator[Chunk]:
        """The chunk of a span, or several if it is one line that is too long for a chunk."""
        for text in self._lines.texts(span, self._config.max_chunk_chars, self._config.target_chars):
            yield Chunk(
                path=self._path,
                language=self._language.name,
                kind=kind,
                start_line=span[0] + 1,
                end_line=span[1] + 1,
                text=text,
                symbol=definition.name if definition else "",
                qualified_name=definition.qualified_name if definition else "",
                signature=signature,
                doc=doc,
            )

    def _signature(self, definition: Definition) -> str:
        """The declaration up to its body, on one line; the first line of a class whose body is not known."""
        node, body = definition.node, definition.body
        row, column = node.start_point
        # Four bytes are the longest character in UTF-8.
        end = min(body.start_byte if body else node.end_byte, node.start_byte + 4 * MAX_SIGNATURE_CHARS)
        declaration = self._without_docstring(definition, node.start_byte, end).decode("utf-8", "ignore")
        if body is None and definition.kind is ChunkKind.CLASS:
            declaration = declaration.partition("\n")[0]
        before = self._lines.lines[row][:column]
        if _KEYWORDS.fullmatch(before):
            declaration = before + declaration
        return _BEFORE_A_BODY.sub("", " ".join(declaration.split()))[:MAX_SIGNATURE_CHARS]

    def _without_docstring(self, definition: Definition, start: int, end: int) -> bytes:
        """Source from ``start`` to ``end``, without documentation that stands inside the declaration."""
        doc = definition.docstring
        if doc is None or not start <= doc.start_byte < end:
            return self._source[start:end]
        return self._source[start : doc.start_byte] + self._source[doc.end_byte : end].lstrip()

    def _outline_of(self, members: list[Definition]) -> str:
        """The signatures of members, each after a line end, as many as there is room for."""
        outline = ""
        for member in members:
            line = "\n" + self._signature(member)
            if len(outline) + len(line) > self._config.max_outline_chars:
                break
            outline += line
        return outline

    def _doc(self, definition: Definition) -> str:
        if definition.docstring is not None:
            return self._docstring(definition.docstring)
        return self._comment(definition.comments)

    def _module_doc(self, span: Span) -> str:
        if self._outline.docstring is not None:
            return self._docstring(self._outline.docstring)
        row = span[0] + self._lines.lines[span[0]].startswith("#!")
        comment = self._comment(self._outline.comments.beginning_at(row))
        return "" if is_licence(comment) else comment

    def _docstring(self, node: Node) -> str:
        literal = self._source[node.start_byte : node.end_byte].decode("utf-8", "replace")
        return docstring_text(literal, self._config.max_doc_chars)

    def _comment(self, spans: list[Span]) -> str:
        rows = [self._lines.lines[row] for first, last in spans for row in range(first, last + 1)]
        return comment_text(rows, self._config.max_doc_chars)


def _children_in(node: Node, span: Span) -> Iterator[Node]:
    """Named children of ``node`` that have a row in ``span``, without looking at those before it."""
    cursor = node.walk()
    if cursor.goto_first_child_for_point((span[0], 0)) is None:
        return
    while True:
        child = cursor.node
        if child is None or child.start_point[0] > span[1]:
            return
        if child.is_named and last_row(child) >= span[0]:
            yield child
        if not cursor.goto_next_sibling():
            return
