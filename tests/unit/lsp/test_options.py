"""Initialization options, each by itself; trust fails closed."""

from __future__ import annotations

from typing import Any

import pytest

from codecontext.lsp.options import read_options
from codecontext.lsp.protocol import InitializationOptions


@pytest.mark.parametrize(
    "said", [None, [], {}, {"settings": None}, {"settings": [], "workspaceSymbols": None}], ids=str
)
def test_who_says_nothing_gets_the_defaults(said: Any) -> None:
    assert read_options(said) == (InitializationOptions(), [])


@pytest.mark.parametrize(("trusted", "expected"), [(True, True), (False, False)])
def test_trust_that_can_be_read(trusted: bool, expected: bool) -> None:
    options, problems = read_options({"trusted": trusted, "settings": 5, "unknown": 1})
    assert options.trusted is expected
    assert len(problems) == 1


@pytest.mark.parametrize("trusted", ["maybe", "true", "yes", 1, 0, None, [], {}, [True], 1.0, "", "\ud800"], ids=repr)
def test_trust_that_cannot_be_read_is_none(trusted: Any) -> None:
    options, problems = read_options({"trusted": trusted, "settings": {"search": {"limit": 3}}})
    assert not options.trusted
    assert options.settings == {"search": {"limit": 3}}
    assert len(problems) == 1
    assert "trusted" in problems[0]
    assert "true or false" in problems[0]


@pytest.mark.parametrize("said", [5, "trusted", True, [5], [["trusted", True]], 1.5], ids=repr)
def test_options_that_are_none_at_all_say_nothing_of_trust_that_could_be_read(said: Any) -> None:
    options, problems = read_options(said)
    assert options == InitializationOptions(trusted=False)
    assert len(problems) == 1


@pytest.mark.parametrize("name", ["trust", "Trusted", "isTrusted", "workspace_trust"])
def test_a_misspelt_word_on_trust_is_not_taken_for_silence(name: str) -> None:
    options, problems = read_options({name: False})
    assert not options.trusted
    assert name in problems[0]


def test_each_option_has_two_spellings() -> None:
    assert read_options({"workspace_symbols": True})[0].workspace_symbols is True
    assert read_options({"workspaceSymbols": False})[0].workspace_symbols is False


@pytest.mark.parametrize("odd", [5, "text", [1], True], ids=repr)
def test_what_is_left_out_is_named_with_what_was_said(odd: Any) -> None:
    options, (problem,) = read_options({"settings": odd, "trusted": False, "workspaceSymbols": True})
    assert options == InitializationOptions(trusted=False, workspace_symbols=True)
    assert problem.startswith("The initialization option settings is ignored:")
