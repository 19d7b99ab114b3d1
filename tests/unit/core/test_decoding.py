# ruff: noqa: RUF001 - comments in other scripts
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


COMMENTS = {
    "ja": "在庫の合計数量を計算する。注文がまだ支払われていない場合はエラーを返します。",
    "zh": "检查订单是否已经支付，未支付则发送提醒短信。计算库存总数并保存到数据库中。",
    "zh-tw": "檢查訂單是否已經付款，未付款則發送提醒簡訊。計算庫存總數並儲存到資料庫中。",
    "ko": "주문을 취소하고 환불한다. 재고의 총 수량을 계산하여 데이터베이스에 저장한다.",
    "ru": "Расчёт суммы заказа. Проверяем, оплачен ли заказ, и отправляем напоминание пользователю.",
    "uk": "Обчислення суми замовлення користувача. Перевіряємо, чи сплачено рахунок.",
    "el": "Υπολογισμός του συνόλου της παραγγελίας. Έλεγχος αν η παραγγελία έχει πληρωθεί.",
    "he": "חישוב סכום ההזמנה של המשתמש ושמירה במסד הנתונים.",
    "tr": "Siparişin toplam tutarını hesaplar. Kullanıcı girişi başarısız olursa hata kodunu döndürür.",
    "pl": "Obliczanie sumy zamówień użytkownika. Sprawdź, czy zamówienie zostało opłacone. Błąd przy wczytywaniu.",
    "cs": "Vypočítá součet objednávek uživatele včetně daně. Zkontroluje, zda je objednávka zaplacená.",
    "fr": "Vérifie si la commande a été payée, à défaut envoie un rappel à l’utilisateur. Où est l’état ?",
    "de": "Berechnet die Größe des Lagers für Möbel und schickt eine Erinnerung über die Schnittstelle.",
    "es": "Calcula el tamaño del almacén según la configuración, y devuelve el código de la función.",
}


@pytest.mark.parametrize(
    ("language", "encoding"),
    [
        *(("ja", "shift_jis"), ("ja", "euc_jp"), ("ja", "iso2022_jp"), ("zh", "gbk"), ("zh", "gb18030")),
        *(("zh-tw", "big5"), ("ko", "euc_kr"), ("ru", "cp1251"), ("ru", "koi8_r"), ("uk", "cp1251")),
        *(("el", "cp1253"), ("he", "cp1255"), ("tr", "cp1254"), ("pl", "cp1250"), ("cs", "cp1250")),
        *(("fr", "cp1252"), ("de", "cp1252"), ("es", "latin-1")),
    ],
)
def test_the_encoding_of_code_with_comments_is_found(language: str, encoding: str) -> None:
    comment = COMMENTS[language]
    source = f"int total(const Stock *stock)\n{{\n    /* {comment} */\n    return stock->count;\n}}\n"
    assert decode_source(source.encode(encoding)) == source


@pytest.mark.parametrize(
    ("words", "encoding"),
    [
        *(("créé", "latin-1"), ("© 2003 Jörg Müller", "cp1252"), ("“quoted” – naïve", "cp1252"), ("Привет", "cp1251")),
        *(("テスト", "shift_jis"), ("在庫", "shift_jis"), ("ファイル", "euc_jp"), ("주문을 취소하고", "euc_kr")),
    ],
)
def test_a_few_words_are_enough(words: str, encoding: str) -> None:
    source = f"// {words}\nint x;\n"
    assert decode_source(source.encode(encoding)) == source


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ("#!/usr/bin/python\n# -*- coding: mac-roman -*-\n", "mac-roman"),
        ("# coding=iso-8859-5\n", "iso-8859-5"),
        ("# encoding: koi8-u\n", "koi8-u"),
        ("/* -*- mode: c; coding: iso-8859-7 -*- */\n", "iso-8859-7"),
        ("// vim: set fileencoding=cp852 :\n", "cp852"),
        ('<?xml version="1.0" encoding="iso-8859-2"?>\n', "iso-8859-2"),
        ('<html><head><meta charset="windows-1257">\n', "cp1257"),
        ('@charset "iso-8859-15";\n', "iso-8859-15"),
        ("# -*- coding: latin-1 -*-\n", "cp1252"),
    ],
)
def test_what_a_file_says_of_itself_counts(head: str, encoding: str) -> None:
    word = next(word for word in ("Ωμέγα", "ёлка", "želva", "café") if _fits(word, encoding))
    source = f"{head}x = '{word}'\n"
    assert decode_source(source.encode(encoding)) == source


def test_a_modeline_may_stand_at_the_end() -> None:
    source = "x = 'želva'\n" * 300 + "# vim: fenc=cp852\n"
    assert decode_source(source.encode("cp852")) == source


@pytest.mark.parametrize("name", ["zlib", "rot13", "unicode_escape", "punycode", "utf-7", "utf-16", "cp037", "no-such"])
def test_only_encodings_of_source_code_are_taken_from_a_file(name: str) -> None:
    assert decode_source(f"# coding: {name}\nx = 'größe'\n".encode("cp1252")) == f"# coding: {name}\nx = 'größe'\n"


def test_a_declaration_that_is_wrong_counts_for_nothing() -> None:
    source = f"# coding: euc-jp\n# {COMMENTS['ru']}\n"
    assert decode_source(source.encode("cp1251")) == source
    assert decode_source(source.encode()) == source


@pytest.mark.parametrize("damage", [b"\xff", b"\xe4", b"\xc3", b"\xe2\x82", b"\xed\xa0\x80", b"\xf5"])
def test_damaged_utf8_stays_utf8(damage: bytes) -> None:
    text = decode_source("größe 在庫 заказ\n".encode() + damage + b"\nend\n")
    first, second, *rest = text.split("\n")
    assert first == "größe 在庫 заказ"
    assert set(second) == {"\ufffd"}
    assert rest == ["end", ""]


def test_the_replacement_character_itself_is_no_damage() -> None:
    assert decode_source("\ufffd\n".encode() * 3 + b"\xff") == "\ufffd\n" * 3 + "\ufffd"


def test_detection_looks_at_a_bounded_part() -> None:
    source = f"/* {COMMENTS['ja']} */\n" * 20_000
    assert decode_source(source.encode("shift_jis")) == source


def _fits(word: str, encoding: str) -> bool:
    try:
        word.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


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
