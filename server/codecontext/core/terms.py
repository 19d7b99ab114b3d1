"""Splits text and identifiers into the terms that keyword search compares.

The same function serves the index and the query, so ``HTTPResponseCache``, ``http_response_cache`` and
"http response cache" meet.
"""

from __future__ import annotations

import re

_WORD = re.compile(r"\w+")
_NO_WORD = bytes(byte if chr(byte).isalnum() or byte == ord("_") else ord(" ") for byte in range(128)) + bytes(128)
"""For ``bytes.translate``: what no word of ASCII text holds becomes a space. Several times as quick as ``_WORD``."""
# What an apostrophe joins to an English word; a quotation mark after it would begin or end a string. The apostrophe
# comes first in the expression because that is what ``re`` can look for quickly.
_ENDING = re.compile(r"['\u2019](?<=\w\w['\u2019])(?:s|t|re|ve|ll|d|m)(?![\w'\u2019])", re.IGNORECASE)
# Scripts written without spaces, or with endings glued on: compared by pairs of characters.
_CJK = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_UNSPACED = re.compile(f"[{_CJK}]+")
# Several acronyms (URLs) are one part.
_PARTS = re.compile(rf"[{_CJK}]+|[A-Z]{{2,}}s(?![a-z])|[A-Z]+(?=[A-Z][a-z])|[A-Z]?[^\W\d_A-Z{_CJK}]+|[A-Z]+|\d+")
_MAX_TERM = 40
_MAX_WORD = 160
"""Longer runs of word characters are data, not language."""
_WORDS_KEPT = 150_000


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
    return joined_terms(text).split()


def joined_terms(text: str) -> str:
    """``lexical_terms`` with a space between two of them."""
    return " ".join(filter(None, map(_terms_by_word.__getitem__, _words(text))))


def _words(text: str) -> list[str]:
    if "'" in text or "\u2019" in text:
        text = _ENDING.sub("", text)
    if text.isascii():
        return text.encode("ascii").translate(_NO_WORD).decode("ascii").split()
    return _WORD.findall(text)


class _TermsByWord(dict[str, str]):
    """The joined terms of each word that was met: source code says the same few words again and again."""

    def __missing__(self, word: str) -> str:
        if len(word) > _MAX_WORD:
            return ""
        if len(self) >= _WORDS_KEPT:
            self.clear()  # what is frequent is soon back
        terms = self[word] = " ".join(_terms_of_word(word))
        return terms


_terms_by_word = _TermsByWord()


def _terms_of_word(word: str) -> list[str]:
    parts = split_identifier(word)
    if word.isascii():
        terms = [part[:_MAX_TERM] for part in parts]
    else:
        terms = [term for part in parts for term in _terms_of_part(part)]
    if len(parts) > 1 and len(word) <= _MAX_TERM:
        terms.append(word.lower())
    return terms


def _terms_of_part(part: str) -> list[str]:
    return _character_pairs(part) if _UNSPACED.fullmatch(part) else [part[:_MAX_TERM]]


def _character_pairs(run: str) -> list[str]:
    if len(run) <= 2:
        return [run]
    return [run[i : i + 2] for i in range(len(run) - 1)]
