"""A project folder and a home for CodeContext, with none of the tester's own settings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in [name for name in os.environ if name.upper().startswith("CODECONTEXT_")]:
        monkeypatch.delenv(variable)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("CODECONTEXT_HOME", str(home))
    return home


@pytest.fixture
def user_file(home: Path) -> Path:
    return home / "config.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def project_file(folder: Path) -> Path:
    return folder / ".codecontext.toml"


@pytest.fixture
def adapter(folder: Path) -> Path:
    """The least that settings accept for an adapter folder."""
    adapter = folder / "adapters" / "house-style"
    adapter.mkdir(parents=True)
    (adapter / "adapter_config.json").write_text("{}")
    return adapter
