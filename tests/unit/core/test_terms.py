"""Splitting text and identifiers into terms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codecontext.core.terms import lexical_terms, split_identifier


@pytest.mark.parametrize(
    ("identifier", "parts"),
    [
        ("parseHTTPResponse", ["parse", "http", "response"]),
        ("HTTPResponse_v2", ["http", "response", "v", "2"]),
        ("__init__", ["init"]),
        ("MAX_SIZE", ["max", "size"]),
        ("get_Überschrift", ["get", "überschrift"]),
        ("user이름", ["user", "이름"]),
        ("URLs", ["urls"]),
        ("parseURLs", ["parse", "urls"]),
        ("IDsOf", ["ids", "of"]),
        ("GPUs_v2", ["gpus", "v", "2"]),
        ("HTTPs", ["https"]),
        ("HTTPServer", ["http", "server"]),
        ("HTTPSession", ["http", "session"]),
        ("IOStats", ["io", "stats"]),
        ("", []),
    ],
)
def test_split_identifier(identifier: str, parts: list[str]) -> None:
    assert split_identifier(identifier) == parts


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("getUser(id)", ["get", "user", "getuser", "id"]),
        ("how are cookies kept?", ["how", "are", "cookies", "kept"]),
        ("쿠키를 저장", ["쿠키", "키를", "저장"]),
        ("?!… --", []),
        ("x" * 500, []),
        ("the URLs and APIs", ["the", "urls", "and", "apis"]),
        ("a function's name", ["a", "function", "name"]),
        ("the parser\u2019s state isn't kept, it'll go", ["the", "parser", "state", "isn", "kept", "it", "go"]),
        ("row['s'] + b's' + ch's'", ["row", "s", "b", "s", "ch", "s"]),
    ],
)
def test_lexical_terms(text: str, terms: list[str]) -> None:
    assert lexical_terms(text) == terms


@given(st.text())
def test_terms_are_short_lower_case_words(text: str) -> None:
    for term in lexical_terms(text):
        assert 0 < len(term) <= 40
        assert not term.isspace()


@given(st.from_regex(r"[a-z]+([A-Z][a-z]+)*", fullmatch=True))
def test_camel_and_snake_case_meet(camel: str) -> None:
    parts = split_identifier(camel)
    assert split_identifier("_".join(parts)) == parts


@given(st.text(st.characters(max_codepoint=127), max_size=80))
def test_what_else_a_text_holds_changes_no_term(text: str) -> None:
    """ASCII alone is split in another way than all other text."""
    assert lexical_terms(f"{text} é") == [*lexical_terms(text), "é"]


def test_more_words_than_are_kept_change_no_term() -> None:
    words = " ".join(f"word_{number}" for number in range(160_000))
    terms = lexical_terms(words)
    assert terms[:3] == ["word", "0", "word_0"]
    assert terms[-3:] == ["word", "159999", "word_159999"]
    assert lexical_terms("word_0") == terms[:3]
