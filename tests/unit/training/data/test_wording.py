"""From documentation to what somebody might type."""

from __future__ import annotations

import pytest

from codecontext.training.data.wording import as_query, first_paragraph, plain, vary


@pytest.mark.parametrize(
    ("doc", "name", "query"),
    [
        ("Return the stored token.", "get", "Return the stored token"),
        ("Compare two tokens in constant time. Slow.", "same", "Compare two tokens in constant time"),
        ("Adds up. Takes tax into account, too.", "total", "Adds up. Takes tax into account, too"),
        ("ParseConfig reads the file\nthat we named.\n\nMore.", "ParseConfig", "reads the file that we named"),
        ("Reads the file.\n\n:param path: where\n", "read", "Reads the file"),
        ("Reads the whole file.\nArgs:\n    path: where\n", "read", "Reads the whole file"),
        ("Reads the whole file.\n@param path where", "read", "Reads the whole file"),
        ("Use :func:`~pkg.mod.run` or ``go`` or `x <y>`_ now, please.", "f", "Use pkg.mod.run or go or x now, please"),
        ("See https://example.org/page for what it does here.", "f", "See for what it does here"),
        (">>> run()\n3", "run", ""),
        ("", "f", ""),
    ],
)  # fmt: skip
def test_first_sentence_of_documentation(doc: str, name: str, query: str) -> None:
    assert as_query(doc, name) == query


def test_a_long_sentence_is_cut_between_words() -> None:
    assert len(as_query("word " * 100).split()) == 40


def test_a_paragraph_ends_at_a_blank_line() -> None:
    assert first_paragraph("One\ntwo.\n\nThree.") == "One two."


def test_markup_goes_and_words_stay() -> None:
    assert plain("The **bold** [link](x.md) of `snake_case_name` in <b>tags</b>") == (
        "The bold link of snake_case_name in tags"
    )


def test_variation_is_decided_by_its_seed_and_invents_nothing() -> None:
    query = "find the newest entry of the cache that nobody holds"
    variants = {vary(query, seed) for seed in range(200)}
    assert query in variants
    assert len(variants) > 20
    assert all(set(variant.split()) <= set(query.split()) for variant in variants)
    assert vary(query, 7) == vary(query, 7)


def test_a_short_query_stays() -> None:
    assert {vary("parse the config", seed) for seed in range(50)} == {"parse the config"}
