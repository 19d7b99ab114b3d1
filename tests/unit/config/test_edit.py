"""Settings written into a project's file, which stays a person's own."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from codecontext.config import load_settings
from codecontext.config.edit import set_project_setting
from codecontext.core.errors import ConfigError

KEY = "search.limit"
DEEP = "embeddings.huggingface.device"


def text_of(folder: Path) -> str:
    return (folder / ".codecontext.toml").read_text(encoding="utf-8")


def written(folder: Path, text: str) -> Path:
    (folder / ".codecontext.toml").write_text(text, encoding="utf-8")
    return folder


def test_a_file_is_made_where_there_is_none(folder: Path) -> None:
    set_project_setting(folder, DEEP, "cpu")
    assert text_of(folder) == '[embeddings.huggingface]\ndevice = "cpu"\n'
    assert load_settings(folder).settings.embeddings.huggingface.device == "cpu"


@pytest.mark.parametrize(
    "before",
    [
        "# top\n[search]\nlimit = 3  # few\n",
        "# top\nsearch.limit = 3\n",
        "search = { limit = 3 }  # inline\n",
        "[indexing]\nexclude = ['a/']\n\n[search] # here\n# and here\nlimit = 3\n",
    ],
)
def test_a_value_is_replaced_and_all_else_stays(folder: Path, before: str) -> None:
    set_project_setting(written(folder, before), KEY, 7)
    assert text_of(folder) == before.replace("limit = 3", "limit = 7")


def test_a_value_is_added_to_its_section(folder: Path) -> None:
    written(folder, "[embeddings.huggingface]\n# fast\nthreads = 2\n\n[search]\nlimit = 3\n")
    set_project_setting(folder, DEEP, "cpu")
    settings = load_settings(folder).settings
    assert settings.embeddings.huggingface.device == "cpu"
    assert settings.embeddings.huggingface.threads == 2
    assert settings.search.limit == 3
    assert "# fast" in text_of(folder)


def test_none_takes_the_value_away(folder: Path) -> None:
    set_project_setting(written(folder, "# top\n[search]\nlimit = 3\n"), KEY, None)
    assert text_of(folder) == "# top\n[search]\n"
    assert load_settings(folder).settings.search.limit == 10


def test_taking_away_what_is_not_there_makes_no_file(folder: Path) -> None:
    set_project_setting(folder, KEY, None)
    assert not (folder / ".codecontext.toml").exists()


@pytest.mark.parametrize(
    ("before", "fault"),
    [("[search\n", "broken TOML"), ("search = 3\n", "search should be a section that contains settings")],
)
def test_a_file_that_cannot_be_edited_stays_as_it_is(folder: Path, before: str, fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        set_project_setting(written(folder, before), KEY, 7)
    assert text_of(folder) == before
    assert [item.name for item in folder.iterdir()] == [".codecontext.toml"]


def test_its_mode_stays(folder: Path) -> None:
    file = written(folder, "[search]\nlimit = 3\n") / ".codecontext.toml"
    file.chmod(0o600)
    set_project_setting(folder, KEY, 7)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
