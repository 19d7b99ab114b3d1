"""Settings as editors send them."""

from __future__ import annotations

from typing import Any

import pytest

from codecontext.lsp.configuration import Configuration
from codecontext.lsp.folders import Folder

SENT = {"search": {"limit": 3}}


@pytest.fixture
def configuration() -> Configuration:
    return Configuration()


def test_without_a_word_from_the_editor_nothing_is_set(configuration: Configuration, folder: Folder) -> None:
    assert configuration.of(folder) == {}


def test_what_was_said_last_counts(configuration: Configuration, folder: Folder) -> None:
    configuration.begin_with({"search": {"limit": 1}})
    assert configuration.of(folder) == {"search": {"limit": 1}}
    configuration.push({"codecontext": {"search": {"limit": 2}}})
    assert configuration.of(folder) == {"search": {"limit": 2}}
    configuration.pull(folder, {"search": {"limit": 3}})
    assert configuration.of(folder) == {"search": {"limit": 3}}


def test_an_answer_is_that_folder_s_alone(configuration: Configuration, folder: Folder) -> None:
    other = Folder("file:///other", folder.path.parent / "other", "other")
    configuration.begin_with(SENT)
    configuration.pull(other, {"search": {"limit": 9}})
    assert configuration.of(folder) == SENT
    assert configuration.of(other) == {"search": {"limit": 9}}


def test_an_editor_that_knows_nothing_of_the_section_leaves_what_it_said_before(
    configuration: Configuration, folder: Folder
) -> None:
    """Neovim answers null, although its user may have given settings with the first message."""
    configuration.begin_with(SENT)
    configuration.pull(folder, None)
    assert configuration.of(folder) == SENT
    configuration.pull(folder, {"search": {"limit": 9}})
    configuration.pull(folder, None)
    assert configuration.of(folder) == SENT


def test_pushed_settings(configuration: Configuration, folder: Folder) -> None:
    configuration.push({"codecontext": SENT, "pylsp": {"plugins": {}}})
    assert configuration.of(folder) == SENT


@pytest.mark.parametrize(
    "pushed", [None, [], {}, "text", {"codecontext": None}, {"codecontext": []}, {"pylsp": {"plugins": {}}}], ids=str
)
def test_a_push_without_settings_changes_nothing(pushed: Any, configuration: Configuration, folder: Folder) -> None:
    """An editor that is to be asked pushes null."""
    configuration.begin_with(SENT)
    configuration.push(pushed)
    assert configuration.of(folder) == SENT


def test_names_become_ours_and_what_is_unset_is_left_out(configuration: Configuration, folder: Folder) -> None:
    configuration.begin_with(
        {"embeddings": {"huggingface": {"loraAdapterPath": None, "modelName": "x", "max_tokens": 3}}, "logging": None}
    )
    assert configuration.of(folder) == {"embeddings": {"huggingface": {"model_name": "x", "max_tokens": 3}}}


def test_values_stay_as_they_are(configuration: Configuration, folder: Folder) -> None:
    values = {"a": False, "b": 0, "c": [], "d": ["${workspaceFolder}"], "e": ""}
    configuration.begin_with(values)
    assert configuration.of(folder) == values


def test_the_workspace_folder_can_be_named(configuration: Configuration, folder: Folder) -> None:
    configuration.begin_with({"adapter": {"path": "${workspaceFolder}/adapters"}})
    assert configuration.of(folder) == {"adapter": {"path": f"{folder.path}/adapters"}}
