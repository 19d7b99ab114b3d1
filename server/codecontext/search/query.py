"""What a person typed: filters, words, and whether it names a symbol or describes something."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from codecontext.chunking.languages import language_named
from codecontext.core.chunk import ChunkKind
from codecontext.core.errors import QueryError
from codecontext.core.filters import ChunkFilter
from codecontext.core.terms import lexical_terms

MAX_QUERY_CHARACTERS = 2000
"""Of a longer query only the beginning is used: no model reads more, and no one types it."""

_FILTER = re.compile(r"""(?<!\S)(-?)(lang|path|kind):("[^"]*"|\S+)""", re.IGNORECASE)
_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*(?:(?:\.|::|#|->)[A-Za-z_$][\w$]*)*(?:\(\))?")
_OTHER_LANGUAGE_NAMES = {"c#": "csharp", "golang": "go", "shell": "bash"}
# Words that say nothing about code; function words of English questions.
_STOP_WORDS = frozenset(
    """
    a an and are as at be by can do does for from how i if in into is it its me my not of on or our show so
    than that the their them then there these this to was we what when where which who why will with you your
    find code function method class file
    """.split()  # noqa: SIM905 - a list of words reads best as text
)


class QueryNature(StrEnum):
    """What kind of question a query is; it decides how much words and meaning count."""

    SYMBOL = "symbol"
    PHRASE = "phrase"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query. ``text`` is what is embedded; ``terms`` is what full-text search looks for."""

    text: str
    terms: tuple[str, ...]
    nature: QueryNature
    where: ChunkFilter

    @property
    def is_empty(self) -> bool:
        """Whether nothing but filters, or nothing at all, was typed."""
        return not self.text


def parse_query(
    raw: str,
    *,
    languages: tuple[str, ...] = (),
    paths: tuple[str, ...] = (),
    kinds: tuple[str, ...] = (),
) -> Query:
    """Split ``lang:``, ``path:`` and ``kind:`` filters from the words and add the ones given apart.

    ``-path:`` excludes. Raises ``QueryError`` for an unknown kind.
    """
    found: dict[str, list[str]] = {"lang": list(languages), "path": list(paths), "kind": list(kinds)}
    for sign, name, value in _FILTER.findall(raw):
        found[name.lower()] += [f"!{part}" if sign else part for part in value.strip('"').split(",") if part]
    text = " ".join(_FILTER.sub(" ", raw).split())[:MAX_QUERY_CHARACTERS]
    where = ChunkFilter(
        languages=tuple(_language(value) for value in found["lang"]),
        paths=tuple(found["path"]),
        kinds=tuple(_kind(value) for value in found["kind"]),
    )
    return Query(text=text, terms=_query_terms(text), nature=_nature(text), where=where)


def _language(value: str) -> str:
    """A language by its name, or by the ending of its files."""
    name = _OTHER_LANGUAGE_NAMES.get(value.lower(), value.lower())
    language = language_named(name)
    return language.name if language else name


def _kind(value: str) -> str:
    try:
        return ChunkKind(value.lower()).value
    except ValueError as error:
        known = ", ".join(kind.value for kind in ChunkKind)
        raise QueryError(f"'{value}' is not a kind of chunk.", f"Use one of: {known}.") from error


def _query_terms(text: str) -> tuple[str, ...]:
    """Distinct terms in order, without function words unless nothing else is left."""
    terms = tuple(dict.fromkeys(lexical_terms(text)))
    return tuple(term for term in terms if term not in _STOP_WORDS) or terms


def _nature(text: str) -> QueryNature:
    """One identifier, or something with a shape that only identifiers have, names a symbol."""
    words = text.split()
    if len(words) == 1 and _IDENTIFIER.fullmatch(words[0]):
        return QueryNature.SYMBOL
    return QueryNature.PHRASE
