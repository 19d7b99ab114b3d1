"""From bytes to text whose lines are the lines that an editor shows."""

from __future__ import annotations

import codecs

from codecontext.core.legacy_encodings import WESTERN, declared_encoding, guessed_encoding, seven_bit_encoding

# UTF-32 comes first: its little-endian mark begins with that of UTF-16.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def decode_source(data: bytes) -> str:
    r"""Text of a source file, without byte order mark and with ``\n`` line ends.

    A byte order mark decides; without one it is UTF-8, also where a few bytes are damaged. What is not is in the
    encoding that the file declares, or else in the one that its bytes look like. What cannot be decoded becomes
    U+FFFD, so no bytes raise. ``\r\n`` and a lone ``\r`` become ``\n``; form feeds, U+0085 and U+2028 stay as
    they are, because editors do not end a line there.
    """
    return _decode(data).replace("\r\n", "\n").replace("\r", "\n")


def split_mark(data: bytes) -> tuple[str | None, bytes]:
    """The encoding that a byte order mark names, None without one, and what follows the mark."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return encoding, data[len(mark) :]
    return None, data


def _decode(data: bytes) -> str:
    encoding, content = split_mark(data)
    if encoding is not None:
        return content.decode(encoding, "replace")
    if data.isascii():
        seven_bit = seven_bit_encoding(data)
        text = _decode_wholly(data, seven_bit) if seven_bit else None
        return data.decode("ascii") if text is None else text
    in_utf8 = data.decode("utf-8", "replace")
    return in_utf8 if _is_mostly_utf8(data, in_utf8) else _decode_legacy(data)


def _is_mostly_utf8(data: bytes, text: str) -> bool:
    """Whether what is beyond ASCII is UTF-8 at least as often as not.

    In other encodings few bytes are so by chance.
    """
    damaged = text.count(_REPLACEMENT) - data.count(_REPLACEMENT.encode())
    sound = len(text) - len(text.encode("ascii", "ignore")) - damaged
    return sound >= damaged


def _decode_legacy(data: bytes) -> str:
    """Text that is not UTF-8: as it says itself, if that fits all of it, or as it looks."""
    declared = declared_encoding(data)
    if declared and (text := _decode_wholly(data, declared)) is not None:
        return text
    text = data.decode(guessed_encoding(data), "replace")
    return text if _keeps_lines(data, text) else data.decode(WESTERN, "replace")


def _decode_wholly(data: bytes, encoding: str) -> str | None:
    """``data`` in ``encoding``; None where it does not fit, or would not have the lines that every other tool sees."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    return text if _keeps_lines(data, text) else None


def _keeps_lines(data: bytes, text: str) -> bool:
    return (data.count(b"\n"), data.count(b"\r")) == (text.count("\n"), text.count("\r"))
