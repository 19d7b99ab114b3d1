from __future__ import annotations

import json
import unicodedata

import pytest

from codecontext.core.printable import json_for_people, printable, printable_lines

STEERING = [chr(code) for code in range(0x20) if chr(code) not in "\t\n\r"] + [chr(code) for code in range(0x7F, 0xA0)]
TURNING = [*"\u061c\u200e\u200f", *map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))]
HIDING = [*"\xad\u034f\u115f\u180e\u200b\u2060\u3164\ufe00\ufeff\uffa0\ufff9", "\U000e0041", "\U000e0100"]
BREAKING = ["\u2028", "\u2029"]
LONE = ["\udcff", "\ud800"]
BIDIRECTIONAL = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI", "B", "S"}


@pytest.mark.parametrize("character", [*STEERING, *TURNING, *HIDING, *BREAKING, *LONE], ids=ascii)
def test_every_one_is_shown_as_its_escape(character: str) -> None:
    shown = printable(f"a{character}b")
    assert shown.isascii()
    assert shown.isprintable()
    assert shown[0] + shown[-1] == "ab"
    assert shown[1:-1].encode().decode("unicode_escape") == character
    assert printable_lines(f"a{character}b") == shown


def test_the_escapes_are_those_of_most_languages() -> None:
    assert printable("\x1b]0;t\x07\x9bm\r\x7f\u202e\U000e0041") == r"\x1b]0;t\x07\x9bm\r\x7f\u202e\U000e0041"


def test_one_line_stays_one_line_and_a_block_keeps_its_lines() -> None:
    assert printable("a\n\tb") == r"a\n\tb"
    assert printable_lines("a\n\tb\r\n") == "a\n\tb\\r\n"


@pytest.mark.parametrize(
    "text",
    ["plain", "한국 在庫 заказ naïve ßẞ", "می\u200cخواهم", "👩\u200d💻 ❤\ufe0f 1\ufe0f\u20e3", "क\u094d\u200dष"],  # noqa: RUF001
)
def test_what_people_write_stays(text: str) -> None:
    assert printable(text) == text
    assert json.dumps(text, ensure_ascii=False) == json_for_people(text)


@pytest.mark.parametrize("hidden", ["admin\u200d", "\u200cadmin", "a\ufe0f\ufe0fb", "é\u200d\u200c\u200d", "\ufe0f"])
def test_joiners_that_join_nothing_are_shown(hidden: str) -> None:
    assert "\\u" in printable(hidden)


def test_nothing_of_the_control_category_is_left_of_all_of_unicode() -> None:
    everything = "".join(map(chr, range(0x110000)))
    left = {character for character in printable(everything) if unicodedata.category(character) in {"Cc", "Cs"}}
    assert not left
    assert not {
        unicodedata.name(c, ascii(c)) for c in printable(everything) if unicodedata.bidirectional(c) in BIDIRECTIONAL
    }


def test_json_is_printable_and_gives_the_original_back() -> None:
    value = {"path": "".join([*STEERING, *TURNING, *HIDING, *BREAKING, *LONE]), "text": "\t한\n\r", "n": [1, None]}
    document = json_for_people(value, indent=2)
    assert printable_lines(document) == document
    assert json.loads(document) == value
    assert "한" in document
