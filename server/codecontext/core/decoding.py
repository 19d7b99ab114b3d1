"""From bytes to text whose lines are the lines that an editor shows."""

from __future__ import annotations

import codecs

# UTF-32 comes first: its little-endian mark begins with that of UTF-16.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decode_source(data: bytes) -> str:
    r"""Text of a source file, without byte order mark and with ``\n`` line ends.

    A byte order mark decides; without one it is UTF-8, or else Windows-1252. What cannot be decoded becomes
    U+FFFD, so no bytes raise. ``\r\n`` and a lone ``\r`` become ``\n``; form feeds, U+0085 and U+2028 stay as
    they are, because editors do not end a line there.
    """
    return _decode(data).replace("\r\n", "\n").replace("\r", "\n")


def _decode(data: bytes) -> str:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")
