"""Documentation as plain text: comments and docstrings without their marks."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator

_OPENING = re.compile(
    r"/\*[*!]*|\(\*+|<!--|--\[=*\[|//[/!]?|#+|---?(?:\s\|)?|;+|%+|=begin"
    r"|=(?:head\d|item|pod|method|func)\b|\{-+(?: ?\|)?|<#+|!+[<>]?(?=\s)|\"+(?=\s)"
)
_CLOSING = ("*/", "*)", "-->", "]]", "=end", "=cut", "-}", "#>")
_LEADER = re.compile(r"\s*\*+(?!/)\s?")
_INLINE_TAG = re.compile(r"\{@\w+\s([^{}]*)\}")
_MARKUP_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_TOOL_DIRECTIVE = re.compile(
    r"\s*(?:eslint|tslint|jshint|prettier-|istanbul|c8 |v8 |@ts-|@flow|noqa|type:|pylint:|pragma|fmt:|mypy:|"
    r"ruff:|isort:|rubocop:|go:|nolint|\+build|clang-format|NOLINT|#?region|#?endregion|-\*-|vim?:|!)"
)
_RULE = re.compile(r"[\W_]*")
_LICENCE = re.compile(r"copyright|licen[cs]e|SPDX-", re.IGNORECASE)
_STRING_START = re.compile(r"[rRbBuUfF]{0,2}(\"\"\"|'''|\"|')")


def comment_text(lines: Iterable[str], max_chars: int) -> str:
    """Plain text of the comment on ``lines``: marks, tags and directives to tools removed."""
    # Marks and tags take room too, but rarely more than the text.
    bare = map(_without_marks, _first_chars(lines, 2 * max_chars))
    kept = ["" if _RULE.fullmatch(line) else line for line in bare if not _TOOL_DIRECTIVE.match(line)]
    text = _MARKUP_TAG.sub("", _INLINE_TAG.sub(r"\1", inspect.cleandoc("\n".join(kept))))
    return _shortened(text.strip(), max_chars)


def docstring_text(literal: str, max_chars: int) -> str:
    """Plain text of a docstring, given as the string literal in the source."""
    start = _STRING_START.match(literal)
    if start is None:
        return ""
    content = literal[start.end() :].removesuffix(start.group(1))
    return _shortened(inspect.cleandoc(content).strip(), max_chars)


def is_licence(text: str) -> bool:
    """Whether a comment at the top of a file is a licence notice and says nothing about the code."""
    return _LICENCE.search(text) is not None


def _first_chars(lines: Iterable[str], max_chars: int) -> Iterator[str]:
    for line in lines:
        if max_chars <= 0:
            return
        yield line[:max_chars]
        max_chars -= len(line) + 1


def _without_marks(line: str) -> str:
    line = line.strip()
    opening = _OPENING.match(line) or _LEADER.match(line)
    if opening:
        line = line[opening.end() :].removeprefix(" ")
    for closing in _CLOSING:
        if line.endswith(closing):
            return line.removesuffix(closing).rstrip("* \t")
    return line


def _shortened(text: str, max_chars: int) -> str:
    """``text`` cut between words."""
    return text if len(text) <= max_chars else " ".join(text[:max_chars].rsplit(None, 1)[:1])
