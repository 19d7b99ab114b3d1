"""Bytes of files: any are decoded, on the lines that an editor shows, and judged, within bounds."""

from __future__ import annotations

import codecs
import re

from hypothesis import given
from hypothesis import strategies as st

from codecontext.core.decoding import decode_source, split_mark
from codecontext.indexing.classify import classify_content
from fuzz.bounds import FUZZ

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp932", "euc_jp", "iso2022_jp", "gb18030", "big5", "euc_kr"]
ENCODINGS += ["cp1250", "cp1251", "cp1252", "cp1253", "koi8_r", "hz", "utf-7"]
PIECES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([b"\n", b"\r\n", b"\r", b"\x1b$B", b"\x1b(B", b"~{", b"\x0e", b"\0", codecs.BOM_UTF8, b"\xff\xfe"]),
    st.sampled_from([b"# coding: gbk\n", b"# -*- coding: hz -*-\n", b"# coding: zlib\n", b"# vim: fenc=iso2022_kr\n"]),
    st.sampled_from([b"sk_live_", b"AKIA", b"-----BEGIN RSA PRIVATE KEY-----\n", b"eyJ", b"ghp_", b"@generated"]),
    st.builds(
        lambda text, encoding: text.encode(encoding, "replace"), st.text(max_size=40), st.sampled_from(ENCODINGS)
    ),
)
CONTENTS = st.lists(PIECES, max_size=30).map(b"".join)
LINE_END = re.compile(rb"\r\n|\r|\n")


@FUZZ
@given(CONTENTS)
def test_any_bytes_are_text_on_the_lines_that_they_have(data: bytes) -> None:
    text = decode_source(data)
    assert "\r" not in text
    assert text == decode_source(data)
    if split_mark(data)[0] in (None, "utf-8"):
        assert len(text.split("\n")) == len(LINE_END.split(data))


@FUZZ
@given(CONTENTS, st.sampled_from(["a.py", "a.json", "a.txt", "Makefile", "a.min", "web/a.js"]), st.integers(1, 3_000))
def test_any_content_is_judged(data: bytes, path: str, times: int) -> None:
    verdict = classify_content(path, (data * times)[:2_000_000])
    assert verdict == classify_content(path, (data * times)[:2_000_000])
