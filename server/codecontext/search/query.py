"""Parses a query: filters, terms, and whether it names a symbol or describes something."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from codecontext.chunking.languages import LANGUAGES, language_named
from codecontext.core.chunk import ChunkFilter, ChunkKind
from codecontext.core.errors import QueryError
from codecontext.core.globs import split_alternatives
from codecontext.core.terms import lexical_terms

MAX_QUERY_CHARACTERS = 2000
"""Of a longer query only the beginning is used: no model reads more, and no one types it."""

_FILTER = re.compile(r"""(?<!\S)(-?)(lang|path|kind):("[^"]*"|\S+)""", re.IGNORECASE)
_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*(?:(?:\.|::|#|->)[A-Za-z_$][\w$]*)*(?:\(\))?")
_OTHER_LANGUAGE_NAMES = {
    "bazel": "starlark",
    "c#": "csharp",
    "docker": "dockerfile",
    "f#": "fsharp",
    "golang": "go",
    "javascriptreact": "javascript",
    "objc": "objective-c",
    "objective-cpp": "objective-c",
    "objectivec": "objective-c",
    "plain": "text",
    "plaintext": "text",
    "shell": "bash",
    "shellscript": "bash",
    "typescriptreact": "typescript",
    "viml": "vim",
}
_LANGUAGE_NAMES = sorted({*(language.name for language in LANGUAGES), *_OTHER_LANGUAGE_NAMES})
_MAX_FILTERS = 64
# Words that say nothing about code; function words of English questions.
_STOP_WORDS = frozenset(
    """
    a an and are as at be by can do does for from how i if in into is it its me my not of on or our show so
    than that the their them then there these this to was we what when where which who why will with you your
    find code function method class file
    """.split()  # noqa: SIM905 - a list of words reads best as text
)


class QueryKind(StrEnum):
    """What kind of query it is; this decides the weights of keyword and semantic scores."""

    SYMBOL = "symbol"
    PHRASE = "phrase"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query. ``text`` is what is embedded; ``terms`` is what full-text search looks for."""

    text: str
    terms: tuple[str, ...]
    kind: QueryKind
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

    A minus before any of them excludes. Several values are separated by commas; what stands in quotation marks is one.
    Raises ``QueryError`` for an unknown language or kind, and for too many filters.
    """
    found: dict[str, list[str]] = {"lang": list(languages), "path": list(paths), "kind": list(kinds)}
    for sign, name, value in _FILTER.findall(raw):
        found[name.lower()] += [f"!{part}" if sign else part for part in _values(value)]
    if sum(map(len, found.values())) > _MAX_FILTERS:
        raise QueryError(f"The query has more than {_MAX_FILTERS} filters.", "Use fewer, or a glob as in path:src/**.")
    text = " ".join(_FILTER.sub(" ", raw).split())[:MAX_QUERY_CHARACTERS]
    where = ChunkFilter(
        languages=tuple(_language(value) for value in found["lang"]),
        paths=tuple(found["path"]),
        kinds=tuple(_kind(value) for value in found["kind"]),
    )
    return Query(text=text, terms=_query_terms(text), kind=_query_kind(text), where=where)


def _values(value: str) -> list[str]:
    if len(value) > 1 and value.startswith('"') and value.endswith('"'):
        return [value[1:-1]] if value[1:-1] else []
    return split_alternatives(value)


def _language(value: str) -> str:
    """A language by its name or a file extension."""
    sign, name = _sign_and_name(value)
    language = language_named(_OTHER_LANGUAGE_NAMES.get(name, name)) or language_named(name.removeprefix("."))
    if language is None:
        near = get_close_matches(name, _LANGUAGE_NAMES, n=1)
        advice = f"Did you mean {near[0]}? " if near else ""
        raise QueryError(
            f"'{_shown(value)}' is not a known language.",
            f"{advice}Use a name or a file extension, as in lang:python or lang:py; "
            "'codecontext status' lists the languages of a folder.",
        )
    return sign + language.name


def _kind(value: str) -> str:
    sign, name = _sign_and_name(value)
    try:
        return sign + ChunkKind(name).value
    except ValueError as error:
        known = [kind.value for kind in ChunkKind]
        near = get_close_matches(name, known, n=1)
        advice = f" Did you mean {near[0]}?" if near else ""
        raise QueryError(
            f"'{_shown(value)}' is not a kind of chunk.", f"Use one of: {', '.join(known)}.{advice}"
        ) from error


def _sign_and_name(value: str) -> tuple[str, str]:
    sign = "!" if value.startswith("!") else ""
    return sign, value.removeprefix("!").lower()


def _shown(value: str) -> str:
    return value if len(value) <= 60 else value[:59] + "…"


def _query_terms(text: str) -> tuple[str, ...]:
    """Distinct terms in order, without function words unless nothing else is left."""
    terms = tuple(dict.fromkeys(lexical_terms(text)))
    return tuple(term for term in terms if term not in _STOP_WORDS) or terms


def _query_kind(text: str) -> QueryKind:
    """One identifier, or something with a shape that only identifiers have, names a symbol."""
    words = text.split()
    if len(words) == 1 and _IDENTIFIER.fullmatch(words[0]):
        return QueryKind.SYMBOL
    return QueryKind.PHRASE
