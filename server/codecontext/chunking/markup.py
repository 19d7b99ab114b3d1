"""Markdown and reStructuredText cut by heading."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from codecontext.chunking.config import ChunkingConfig
from codecontext.chunking.lines import SourceLines, Span
from codecontext.core import Chunk, ChunkKind

PATH_SEPARATOR = " > "
MAX_TITLE_CHARS = 300

_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})(.*)")
_ATX = re.compile(r" {0,3}(#{1,6})(?=[ \t]|$)")
_SETEXT = re.compile(r" {0,3}(=+|-+)[ \t]*")
_NO_PARAGRAPH = re.compile(r" {4,}|\t| {0,3}(?:[-*+>|]|\d+[.)]|#{1,6}\s|<)")
_INLINE_LINK = re.compile(r"!?\[([^\[\]]*)\](?:\([^()]*\)|\[[^\[\]]*\])")
_INLINE_MARKS = re.compile(r"[*`]{1,3}(?=\S)|(?<=\S)[*`]{1,3}|<[^<>]*>|\{#[^{}]*\}")
# The characters that docutils takes for the adornment of a section title.
_ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1*[ \t]*")
_ROLE = re.compile(r":[\w:.+-]+:`([^`<]*)(?:<[^`]*>)?`")


@dataclass(frozen=True, slots=True)
class _Heading:
    """A heading: the rows it takes, how deep it is (1 is outermost), and its text without marks."""

    span: Span
    level: int
    title: str


@dataclass(slots=True)
class _Structure:
    """The headings of a document, and the rows where a paragraph or other block begins."""

    headings: list[_Heading] = field(default_factory=list)
    breaks: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Section:
    span: Span
    titles: tuple[str, ...]


def chunk_sections(path: str, text: str, language: str, config: ChunkingConfig) -> list[Chunk]:
    """Sections of ``text`` (as ``decode_source`` gives it) in ``markdown`` or ``restructuredtext``, in order.

    A section ends at the next heading of any level; one that is only a heading joins the subsection below
    it. Long sections are cut between paragraphs. ``symbol`` is the heading, ``qualified_name`` the headings
    from the outermost one, joined by ``PATH_SEPARATOR``.
    """
    lines = SourceLines(text)
    structure = _READERS[language](lines.lines)
    return [
        Chunk(
            path=path,
            language=language,
            kind=ChunkKind.SECTION,
            start_line=span[0] + 1,
            end_line=span[1] + 1,
            text=piece_text,
            symbol=section.titles[-1] if section.titles else "",
            qualified_name=PATH_SEPARATOR.join(section.titles),
        )
        for section in _sections(lines, structure.headings)
        for piece in lines.pieces(section.span, structure.breaks, config.target_lines, config.target_chars)
        if (span := lines.trimmed(piece))
        for piece_text in lines.texts(span, config.max_chunk_chars, config.target_chars)
    ]


def _sections(lines: SourceLines, headings: list[_Heading]) -> Iterator[_Section]:
    first_heading = headings[0].span[0] if headings else len(lines)
    if first_heading > 0:
        yield _Section((0, first_heading - 1), ())
    around: list[_Heading] = []
    start: int | None = None
    for heading, following in zip(headings, [*headings[1:], None], strict=False):
        around = [*(outer for outer in around if outer.level < heading.level), heading]
        start = heading.span[0] if start is None else start
        last = following.span[0] - 1 if following else len(lines) - 1
        body = (heading.span[1] + 1, last)
        if following and following.level > heading.level and not lines.has_words(body):
            continue
        yield _Section((start, last), tuple(outer.title for outer in around))
        start = None


def _read_markdown(lines: list[str]) -> _Structure:
    """ATX and setext headings as in CommonMark 0.31, sections 4.2 and 4.3; none in fenced code."""
    structure = _Structure()
    fence = ""
    paragraph: int | None = None
    for row in range(_after_front_matter(lines), len(lines)):
        line = lines[row]
        if match := _FENCE.fullmatch(line):
            marks, rest = match.groups()
            if not fence:
                fence = marks
                structure.breaks.append(row)
            elif marks.startswith(fence) and not rest.strip():
                fence = ""
            paragraph = None
        elif fence:
            continue
        elif match := _ATX.match(line):
            title = _without_closing_marks(line[match.end() :].strip())
            structure.headings.append(_Heading((row, row), len(match.group(1)), _plain(title)))
            paragraph = None
        elif paragraph is not None and (match := _SETEXT.fullmatch(line)):
            title = _plain(" ".join(part.strip() for part in lines[paragraph : min(row, paragraph + 3)]))
            level = 1 if match.group(1)[0] == "=" else 2
            structure.headings.append(_Heading((paragraph, row), level, title))
            paragraph = None
        elif not line.strip():
            paragraph = None
        elif paragraph is None:
            if row == 0 or not lines[row - 1].strip():
                structure.breaks.append(row)
            if not _NO_PARAGRAPH.match(line):
                paragraph = row
    return structure


def _without_closing_marks(title: str) -> str:
    bare = title.rstrip("#")
    return bare.rstrip() if not bare or bare[-1] in " \t" else title


def _after_front_matter(lines: list[str]) -> int:
    """The row after YAML (``---``) or TOML (``+++``) metadata at the top."""
    mark = lines[0].rstrip()
    if mark in {"---", "+++"}:
        for row in range(1, len(lines)):
            if lines[row].rstrip() in {mark, "..." if mark == "---" else mark}:
                return row + 1
    return 0


def _read_restructuredtext(lines: list[str]) -> _Structure:
    """Section titles as docutils reads them: underlined or also overlined; depth by first use of a style."""
    structure = _Structure()
    styles: list[tuple[str, bool]] = []
    row = 0
    while row < len(lines):
        heading = _title_at(lines, row)
        if heading is not None:
            last, style, title = heading
            if style not in styles:
                styles.append(style)
            structure.headings.append(_Heading((row, last), styles.index(style) + 1, title))
            row = last + 1
            continue
        line = lines[row]
        if line.strip() and not line[0].isspace() and (row == 0 or not lines[row - 1].strip()):
            structure.breaks.append(row)
        row += 1
    return structure


def _title_at(lines: list[str], row: int) -> tuple[int, tuple[str, bool], str] | None:
    """Last row, style (character, overlined) and text of a title that begins at ``row``."""
    if row > 0 and lines[row - 1].strip():
        return None
    if row + 2 < len(lines) and _is_adornment(lines[row]) and lines[row].rstrip() == lines[row + 2].rstrip():
        title = lines[row + 1].strip()
        if title and not _ADORNMENT.fullmatch(title) and len(title) <= len(lines[row].rstrip()):
            return row + 2, (lines[row][0], True), _plain(title)
    if row + 1 < len(lines) and _is_adornment(lines[row + 1]):
        title = lines[row].rstrip()
        long_enough = len(lines[row + 1].rstrip()) >= min(len(title), 4)
        if title and not title[0].isspace() and not _ADORNMENT.fullmatch(title) and long_enough:
            return row + 1, (lines[row + 1][0], False), _plain(title)
    return None


def _is_adornment(line: str) -> bool:
    return _ADORNMENT.fullmatch(line) is not None and len(line.rstrip()) > 1


def _plain(title: str) -> str:
    title = _ROLE.sub(r"\1", _INLINE_LINK.sub(r"\1", title[:MAX_TITLE_CHARS]))
    return " ".join(_INLINE_MARKS.sub("", title).split())


_READERS: dict[str, Callable[[list[str]], _Structure]] = {
    "markdown": _read_markdown,
    "restructuredtext": _read_restructuredtext,
}
