"""Regular expressions that somebody else wrote, matched in time linear in the text.

Python's ``re`` backtracks: one line of an ignore file or of an adapter's configuration can keep it busy for ever, with
the interpreter's lock held. RE2 (https://github.com/google/re2) cannot; in return it knows no look-around and no
back-references. Patterns of our own stay with ``re``.
"""

from __future__ import annotations

from functools import lru_cache

import re2

_MAX_PATTERN = 4_000
"""Characters of a pattern; whoever writes more generates it."""
_MAX_MEMORY = 8_000_000
"""Bytes that one compiled pattern may take, RE2's own default."""


class BadPattern(ValueError):
    """The pattern is malformed, too long or needs what RE2 leaves out; the text says which."""


class Pattern:
    """One compiled pattern."""

    def __init__(self, source: str) -> None:
        if len(source) > _MAX_PATTERN:
            raise BadPattern(f"it has more than {_MAX_PATTERN:,} characters")
        options = re2.Options()
        options.max_mem = _MAX_MEMORY
        options.log_errors = False
        try:
            self._compiled = re2.compile(_encodable(source), options)
        except re2.error as error:
            raise BadPattern(_reason(error)) from error

    def matches(self, text: str) -> bool:
        """Whether all of ``text`` matches."""
        return self._compiled.fullmatch(_encodable(text)) is not None

    def is_in(self, text: str) -> bool:
        """Whether some part of ``text`` matches."""
        return self._compiled.search(_encodable(text)) is not None


@lru_cache(maxsize=256)
def compile_pattern(source: str) -> Pattern:
    """The pattern ``source``, in the syntax that Python and RE2 share. Raises ``BadPattern``."""
    return Pattern(source)


def _encodable(text: str) -> str:
    """``text`` with bytes that were not UTF-8 as U+FFFD: RE2 works on UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _reason(error: Exception) -> str:
    reason = error.args[0] if error.args else error
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
