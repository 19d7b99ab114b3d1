"""Adapters by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from codecontext.adapters.places import adapter_places, find_adapter, user_adapters
from codecontext.core.errors import AdapterError


def test_places_are_the_users_the_projects_and_configured_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert adapter_places(tmp_path, ["~/shared", "team"]) == [
        user_adapters(),
        tmp_path / ".codecontext" / "adapters",
        tmp_path / "home" / "shared",
        tmp_path / "team",
    ]


def test_a_name_is_the_folders_or_the_one_in_the_record(tmp_path: Path, write_adapter: Callable[..., Path]) -> None:
    first = write_adapter("words-1")
    second = write_adapter("other", manifest={"name": "house style"})
    assert find_adapter("words-1", [tmp_path]) == first
    assert find_adapter("house style", [tmp_path]) == second
    assert find_adapter("other", [tmp_path]) == second


def test_base_is_no_adapter() -> None:
    assert find_adapter("base", []) is None


def test_a_path_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_adapter: Callable[..., Path]) -> None:
    write_adapter("here")
    monkeypatch.chdir(tmp_path)
    assert find_adapter("./here", []) == tmp_path / "here"
    assert find_adapter("here", []) == tmp_path / "here"
    assert find_adapter(str(tmp_path / "not there"), []) == tmp_path / "not there"


def test_an_unknown_name_is_answered_with_the_nearest(tmp_path: Path, write_adapter: Callable[..., Path]) -> None:
    write_adapter("words-1")
    with pytest.raises(AdapterError, match=r"no adapter 'wrods-1' in .* Did you mean words-1\?"):
        find_adapter("wrods-1", [tmp_path])
    with pytest.raises(AdapterError, match="'codecontext adapter list' shows the available ones"):
        find_adapter("zebra", [tmp_path])


def test_a_name_of_two_is_refused(tmp_path: Path, write_adapter: Callable[..., Path]) -> None:
    write_adapter("one/words")
    write_adapter("two/words")
    with pytest.raises(AdapterError, match="'words' is the name of several adapters"):
        find_adapter("words", [tmp_path / "one", tmp_path / "two"])
