"""Folders with and without git, untouched by the git configuration of whoever runs the tests."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

TEXT = "text = 1\n"


class Folder:
    """A folder under test; the files it gets have some text, as empty ones are skipped for that alone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True)

    def write(self, *paths: str, content: str | bytes = TEXT) -> None:
        for path in paths:
            file = self.path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)

    def git(self, *arguments: str, feed: bytes = b"") -> bytes:
        command = ["git", "-c", "protocol.file.allow=always", *arguments]
        return subprocess.run(command, cwd=self.path, input=feed, stdout=subprocess.PIPE, check=True).stdout

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "state")

    def all_files(self) -> set[str]:
        """Every regular file outside ``.git``, relative to the folder."""
        return {
            Path(place, name).relative_to(self.path).as_posix()
            for place, _folders, names in os.walk(self.path)
            for name in names
            if ".git" not in Path(place, name).relative_to(self.path).parts and not Path(place, name).is_symlink()
        }


@pytest.fixture(autouse=True)
def _own_git_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Tester")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "tester@example.org")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A plain folder, not in any repository."""
    return Folder(tmp_path / "plain")


@pytest.fixture
def new_repository(tmp_path: Path) -> Callable[[str], Folder]:
    """Makes a repository at a path below the test's own folder."""

    def make(path: str) -> Folder:
        repository = Folder(tmp_path / path)
        repository.git("init", "--quiet", "--initial-branch=main")
        return repository

    return make


@pytest.fixture
def repository(new_repository: Callable[[str], Folder]) -> Folder:
    return new_repository("repository")
