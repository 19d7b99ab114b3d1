r"""Text that somebody else wrote, made safe to show: in a terminal, a tooltip, a log, JSON that people read.

A file name or a line of code can steer a terminal (control characters), turn the order of what is read
(bidirectional controls, CVE-2021-42574), break out of the line that it stands in, or hide text from the reader
(characters without width, tags). All of them become the escapes that most languages have for them: ``\x1b``,
``\u202e``, ``\U000e0041``.

The sets are Unicode's: general category Cc, the line and paragraph separators, surrogates, and what has the property
``Default_Ignorable_Code_Point`` (DerivedCoreProperties.txt), with the interlinear annotation controls. The
joiners and the selectors of emoji presentation stay where writing needs them: once, behind a visible character that is
not ASCII.
"""

from __future__ import annotations

import json
import logging
import re
from typing import Any

_SEPARATORS = "\u2028\u2029"
_ANNOTATIONS = "\ufff9-\ufffb"
_SURROGATES = "\ud800-\udfff"
_IGNORABLE = (
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_JOINERS = "\u200c\u200d\ufe0e\ufe0f"
_UNSEEN = _IGNORABLE + _ANNOTATIONS + _SURROGATES + _SEPARATORS
_LONE_JOINER = rf"(?<![^\x00-\xa0{_UNSEEN}{_JOINERS}])[{_JOINERS}](?!\u20e3)"  # U+20E3 makes a keycap of a digit

_IN_A_LINE = re.compile(rf"[\x00-\x1f\x7f-\x9f{_UNSEEN}]|{_LONE_JOINER}")
_IN_A_BLOCK = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f{_UNSEEN}]|{_LONE_JOINER}")
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def printable(text: str) -> str:
    r"""``text`` on one line: what steers, hides or breaks lines is escaped, tab and line feed as ``\t`` and ``\n``."""
    return text if _is_plain(text) else _IN_A_LINE.sub(_escape, text)


def printable_lines(text: str) -> str:
    """``text`` as a block: as ``printable``, but tabs and line feeds stay."""
    return text if _is_plain(text) else _IN_A_BLOCK.sub(_escape, text)


def json_for_people(value: Any, *, indent: int | None = None) -> str:
    r"""``value`` as JSON that can be printed: readable in every script, with ``\uXXXX`` for what is not printable.

    Whoever parses it has the original back, lone surrogates included.
    """
    document = json.dumps(value, ensure_ascii=False, indent=indent)
    return document if _is_plain(document) else _IN_A_BLOCK.sub(_json_escape, document)


def _is_plain(text: str) -> bool:
    """Whether nothing can need an escape: most text, told without a regular expression."""
    return text.isascii() and text.isprintable()


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _json_escape(match: re.Match[str]) -> str:
    return json.dumps(match.group()).strip('"') if match.group() != "\x7f" else "\\u007f"


class PrintableFormatter(logging.Formatter):
    """Keeps a message on one line whatever names and texts it holds, so that none can pose as another record.

    A traceback follows in lines of its own.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        """The line without traceback."""
        return printable(super().formatMessage(record))

    def format(self, record: logging.LogRecord) -> str:
        """All that is to be shown of ``record``."""
        return printable_lines(super().format(record))
