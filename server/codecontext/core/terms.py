"""Splits text and identifiers into the terms that keyword search compares.

The same function serves the index and the query, so ``HTTPResponseCache``, ``http_response_cache`` and
"http response cache" meet.
"""

from __future__ import annotations

import re
from functools import lru_cache

_WORD = re.compile(r"\w+")
# What an apostrophe joins to an English word; a quotation mark after it would begin or end a string.
_ENDING = re.compile(r"(?<=\w\w)['\u2019](?:s|t|re|ve|ll|d|m)(?![\w'\u2019])", re.IGNORECASE)
# Scripts written without spaces, or with endings glued on: compared by pairs of characters.
_CJK = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_UNSPACED = re.compile(f"[{_CJK}]+")
# Several acronyms (URLs) are one part.
_PARTS = re.compile(rf"[{_CJK}]+|[A-Z]{{2,}}s(?![a-z])|[A-Z]+(?=[A-Z][a-z])|[A-Z]?[^\W\d_A-Z{_CJK}]+|[A-Z]+|\d+")
_MAX_TERM = 40
_MAX_WORD = 160
"""Longer runs of word characters are data, not language."""


def split_identifier(identifier: str) -> list[str]:
    """Lower-case parts of an identifier: at case changes, digits and underscores.

    >>> split_identifier("HTTPResponse_v2")
    ['http', 'response', 'v', '2']
    >>> split_identifier("parseURLs")
    ['parse', 'urls']
    """
    return [part.lower() for part in _PARTS.findall(identifier)]


def lexical_terms(text: str) -> list[str]:
    """Terms of ``text`` in order: identifier parts, and the whole identifier after its parts.

    Runs of Chinese, Japanese or Korean script give overlapping character pairs. Of "function's" the word counts.
    """
    return [term for word in _WORD.findall(_ENDING.sub("", text)) for term in _terms_of_word(word)]


@lru_cache(maxsize=100_000)  # source code says the same few words again and again
def _terms_of_word(word: str) -> tuple[str, ...]:
    if len(word) > _MAX_WORD:
        return ()
    parts = split_identifier(word)
    terms: list[str] = []
    for part in parts:
        terms.extend(_character_pairs(part) if _UNSPACED.fullmatch(part) else [part[:_MAX_TERM]])
    if len(parts) > 1 and len(word) <= _MAX_TERM:
        terms.append(word.lower())
    return tuple(terms)


def _character_pairs(run: str) -> list[str]:
    if len(run) <= 2:
        return [run]
    return [run[i : i + 2] for i in range(len(run) - 1)]
