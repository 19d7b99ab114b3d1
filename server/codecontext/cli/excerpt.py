"""Chooses the lines of a hit that are shown."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from codecontext.core.terms import lexical_terms
from codecontext.search.results import Hit

_NOT_CODE = ("#", "//", "/*", "*", "--", "@", '"""')
_WORD = re.compile(r"\w+")
_SHORTEST_STEM = 4
_ENDING = re.compile(r"(?:ations?|ings?|ions?|ers?|ors?|ed|es|e|(?<!s)s)$")


def choose_lines(hit: Hit, terms: Collection[str], limit: int) -> list[int]:
    """Positions in the lines of ``hit.text``, ascending, at most ``limit``.

    The first line of the definition, then the lines that have most of the query's ``terms``, then what
    follows the definition.
    """
    lines = hit.text.split("\n")
    first = definition(hit)
    matches = _matches(lines, terms)
    wanted = [first, *sorted(matches, key=lambda index: (-matches[index], index))]
    wanted += [index for index in range(first, len(lines)) if _WORD.search(lines[index])]
    return sorted(list(dict.fromkeys(wanted))[:limit])


def definition(hit: Hit) -> int:
    """Position of the line that names the hit's symbol first, skipping decorators and comments."""
    lines = hit.text.split("\n")
    named = re.compile(rf"\b{re.escape(hit.symbol)}\b") if hit.symbol else re.compile(r"\S")
    candidates = [index for index, line in enumerate(lines) if named.search(line)]
    code = [index for index in candidates if not lines[index].lstrip().startswith(_NOT_CODE)]
    return next(iter(code or candidates), 0)


def matching_words(line: str, terms: Collection[str]) -> list[tuple[int, int]]:
    """Start and end of every word in ``line`` that contains part of a query term."""
    wanted = _stems(terms)
    return [
        match.span() for match in _WORD.finditer(line) if not wanted.isdisjoint(_stems(lexical_terms(match.group())))
    ]


def _matches(lines: Sequence[str], terms: Collection[str]) -> dict[int, int]:
    """How many of ``terms`` each line has, for the lines that have any."""
    wanted = _stems(terms)
    counts = {index: len(wanted & _stems(lexical_terms(line))) for index, line in enumerate(lines)}
    return {index: count for index, count in counts.items() if count}


def _stems(words: Iterable[str]) -> set[str]:
    """Words without their endings, so that ``compare``, ``compared`` and ``comparing`` match.

    Coarser than a real stemmer: a wrong match merely underlines one word too many.
    """
    stems = ((_ENDING.sub("", word), word) for word in words)
    return {stem if len(stem) >= _SHORTEST_STEM else word for stem, word in stems}
