"""Documentation as plain text: comments and docstrings without their marks."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable

_OPENING = re.compile(r"^\s*(?:/\*[*!]*|\(\*+|<!--|--\[=*\[|///?!?|//!|#+|---?(?:\s*\|)?|;+|%+|=begin)[ \t]?")
_CLOSING = re.compile(r"\s*(?:\*+/|\*+\)|-->|\]=*\]|=end)\s*$")
_LEADER = re.compile(r"^\s*\*+(?!/)[ \t]?")
_INLINE_TAG = re.compile(r"\{@\w+\s+([^{}]*)\}")
_MARKUP_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_TOOL_DIRECTIVE = re.compile(
    r"^\s*(?:eslint|tslint|jshint|prettier-|istanbul|c8 |v8 |@ts-|@flow|noqa|type:|pylint:|pragma|fmt:|mypy:|"
    r"ruff:|isort:|rubocop:|go:|nolint|\+build|clang-format|NOLINT|#?region|#?endregion|-\*-|vim?:|!)"
)
_RULE = re.compile(r"^[\W_]*$")
_LICENCE = re.compile(r"copyright|licen[cs]e|SPDX-", re.IGNORECASE)
_STRING_PREFIX = re.compile(r"^[rRbBuUfF]{0,2}(\"\"\"|'''|\"|')")


def comment_text(lines: Iterable[str], max_chars: int) -> str:
    """Plain text of the comment on ``lines``: marks, tags and directives to tools removed."""
    kept = []
    for line in lines:
        bare = _CLOSING.sub("", _LEADER.sub("", _OPENING.sub("", line, count=1), count=1))
        if not _TOOL_DIRECTIVE.match(bare):
            kept.append("" if _RULE.match(bare) else bare.rstrip())
    text = inspect.cleandoc("\n".join(kept))
    return _shortened(_MARKUP_TAG.sub("", _INLINE_TAG.sub(r"\1", text)).strip(), max_chars)


def docstring_text(literal: str, max_chars: int) -> str:
    """Plain text of a docstring, given as the string literal in the source."""
    match = _STRING_PREFIX.match(literal)
    if match is None:
        return ""
    content = literal[match.end() :].removesuffix(match.group(1))
    return _shortened(inspect.cleandoc(content).strip(), max_chars)


def is_licence(text: str) -> bool:
    """Whether a comment at the top of a file is a licence notice and says nothing about the code."""
    return _LICENCE.search(text) is not None


def _shortened(text: str, max_chars: int) -> str:
    return text if len(text) <= max_chars else text[:max_chars].rsplit(None, 1)[0]
