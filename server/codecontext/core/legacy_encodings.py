"""Which encoding a text that is not UTF-8 is in: what the file says itself, or what its bytes look like.

Detection is charset-normalizer's, on the lines that are not ASCII and among the encodings that source code was written
in. It is sure of some thirty characters and more; of shorter texts it holds many encodings for equally likely, and
there the script decides: how long runs of bytes beyond ASCII are, and in which columns of their code charts they lie.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from functools import lru_cache

WESTERN = "cp1252"
"""What is taken where nothing speaks for another encoding."""

_SAMPLE_BYTES = 16_000
_HEAD_BYTES = 2_000
_TAIL_BYTES = 1_000

# What a declared name stands for, by the codec's own name in Python: the larger encoding that software writes under
# that name (WHATWG Encoding Standard, section 4.2). Nothing else that Python has a codec for is ever used.
_LARGER = {
    "ascii": WESTERN,
    "iso8859-1": WESTERN,
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "shift_jis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "big5": "cp950",
}
_DECLARABLE = frozenset(_LARGER.values()) | {
    *(f"cp{number}" for number in (437, 850, 852, 855, 858, 866, *range(1250, 1259))),
    *(f"iso8859-{number}" for number in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)),
    *("koi8-r", "koi8-u", "mac-roman", "mac-cyrillic", "mac-latin2", "mac-greek", "mac-turkish", "ptcp154", "kz1048"),
    *("cp932", "euc_jp", "iso2022_jp", "iso2022_kr", "hz", "gb18030", "cp950", "big5hkscs", "cp949", "johab"),
}
_DECLARATIONS = (
    re.compile(rb"\A(?:[^\n]*\n)?[ \t\f]*#.*?coding[:=][ \t]*([-\w.]{1,40})"),  # PEP 263; Ruby has the same
    re.compile(rb"-\*-[^\n]{0,200}?coding:[ \t]*([-\w.]{1,40})"),  # Emacs
    re.compile(rb"\A\s{0,10}<\?xml[^>]{0,200}?encoding=[\"']([-\w.]{1,40})"),
    re.compile(rb"<meta[^>]{0,200}?charset=[\"']?([-\w.]{1,40})", re.IGNORECASE),
    re.compile(rb"\A@charset [\"']([-\w.]{1,40})[\"'];"),  # CSS
)
_MODELINE = re.compile(rb"\b(?:vim?|ex):[^\n]{0,200}?\b(?:fileencoding|fenc)=([-\w.]{1,40})")
_JIS = re.compile(rb"\x1b\$[@B]")
"""ISO-2022-JP's change to kanji; it needs no byte beyond ASCII."""

_LATIN = (WESTERN, "cp1250", "cp1254")
_ALPHABETS = ("cp1251", "cp1253", "cp1255", "koi8_r")
_EAST_ASIAN = ("cp949", "gb18030", "euc_jp", "cp950", "cp932")
_INSIDE_CHARACTERS = bytes(range(0x30, 0x100))
_RUN = re.compile(rb"[\x80-\xff]+")
_LATIN_BYTES = frozenset(
    b"\x80\x84\x85\x8a\x8c\x8d\x8e\x8f\x91\x92\x93\x94\x95\x96\x97\x99\x9a\x9c\x9d\x9e\x9f"
) | frozenset(range(0xA0, 0x100))
_ALPHABET_BYTES = frozenset(range(0xC0, 0x100)) | frozenset(b"\xa5\xa8\xaa\xaf\xb2\xb3\xb4\xb8\xba\xbf")
_CENTRAL_EUROPEAN = re.compile(rb"[\x8a\x8d-\x8f\x9a\x9d-\x9f]|[A-Za-z][\x9c\xa3\xa5\xaf\xb3\xb9\xbf](?=[A-Za-z])")
_TURKISH = re.compile(rb"[\xd0\xdd\xde\xf0\xfd\xfe]")
_ACUTE = re.compile(rb"[\xe1\xe6\xed\xf3\xfa]")
"""What Icelandic and Czech have and Turkish has not."""
_GREEK_ACCENT = re.compile(rb"[\xe1-\xfe][\xdc-\xdf]")
"""In Cyrillic a capital within a word."""
_HEBREW = frozenset(range(0xE0, 0xFB))
_HALF_WIDTH = re.compile("[\uff61-\uff9f]")


def declared_encoding(data: bytes) -> str | None:
    """The encoding that the text says it is in, if it is one that source code is written in.

    Looked for where Python, Ruby, Emacs, Vim, XML, HTML and CSS have it.
    """
    head = data[:_HEAD_BYTES]
    found = (pattern.search(head) for pattern in _DECLARATIONS)
    match = next(filter(None, found), None) or _MODELINE.search(head) or _MODELINE.search(data[-_TAIL_BYTES:])
    return _known(match[1].decode("ascii", "replace")) if match else None


