"""Patterns from outside: linear time, and a reason for those that cannot be used."""

from __future__ import annotations

import pytest

from codecontext.core.patterns import BadPattern, compile_pattern


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "source", ["(([a-z0-9._]+)+)+!", "(a|aa)+$b", ".*a.*a.*a.*a.*a.*a.*a.*a.*a.*b", "(a?){500}a{500}"]
)
def test_a_pattern_made_to_backtrack_ends(source: str) -> None:
    assert not compile_pattern(source).matches("a" * 20_000)


@pytest.mark.parametrize("source", ["[z-a]", "(", "*", "(?=a)", r"(a)\1", "a" * 5_000, "((a{500}){500}){500}"])
def test_a_pattern_that_cannot_be_used_says_why(source: str) -> None:
    with pytest.raises(BadPattern, match=r"\w"):
        compile_pattern(source)


def test_matches_is_about_all_of_the_text() -> None:
    assert compile_pattern("b+").matches("bb")
    assert not compile_pattern("b+").matches("abb")
    assert compile_pattern("b+").is_in("abba")


def test_a_name_that_is_not_utf8_is_only_another_character() -> None:
    assert compile_pattern("x.y").matches("x\udcffy")
