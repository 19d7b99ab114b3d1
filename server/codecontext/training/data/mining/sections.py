"""A section of the documents → the code that it names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from codecontext.chunking import chunk_source
from codecontext.core import Chunk
from codecontext.search.paths import PathRole
from codecontext.training.data.mining.repository import Repository
from codecontext.training.data.pairs import CodeSpan, Pair
from codecontext.training.data.wording import plain, sentences, shortened

SOURCE = "section"
WEIGHT = 0.5

MAX_PLACES = 3
_MARKUP = frozenset({"markdown", "restructuredtext"})
_CODE_NAME = re.compile(r"`+~?([A-Za-z_][\w.:#]*\w)(?:\(\))?`+")
_NO_PROSE = re.compile(r"^\s*(?:#|=|-{3,}|~{3,}|\||>|\.\.|:\w|```|!\[|<|\*\s|-\s|\d+\.)")
_HISTORY = re.compile(
    r"^(?:change|history|news|release|whatsnew|upgrad|migrat|contribut|licen[cs]e|authors|code_of)", re.IGNORECASE
)
_CONNECTOR = re.compile(r"[.:#]+")


def mine_sections(repository: Repository) -> Iterator[Pair]:
    """One pair for each section of prose that names a few definitions of this repository."""
    for file in repository.files.values():
        is_history = any(_HISTORY.match(part) for part in PurePosixPath(file.path).parts)
        if file.language in _MARKUP and file.role is not PathRole.VENDORED and not is_history:
            for section in chunk_source(file.path, file.text.encode("utf-8", "replace")):
                pair = _pair(section, repository)
                if pair is not None:
                    yield pair


def _pair(section: Chunk, repository: Repository) -> Pair | None:
    prose = _prose(section)
    found = sentences(plain(prose))
    places: dict[tuple[str, int], CodeSpan] = {}
    for name in _CODE_NAME.findall(prose):
        for span in _named(name, repository):
            places[span.path, span.start_line] = span
    if not found or not 0 < len(places) <= MAX_PLACES:
        return None
    query = shortened(f"{section.symbol}: {found[0]}" if section.symbol else found[0])
    return Pair(query=query, code=tuple(places.values()), source=SOURCE, weight=WEIGHT)


def _prose(section: Chunk) -> str:
    """The first paragraph below the heading that is neither code nor a list."""
    kept: list[str] = []
    is_code = False
    for line in section.text.split("\n"):
        if line.lstrip().startswith(("```", "~~~")):
            is_code = not is_code
        elif is_code or line.startswith(("    ", "\t")) or _NO_PROSE.match(line) or line.strip() == section.symbol:
            continue
        elif line.strip():
            kept.append(line.strip())
        elif kept:
            break
    return " ".join(kept)


def _named(name: str, repository: Repository) -> list[CodeSpan]:
    """The one place that ``name`` is defined in; none where it is no name of this repository, or that of several."""
    parts = _CONNECTOR.split(name)
    for wanted in (".".join(parts[-2:]), parts[-1]):
        places = repository.defined.get(wanted, [])
        if len(places) == 1:
            file, definition = places[0]
            return [file.span_of(definition)]
    return []
