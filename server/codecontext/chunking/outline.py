"""The definitions of a file, as a tree."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from tree_sitter import Node

from codecontext.chunking.dialects import parse_dialect
from codecontext.chunking.grammars import SourceParser
from codecontext.chunking.languages import Language, language_named
from codecontext.chunking.lines import Region, SourceLines, Span
from codecontext.chunking.sql_routines import Routine
from codecontext.core import ChunkKind

# Definitions inside more than this many others are part of the outermost ones: no person nests so deep, and
# the names of a machine that does would be longer than its code.
MAX_NESTING = 32
MAX_NAME_CHARS = 200

_ROLES = ("function", "method", "class", "object", "module", "namespace")
_ROLE_BY_CAPTURE = {f"definition.{role}": role for role in _ROLES}
_CALLABLE_ROLES = frozenset({"function", "method"})
_GENERICS = re.compile(r"<[^<>]*>|\([^()]*\)|\[[^\[\]]*\]")
_TYPE_ARGUMENTS = re.compile(r"<[^<>]*>")
_CUT_GENERICS = re.compile(r"(?<=\w)<[^>]*\Z")
_SEPARATOR = re.compile(r"::|->|[.:\\]")
_DOC_BLOCKS = ("/**", "=head", "=item", "=method", "=func", "=pod")
_NO_PART_OF_A_NAME = frozenset({"prototype", "exports", "module", "this", "self", "window", "globalThis"})


@dataclass(slots=True, eq=False)
class Definition:
    """A function, method or class with the comments and decorators that belong to it.

    ``name`` is the last part of ``qualified_name``, whose parts are joined by ``.`` in every language. ``span``
    holds the comments and decorators too, ``node`` only the declaration with its ``body``. ``docstring`` is
    documentation inside of the definition, ``comments`` are the spans of the comments above it.
    """

    kind: ChunkKind
    name: str
    qualified_name: str
    span: Span
    node: Node | Region
    header_row: int
    body: Node | Region | None
    docstring: Node | None
    comments: list[Span]
    members: list[Definition] = field(default_factory=list)


@dataclass(slots=True)
class Outline:
    """What the syntax tree says about a file: its root, its definitions in order, its own docstring."""

    root: Node
    definitions: list[Definition]
    docstring: Node | None
    comments: Comments


class Comments:
    """Comments, and what else stands on lines of its own before a definition, by their last row."""

    def __init__(self) -> None:
        self._first_by_last: dict[int, int] = {}
        self._rows_of_attached: set[int] = set()
        self._above: dict[int, list[Span]] = {}
        self._indentations: dict[int, int] = {}

    def add(self, node: Node, lines: SourceLines, *, is_comment: bool) -> None:
        """Remember a node if nothing but space stands before it on its line."""
        row, column = node.start_point
        # The column counts bytes, but they are as many as the characters of the usual indentation.
        if column <= self._indentation(row, lines):
            last = last_row(node)
            self._first_by_last[last] = min(row, self._first_by_last.get(last, row))
            if not is_comment:
                self._rows_of_attached.add(last)

    def attach(self, row: int) -> None:
        """Remember a row that belongs to the definition below it."""
        if row not in self._first_by_last:
            self._first_by_last[row] = row
            self._rows_of_attached.add(row)

    def _indentation(self, row: int, lines: SourceLines) -> int:
        known = self._indentations.get(row)
        if known is None:
            line = lines.lines[row]
            known = self._indentations[row] = len(line) - len(line.lstrip())
        return known

    def above(self, row: int) -> list[Span]:
        """Spans that end right above ``row``, one on top of the other, from the top."""
        known = self._above.get(row)
        if known is None:
            known, first = [], row
            while self.end_above(first):
                known.append((self._first_by_last[first - 1], first - 1))
                first = known[-1][0]
            known.reverse()
            self._above[row] = known
        return known

    def doc_block_apart(self, row: int, lines: SourceLines) -> list[Span]:
        """A ``/** */`` comment with one blank line between it and ``row``, as some write it in JavaScript, or pod.

        Not at the top of a file, where it describes the file.
        """
        first = self._first_by_last.get(row - 2, 0)
        if first > 0 and not lines.lines[row - 1].strip() and lines.lines[first].lstrip().startswith(_DOC_BLOCKS):
            return [(first, row - 2)]
        return []

    def end_above(self, row: int) -> bool:
        """Whether one of them ends right above ``row``."""
        return row - 1 in self._first_by_last

    def beginning_at(self, row: int) -> list[Span]:
        """Spans of the comments on ``row`` and right below, one under the other."""
        last_by_first = {first: last for last, first in self._first_by_last.items()}
        spans: list[Span] = []
        while row in last_by_first:
            spans.append((row, last_by_first[row]))
            row = spans[-1][1] + 1
        return self.only_comments(spans)

    def only_comments(self, spans: Iterable[Span]) -> list[Span]:
        """``spans`` without decorators and attributes."""
        return [span for span in spans if span[1] not in self._rows_of_attached]


def read_outline(source: bytes, lines: SourceLines, language: Language) -> Outline:
    """Parse UTF-8 ``source``, whose text is ``lines``, and find its definitions; may raise ``ParseBudgetExceeded``."""
    parser = SourceParser(source)
    reading = parse_dialect(parser, source, language)
    findings = _Findings(source, lines, reading.names)
    for root, root_language in reading.roots:
        findings.read(parser, root, root_language)
    findings.add_routines(reading.routines)
    for row in reading.rows_of_macros:
        findings.comments.attach(row)
    for script, script_language in findings.scripts:
        findings.read(parser, parser.parse(script_language, [script.range]).root_node, script_language)
    root = reading.roots[0][0]
    return Outline(root, findings.definitions(), findings.docstrings.get(root.id), findings.comments)


def last_row(node: Node | Region) -> int:
    """The last row that a node has a part of; a node may end before the first character of the next row."""
    row, column = node.end_point
    return row - 1 if column == 0 and row > node.start_point[0] else row


@dataclass(slots=True, eq=False)
class _Candidate:
    """A match of a definition pattern, before its place among the others is known."""

    role: str
    pattern: int
    node: Node | Region
    name_parts: tuple[str, ...]
    name_row: int
    body: Node | Region | None
    min_lines: int
    end_byte: int
    is_clause: bool = False
    trims_end: bool = False
    lasts: bool = False
    is_absolute: bool = False
    parent: _Candidate | None = None
    has_callable: bool = False
    # What it became; a namespace has no definition, only a place in names.
    definition: Definition | None = None
    qualified_parts: tuple[str, ...] = ()


class _Findings:
    """Everything that the queries of a file's languages have matched."""

    def __init__(self, source: bytes, lines: SourceLines, given_names: dict[int, tuple[str, ...]]) -> None:
        self.comments = Comments()
        self.docstrings: dict[int, Node] = {}
        self.scripts: list[tuple[Node, Language]] = []
        self._source = source
        self._lines = lines
        self._given_names = given_names
        self._line_starts: list[int] = []
        self._extents: dict[int, Node] = {}
        self._candidates: dict[int, _Candidate] = {}

    def read(self, parser: SourceParser, root: Node, language: Language) -> None:
        """Run the queries of ``language`` over a tree and keep what they capture."""
        scripts: dict[int, tuple[Node, str]] = {}
        for settings, pattern, captures in parser.definitions(language, root):
            if "comment" in captures:
                for node in captures["comment"]:
                    self.comments.add(node, self._lines, is_comment=True)
            elif "attached" in captures:
                self.comments.add(captures["attached"][0], self._lines, is_comment=False)
            elif "extent" in captures:
                self._extents[captures["inner"][0].id] = captures["extent"][0]
            elif "documented" in captures:
                self.docstrings[captures["documented"][0].id] = captures["docstring"][0]
            elif "script" in captures:
                node = captures["script"][0]
                if "script.lang" in captures:
                    scripts[node.id] = (node, self._text(captures["script.lang"][0]))
                else:
                    scripts.setdefault(node.id, (node, settings["script-lang"] or ""))
            else:
                self._add_candidate(pattern, captures, settings)
        for node, name in scripts.values():
            script_language = language_named(name)
            if script_language is not None and script_language.grammar:
                self.scripts.append((node, script_language))

    def _add_candidate(self, pattern: int, captures: dict[str, list[Node]], settings: Mapping[str, str | None]) -> None:
        role, node = next((role, captures[name][0]) for name, role in _ROLE_BY_CAPTURE.items() if name in captures)
        known = self._candidates.get(node.id)
        if known is None or pattern < known.pattern:
            names = captures.get("name", [])
            owners = captures.get("owner", [])[:1]
            body = captures["body"][0] if "body" in captures else None
            split = _whole_name if "whole-name" in settings else _split_name
            self._candidates[node.id] = _Candidate(
                role=role,
                pattern=pattern,
                node=node,
                name_parts=tuple(part for name in (*owners, *names) for part in self._name_parts(name, split)),
                name_row=(names[0] if names else node).start_point[0],
                body=body,
                min_lines=int(settings.get("min-lines") or 1),
                is_clause="clause" in settings,
                trims_end="trim-end" in settings,
                lasts="lasts" in settings,
                is_absolute="absolute-name" in settings,
                # A body may follow its declaration instead of being a part of it.
                end_byte=max(node.end_byte, body.end_byte) if body else node.end_byte,
            )

    def add_routines(self, routines: list[Routine]) -> None:
        """Add definitions that were found without a grammar; no other reaches over the beginning of one."""
        starts = sorted(routine.start for routine in routines)
        for key, candidate in list(self._candidates.items()):
            index = bisect_left(starts, candidate.node.start_byte)
            if index < len(starts) and starts[index] < candidate.end_byte:
                del self._candidates[key]
        for routine in routines:
            self._add_routine(routine)

    def _add_routine(self, routine: Routine) -> None:
        region = self._region(routine.start, routine.end)
        body = self._region(routine.body, routine.end) if routine.body < routine.end else None
        self._candidates[region.id] = _Candidate(
            role=routine.role,
            pattern=0,
            node=region,
            name_parts=routine.name,
            name_row=self._point(routine.name_start)[0],
            body=body,
            min_lines=1,
            end_byte=routine.end,
        )

    def _region(self, start: int, end: int) -> Region:
        return Region(start, end, self._point(start), self._point(end))

    def _point(self, offset: int) -> tuple[int, int]:
        if not self._line_starts:
            self._line_starts = [0, *(match.end() for match in re.finditer(rb"\n", self._source))]
        row = bisect_right(self._line_starts, offset) - 1
        return row, offset - self._line_starts[row]

    def _name_parts(self, name: Node, split: Callable[[str], Iterable[str]]) -> Iterable[str]:
        return self._given_names.get(name.start_byte) or split(self._text(name))

    def _text(self, node: Node) -> str:
        return self._source[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def definitions(self) -> list[Definition]:
        """The definitions that stand in no other one, each with its members."""
        top: list[Definition] = []
        for candidate in self._nested():
            parent = candidate.parent
            outer_parts = parent.qualified_parts if parent and not candidate.is_absolute else ()
            candidate.qualified_parts = outer_parts + candidate.name_parts
            scope = _enclosing_definition(candidate)
            if _is_namespace(candidate):
                continue
            candidate.definition = self._define(candidate, scope)
            members = scope.members if scope else top
            if candidate.is_clause and members and self._join(members[-1], candidate.definition):
                candidate.definition = members[-1]
            elif candidate.definition is not None:
                members.append(candidate.definition)
        return top

    def _join(self, before: Definition, clause: Definition | None) -> bool:
        """Whether ``clause`` is the next one of the function ``before``, which then takes its lines."""
        if clause is None or clause.qualified_name != before.qualified_name or clause.kind is not before.kind:
            return False
        if any(line.strip() for line in self._lines.lines[before.span[1] + 1 : clause.span[0]]):
            return False
        before.span = (before.span[0], max(before.span[1], clause.span[1]))
        return True

    def _nested(self) -> list[_Candidate]:
        """Candidates in source order, outer ones first, each with its parent."""
        nested: list[_Candidate] = []
        around: list[_Candidate] = []
        self._extend_lasting()
        for candidate in sorted(self._candidates.values(), key=lambda c: (c.node.start_byte, -c.end_byte)):
            while around and around[-1].end_byte <= candidate.node.start_byte:
                around.pop()
            if len(around) < MAX_NESTING:
                candidate.parent = around[-1] if around else None
                if candidate.parent is not None and candidate.role in _CALLABLE_ROLES:
                    candidate.parent.has_callable = True
                around.append(candidate)
                nested.append(candidate)
        return nested

    def _extend_lasting(self) -> None:
        """Let each statement that lasts to the next of its kind (``package A;``) reach there."""
        end = len(self._source)
        for candidate in sorted(self._candidates.values(), key=lambda c: -c.node.start_byte):
            if candidate.lasts:
                candidate.end_byte, end = end, candidate.node.start_byte

    def _define(self, candidate: _Candidate, scope: Definition | None) -> Definition | None:
        """The definition that a candidate is, or None if it is too small to be one."""
        outer: Node | Region = candidate.node
        while outer.id in self._extents:
            outer = self._extents[outer.id]
        first, last = outer.start_point[0], last_row(outer)
        if candidate.body is not None:
            last = max(last, last_row(candidate.body))
        if candidate.trims_end:
            last = self._trimmed_end(candidate.name_row, last)
        above = self.comments.above(first) or self.comments.doc_block_apart(first, self._lines)
        if above:
            first = above[0][0]
        if last - first + 1 < candidate.min_lines:
            return None
        parts = candidate.qualified_parts
        return Definition(
            kind=_kind(candidate, scope),
            name=parts[-1] if parts else "",
            qualified_name=".".join(parts),
            span=(first, last),
            node=candidate.node,
            # The name may come last (typedef struct { ... } name).
            header_row=min(candidate.name_row, candidate.body.start_point[0]) if candidate.body else candidate.name_row,
            body=candidate.body,
            docstring=self.docstrings.get(candidate.node.id),
            comments=self.comments.only_comments(above),
        )

    def _trimmed_end(self, name_row: int, last: int) -> int:
        """The last row of a definition whose node may hold blank lines and the comments of what follows it."""
        while last > name_row:
            comments = self.comments.above(last + 1)
            if comments:
                last = max(name_row, comments[0][0] - 1)
            elif not self._lines.lines[last].strip():
                last -= 1
            else:
                break
        return last


def _enclosing_definition(candidate: _Candidate) -> Definition | None:
    parent = candidate.parent
    while parent is not None and parent.definition is None:
        parent = parent.parent
    return parent.definition if parent else None


def _is_namespace(candidate: _Candidate) -> bool:
    return candidate.role == "namespace" or (candidate.role in {"module", "object"} and not candidate.has_callable)


def _kind(candidate: _Candidate, scope: Definition | None) -> ChunkKind:
    if candidate.role not in _CALLABLE_ROLES:
        return ChunkKind.CLASS
    in_class = scope is not None and scope.kind is ChunkKind.CLASS
    if candidate.role == "method" or in_class or len(candidate.name_parts) > 1:
        return ChunkKind.METHOD
    return ChunkKind.FUNCTION


def _whole_name(name: str) -> Iterator[str]:
    """The name as it is, where ``.``, ``->`` and brackets are part of names."""
    if whole := " ".join(name[:MAX_NAME_CHARS].split()).strip("\"'`"):
        yield whole


def _split_name(name: str) -> Iterator[str]:
    """Parts of a declared name: ``Box`` and ``get`` for ``Box<T>::get`` or ``Box.prototype.get``."""
    if name.isidentifier() and "operator" not in name:  # as nearly all are
        yield name[:MAX_NAME_CHARS]
        return
    name = " ".join(name[:MAX_NAME_CHARS].split()).strip("\"'`")
    scope, operator, symbol = name.rpartition("operator")
    if operator and not symbol[:1].isalnum():
        yield from _split_name(scope) if scope else ()
        yield operator + symbol
        return
    parts = [part.strip("*&() \"'`") for part in _SEPARATOR.split(_without_generics(name))]
    named = [part for part in parts if part and part not in _NO_PART_OF_A_NAME]
    yield from named or [part for part in parts if part][-1:] or ([name] if name else [])


def _without_generics(name: str) -> str:
    """``name`` without type arguments, those in others too, and those that the limit of names cut off."""
    name, count = _GENERICS.sub("", name), 1
    while count:
        name, count = _TYPE_ARGUMENTS.subn("", name)
    return _CUT_GENERICS.sub("", name) or name
