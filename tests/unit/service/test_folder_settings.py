"""Which settings a served folder goes by, whatever its sources say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from codecontext.config import Settings
from codecontext.rpc.messages import FolderSetup
from codecontext.service.folder_settings import FolderSettings, read_folder_settings


@pytest.fixture
def project_file(project: Path) -> Path:
    return project / ".codecontext.toml"


def read(project: Path, last_good: FolderSettings | None = None, **setup: Any) -> FolderSettings:
    return read_folder_settings(FolderSetup(folder=str(project), **{"trusted": True} | setup), last_good)


def adapter_setting(path: object) -> dict[str, Any]:
    return {"embeddings": {"huggingface": {"lora_adapter_path": path and str(path)}}}


def test_nothing_said_means_defaults(project: Path) -> None:
    assert read(project) == FolderSettings(Settings())


def test_the_editor_wins_over_the_project(project: Path, project_file: Path) -> None:
    project_file.write_text("[search]\nlimit = 7\n[engine]\nidle_minutes = 3\n")
    found = read(project, editor={"search": {"limit": 9}})
    assert (found.settings.search.limit, found.settings.engine.idle_minutes) == (9, 3)


def test_a_sound_adapter_is_named(project: Path, make_folder: Path) -> None:
    assert read(project, editor=adapter_setting(make_folder)).adapter == make_folder


@pytest.fixture
def make_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_text("{}")
    return folder


def test_an_adapter_that_is_not_there_yet_is_waited_for(project: Path, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    found = read(project, editor={**adapter_setting(missing), "search": {"limit": 9}})
    assert (found.adapter, found.problem) == (missing, None)
    assert found.settings.search.limit == 9
    assert found.settings.embeddings.huggingface.lora_adapter_path == str(missing)


def test_a_home_is_expanded_in_an_adapter_that_is_not_there(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read(project, editor=adapter_setting("~/missing")).adapter == tmp_path / "missing"


def test_a_missing_adapter_of_the_project_file(project: Path, project_file: Path, tmp_path: Path) -> None:
    project_file.write_text(f'[embeddings.huggingface]\nlora_adapter_path = "{tmp_path / "missing"}"\n')
    found = read(project)
    assert (found.adapter, found.problem) == (tmp_path / "missing", None)


@pytest.mark.parametrize("text", ["not toml = = =", "[search]\nlimit = -1\n", "[search]\nlimits = 3\n", "search = 3\n"])
def test_bad_settings_leave_the_last_good_ones_in_force(
    project: Path, project_file: Path, make_folder: Path, text: str
) -> None:
    good = read(project, editor=adapter_setting(make_folder))
    project_file.write_text(text)
    found = read(project, good, editor=adapter_setting(make_folder))
    assert (found.settings, found.adapter) == (good.settings, good.adapter)
    assert ".codecontext.toml" in str(found.problem)
    assert str(found.problem).endswith("The last good settings stay in force.")
    project_file.unlink()
    assert read(project, found, editor=adapter_setting(make_folder)) == good


def test_without_last_good_ones_the_defaults_are_in_force(project: Path) -> None:
    found = read(project, editor={"search": {"limit": "many"}})
    assert found.settings == Settings()
    assert "search.limit" in str(found.problem)
    assert str(found.problem).endswith("The defaults are in force.")


def test_bad_settings_beside_a_missing_adapter_are_said(project: Path, tmp_path: Path) -> None:
    found = read(project, editor={**adapter_setting(tmp_path / "missing"), "search": {"limit": "many"}})
    assert "search.limit" in str(found.problem)


@pytest.mark.parametrize("editor", [{"embeddings": 3}, {"embeddings": {"huggingface": "x"}}])
def test_sections_of_the_wrong_type_are_said(project: Path, editor: dict[str, Any]) -> None:
    assert "embeddings" in str(read(project, editor=editor).problem)


def test_an_untrusted_project_names_no_adapter(project: Path, project_file: Path, make_folder: Path) -> None:
    project_file.write_text(f'[embeddings.huggingface]\nlora_adapter_path = "{make_folder}"\n')
    found = read(project, trusted=False)
    assert found.adapter is None
    assert any("lora_adapter_path" in warning or "embeddings" in warning for warning in found.warnings)
