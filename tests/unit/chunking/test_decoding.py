from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codecontext.chunking import chunk_source
from codecontext.core.decoding import decode_source

TEXT = 'name = "ü𝄞"\n'


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"),
        codecs.BOM_UTF32_BE + TEXT.encode("utf-32-be"),
    ],
    ids=["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"],
)
def test_unicode_encodings_give_the_same_text(data: bytes) -> None:
    assert decode_source(data) == TEXT


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("größe".encode("cp1252"), "größe"),
        (b"quote \x93x\x94", "quote \u201cx\u201d"),
        (b"undefined in cp1252: \x81", "undefined in cp1252: \ufffd"),
        (codecs.BOM_UTF8 + b"bad \xff", "bad \ufffd"),
        (codecs.BOM_UTF16_LE + b"a\x00b", "a\ufffd"),
        (b"", ""),
    ],
)
def test_other_bytes_are_read_as_well_as_possible(data: bytes, text: str) -> None:
    assert decode_source(data) == text


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a\nb\n", ["a", "b", ""]),
        ("a\r\nb\r\n", ["a", "b", ""]),
        ("a\rb\r", ["a", "b", ""]),
        ("a\n\rb", ["a", "", "b"]),
        ("a\r\r\nb", ["a", "", "b"]),
        ("a\x0cb\x0b\x1c\x1d\x1e\x85\u2028\u2029c", ["a\x0cb\x0b\x1c\x1d\x1e\x85\u2028\u2029c"]),
    ],
)
def test_lines_end_where_an_editor_ends_them(text: str, lines: list[str]) -> None:
    assert decode_source(text.encode()).split("\n") == lines


@given(st.binary())
def test_any_bytes_decode(data: bytes) -> None:
    assert "\r" not in decode_source(data)


PYTHON = """import os{e}{e}{e}def first():{e}{t}return "𝄞", 1{e}{e}{e}def second():{e}{t}return 2{e}"""


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("indent", ["    ", "\t"], ids=["spaces", "tab"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_line_numbers_do_not_depend_on_how_the_file_is_written(line_end: str, indent: str, encoding: str) -> None:
    data = PYTHON.format(e=line_end, t=indent).encode(encoding)

    chunks = chunk_source("sample.py", data)

    # The import is tiny and joins the function below it.
    assert [(chunk.symbol, chunk.start_line, chunk.end_line) for chunk in chunks] == [
        ("first", 1, 5),
        ("second", 8, 9),
    ]
    assert chunks[1].text == f"def second():\n{indent}return 2"


def test_characters_that_only_some_tools_count_as_line_ends_move_nothing() -> None:
    data = '\x0c\nx = "\u2028\x85\x1c"\n\x0c\ndef f():\n    return x * 100\n'.encode()

    *_, chunk = chunk_source("sample.py", data)

    assert (chunk.symbol, chunk.end_line) == ("f", 5)