def seven_bit_encoding(data: bytes) -> str | None:
    """The encoding of a text that looks like ASCII and is none: ISO-2022-JP, or what it declares."""
    if b"\x1b" in data and _JIS.search(data):
        return "iso2022_jp"
    if b"\x1b" in data or b"~{" in data:
        declared = declared_encoding(data)
        return declared if declared in ("iso2022_kr", "hz") else None
    return None


def guessed_encoding(data: bytes) -> str:
    """The most likely encoding of ``data``, which is no UTF-8. The same for the same bytes; looks at 16,000 of them."""
    lines = [line for line in data.split(b"\n") if not line.isascii()]
    sample = b"\n".join(lines)[:_SAMPLE_BYTES]
    if len(sample) == _SAMPLE_BYTES:  # cut behind a byte that ends a character in every encoding
        sample = sample.rstrip(_INSIDE_CHARACTERS) or sample
    return _guess(sample)


@lru_cache(maxsize=64)
def _guess(sample: bytes) -> str:
    high = sample.translate(None, bytes(range(0x80)))
    if len(high) < 2:
        return WESTERN
    if _is_latin(sample):
        if _CENTRAL_EUROPEAN.search(sample):
            return "cp1250"
        return _best(sample, ("cp1254",) if _TURKISH.search(sample) and not _ACUTE.search(sample) else _LATIN)
    if sum(byte in _ALPHABET_BYTES for byte in high) >= 0.95 * len(high):
        return _best(sample, _alphabets(high))
    return _best(sample, [*_east_asian_order(high), *_ALPHABETS, *_LATIN])


def _best(sample: bytes, encodings: Sequence[str]) -> str:
    """The one of ``encodings`` that makes most sense of ``sample``; of equals the first."""
    from charset_normalizer import from_bytes

    matches = from_bytes(sample, cp_isolation=list(encodings), preemptive_behaviour=False)
    order = {name: place for place, name in enumerate(encodings)}
    ranked = [
        (_is_half_width(str(match)), round(match.chaos, 2), -round(match.coherence, 2), order[name])
        for match in matches
        for name in match.could_be_from_charset
        if name in order
    ]
    return encodings[min(ranked)[-1]] if ranked else WESTERN


def _is_latin(sample: bytes) -> bool:
    """Whether bytes beyond ASCII stand alone or in twos within words of ASCII letters."""
    fitting = total = 0
    for match in _RUN.finditer(sample):
        run = match.group()
        total += len(run)
        if len(run) == 1:
            fitting += run[0] in _LATIN_BYTES
        elif len(run) == 2 and min(run) >= 0xA0:
            around = sample[max(0, match.start() - 1) : match.start()] + sample[match.end() : match.end() + 1]
            fitting += 2 * (around.strip(b"0123456789").isalpha())
    return fitting >= 0.7 * total


def _alphabets(high: bytes) -> Sequence[str]:
    """Encodings of Cyrillic, Greek and Hebrew, the likeliest first.

    Small letters, which are most, stand in the upper half of the columns of letters, but in KOI8 in the lower one.
    """
    if sum(byte < 0xE0 for byte in high) > len(high) / 2:
        return _ALPHABETS[::-1]
    if 50 * len(_GREEK_ACCENT.findall(high)) > len(high):
        return ("cp1253",)
    return ("cp1255",) if len(high) >= 15 and _HEBREW.issuperset(high) else _ALPHABETS


def _east_asian_order(high: bytes) -> list[str]:
    """East Asian encodings, the likeliest first, by the rows that hold what is written most.

    Only Shift JIS has leading bytes below A0 in what is common. Kana are rows A4 and A5 of EUC-JP; Korean syllables
    are rows B0 to C8 of EUC-KR, while the common characters of GB 2312 go on to row D7.
    """
    leads = high[::2]
    if sum(0x81 <= byte <= 0x9F for byte in high) > len(high) / 8:
        first = "cp932"
    elif sum(lead in (0xA4, 0xA5) for lead in leads) > len(leads) / 5:
        first = "euc_jp"
    else:
        first = "gb18030" if sum(0xC9 <= lead <= 0xF7 for lead in leads) > len(leads) / 6 else "cp949"
    return sorted(_EAST_ASIAN, key=lambda name: name != first)


def _is_half_width(text: str) -> bool:
    """Whether most that is not ASCII are half-width katakana: what other alphabets look like in Shift JIS."""
    return 2 * len(_HALF_WIDTH.findall(text)) > len(text) - len(text.encode("ascii", "ignore"))


def _known(name: str) -> str | None:
    try:
        codec = codecs.lookup(name).name
    except (LookupError, UnicodeError):
        return None
    larger = _LARGER.get(codec, codec)
    return larger if larger in _DECLARABLE else None
