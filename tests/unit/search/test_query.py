"""From what a person typed to terms, filters and kind."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codecontext.chunking.languages import LANGUAGES
from codecontext.core.chunk import ChunkFilter
from codecontext.core.errors import QueryError
from codecontext.search.query import MAX_QUERY_CHARACTERS, QueryKind, parse_query


@pytest.mark.parametrize(
    ("raw", "text", "where"),
    [
        ("send mail lang:py", "send mail", ChunkFilter(languages=("python",))),
        ("lang:go,rs retry", "retry", ChunkFilter(languages=("go", "rust"))),
        ("lang:C#,golang,c++ x", "x", ChunkFilter(languages=("csharp", "go", "cpp"))),
        ("lang:cobol x", "x", ChunkFilter(languages=("cobol",))),
        ('path:"my docs/**" x', "x", ChunkFilter(paths=("my docs/**",))),
        ("retry -path:tests path:src", "retry", ChunkFilter(paths=("!tests", "src"))),
        ("KIND:Method send", "send", ChunkFilter(kinds=("method",))),
        ("what does std::path:join do", "what does std::path:join do", ChunkFilter()),
        ("lang:python", "", ChunkFilter(languages=("python",))),
        ("-lang:md,yml x", "x", ChunkFilter(languages=("!markdown", "!yaml"))),
        ("lang:!go x", "x", ChunkFilter(languages=("!go",))),
        ("lang:.tsx,F# x", "x", ChunkFilter(languages=("typescript", "fsharp"))),
        ("-kind:class,Block x", "x", ChunkFilter(kinds=("!class", "!block"))),
        ("path:**/*.{js,ts} x", "x", ChunkFilter(paths=("**/*.{js,ts}",))),
        ('path:"a,b c.py" x', "x", ChunkFilter(paths=("a,b c.py",))),
        ('path:"" x', "x", ChunkFilter()),
    ],
)
def test_filters_are_taken_out(raw: str, text: str, where: ChunkFilter) -> None:
    query = parse_query(raw)
    assert (query.text, query.where) == (text, where)


def test_an_unknown_kind_is_named_with_the_known_ones() -> None:
    with pytest.raises(QueryError, match=r"'functoin' is not a kind of chunk\. Use one of: function, method"):
        parse_query("x kind:functoin")


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        ("x lang:pyhton", r"'pyhton' is not a known language\. Did you mean python\? Use a name"),
        ("x lang:typscript", r"Did you mean typescript\?"),
        ("x -lang:pyhton", "'!?pyhton' is not a known language"),
        ("x lang:qqqq", r"'qqqq' is not a known language\. Use a name or a file extension"),
        ("x kind:fnction", r"'fnction' is not a kind of chunk\. Use one of: .+ Did you mean function\?"),
        ("x -kind:thing", "is not a kind of chunk"),
        ("x path:" + "a," * 80, "more than 64 filters"),
    ],
)
def test_a_filter_that_names_nothing_known_is_said(raw: str, sentence: str) -> None:
    with pytest.raises(QueryError, match=sentence):
        parse_query(raw)


@pytest.mark.parametrize("name", sorted({language.name for language in LANGUAGES}))
def test_every_language_can_be_asked_for_by_its_name(name: str) -> None:
    assert parse_query(f"x lang:{name}").where.languages == (name,)


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ("check_password", QueryKind.SYMBOL),
        ("Session.send", QueryKind.SYMBOL),
        ("std::vec::Vec", QueryKind.SYMBOL),
        ("send()", QueryKind.SYMBOL),
        ("where is the password checked", QueryKind.PHRASE),
        ("retry policy", QueryKind.PHRASE),
    ],
)
def test_nature(raw: str, kind: QueryKind) -> None:
    assert parse_query(raw).kind is kind


def test_function_words_are_left_out_unless_nothing_else_is_there() -> None:
    assert parse_query("where is the token compared").terms == ("token", "compared")
    assert parse_query("where is the").terms == ("where", "is", "the")


@pytest.mark.parametrize("raw", ["", "   ", "???", "-- / \\ ' \" ;"])
def test_queries_without_words_have_no_terms(raw: str) -> None:
    assert parse_query(raw).terms == ()


def test_a_very_long_query_is_cut() -> None:
    assert len(parse_query("word " * 5000).text) == MAX_QUERY_CHARACTERS


@given(st.text())
def test_any_text_without_filters_is_a_query(text: str) -> None:
    query = parse_query(text.replace(":", " "))
    assert not query.where
    assert len(query.text) <= MAX_QUERY_CHARACTERS
