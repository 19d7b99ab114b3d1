"""Turns documentation, commit messages and names into queries that somebody might type."""

from __future__ import annotations

import random
import re

from codecontext.core.terms import lexical_terms, split_identifier

MAX_WORDS = 40
VARIED_SHARE = 0.25
_MIN_WORDS_OF_A_SENTENCE = 5
_MIN_VARIED_WORDS = 4
_DROPPED_SHARE = 0.2

# Where a docstring stops to describe and begins to list: fields, sections, examples, code, tables.
_END_OF_PROSE = re.compile(
    r"^\s*(?::\w|@\w|>>>|```|~~~|\.\. |[-=~^*#]{3,}\s*$|\|"
    r"|(?:args|arguments|parameters?|params|returns?|raises|throws|yields?|examples?|usage|notes?|see also"
    r"|attributes|references|warnings?|todo|since|version\w*)\s*:?\s*$"
    r"|(?:args|arguments|parameters?|returns?|raises|examples?|usage|see also)\s*:)",
    re.IGNORECASE,
)
_ROLE = re.compile(r":[\w:.+-]+:`~?([^`<]*?)(?:\s*<[^`>]*>)?`")
_NAMED_LINK = re.compile(r"`([^`<]+?)\s*<[^`>]*>`_+")
_LINK = re.compile(r"!?\[([^\[\]]*)\](?:\([^()]*\)|\[[^\[\]]*\])")
_INLINE_TAG = re.compile(r"\{@\w+\s*([^{}]*)\}")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_MARKS = re.compile(r"``?|\*\*?(?=\S)|(?<=\S)\*\*?|(?<!\w)_(?=\w[^_]*_(?!\w))|(?<=\w)_(?!\w)")
_URL = re.compile(r"\b(?:https?|ftp)://\S+")
_SENTENCE_END = re.compile(r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)(?<!etc\.)\s+(?=[A-Z`\"'(])")
_TRAILING_MARKS = re.compile(r"[\s,;:-]+$")


def first_paragraph(doc: str) -> str:
    """The prose that documentation begins with, on one line, without markup."""
    kept: list[str] = []
    for line in doc.splitlines():
        if _END_OF_PROSE.match(line) or (kept and not line.strip()):
            break
        if line.strip():
            kept.append(line.strip())
    return plain(" ".join(kept))


def plain(text: str) -> str:
    """``text`` without markup, on one line."""
    for markup in (_ROLE, _NAMED_LINK, _LINK, _INLINE_TAG):
        text = markup.sub(r"\1", text)
    text = _URL.sub(" ", _TAG.sub(" ", text))
    return " ".join(_MARKS.sub("", text).split())


def sentences(text: str) -> list[str]:
    """The sentences of a paragraph."""
    return [part.strip() for part in _SENTENCE_END.split(text) if part.strip()]


def as_query(doc: str, name: str = "") -> str:
    """What somebody might type to find the code that ``doc`` describes; empty where it says too little.

    The first sentence, or two where the first is short; without the name that some languages begin with, for it
    would give the answer away.
    """
    found = sentences(first_paragraph(doc))
    if not found:
        return ""
    text = found[0]
    if len(text.split()) < _MIN_WORDS_OF_A_SENTENCE and len(found) > 1:
        text = f"{text} {found[1]}"
    return shortened(without_leading_name(text, name))


def without_leading_name(text: str, name: str) -> str:
    """``text`` without the name of what it documents at its beginning, as Go's documentation has it."""
    first, _, rest = text.partition(" ")
    bare = first.strip("`*'\"():,.").rpartition(".")[2]
    return rest.strip() if name and rest and bare == name else text


def shortened(text: str, most_words: int = MAX_WORDS) -> str:
    """``text`` of at most so many words, without the last full stop."""
    words = text.split()
    return _TRAILING_MARKS.sub("", " ".join(words[:most_words])).rstrip(".").strip()


def vary(query: str, seed: int) -> str:
    """``query``, or in a quarter of the cases a shorter form: some words left out, or only its beginning.

    So that an adapter learns what is meant rather than how documentation is worded.
    """
    generator = random.Random(seed)
    words = query.split()
    if len(words) <= _MIN_VARIED_WORDS or generator.random() >= VARIED_SHARE:
        return query
    if generator.random() < 0.5:
        kept = [word for word in words if generator.random() >= _DROPPED_SHARE]
        return " ".join(kept or words)
    return " ".join(words[: generator.randint(_MIN_VARIED_WORDS - 1, len(words))])


def spelled_out(identifier: str) -> str:
    """The words of an identifier: ``parseHTTPHeader`` is "parse http header"."""
    return " ".join(split_identifier(identifier))


def words_of(text: str) -> frozenset[str]:
    """The terms of ``text``, with identifiers taken apart."""
    return frozenset(lexical_terms(text))
