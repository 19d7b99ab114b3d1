"""Git as a program: which one is run, for how long, and what is left of it afterwards."""

from __future__ import annotations

import os
import time
from pathlib import Path
from threading import Timer
from typing import Any

import psutil
import pytest

from codecontext.core import CancelToken
from codecontext.core.errors import OperationCancelled
from codecontext.indexing import git
from codecontext.indexing.git import GitSilent, GitUnavailable, ask_git, find_git, run_git
from codecontext.indexing.scan import ScanConfig, scan_folder

Folder = Any  # the class of that name in conftest.py, which tests cannot import

pytestmark = pytest.mark.skipif(os.name == "nt", reason="FIFOs and scripts in place of git")


@pytest.fixture
def stuck(repository: Folder) -> Folder:
    """A repository in which git waits for ever, in a folder that is not its first."""
    repository.write("x.py", "deep/y.py", "x.log")
    repository.write(".gitignore", content="*.log\n")
    os.mkfifo(repository.path / "deep" / ".gitignore")
    return repository


def children() -> list[int]:
    return [child.pid for child in psutil.Process().children(recursive=True) if child.status() != "zombie"]


def test_git_that_does_not_answer_is_ended_and_the_scan_goes_on(stuck: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git, "SECONDS_FOR_A_LISTING", 1.0)
    before = children()
    result = scan_folder(stuck.path, ScanConfig())
    assert [file.path for file in result.files] == [".gitignore", "deep/y.py", "x.py"]
    assert result.notes == [
        f"Ignore files in {stuck.path} were read without git: git timed out.",
        f"{stuck.path / 'deep/.gitignore'} is not read: it is not a regular file.",
    ]
    assert children() == before
    monkeypatch.setattr(git, "SECONDS_FOR_A_LISTING", 3_600.0)
    again = scan_folder(stuck.path, ScanConfig())  # does not wait once more
    assert again.files == result.files
    assert again.notes[0].endswith("git timed out recently.")


def test_one_silence_is_enough_for_a_scan(stuck: Folder, new_repository: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = new_repository("repository/inner")
    inner.write("z.py")
    monkeypatch.setattr(git, "SECONDS_FOR_A_LISTING", 1.0)
    result = scan_folder(stuck.path, ScanConfig())
    assert "inner/z.py" in {file.path for file in result.files}
    assert any(note.endswith("git timed out in another folder.") for note in result.notes)


def test_waiting_for_git_can_be_stopped(stuck: Folder) -> None:
    token = CancelToken()
    before = children()
    Timer(0.5, token.cancel).start()
    with pytest.raises(OperationCancelled):
        ask_git(stuck.path, token)
    assert children() == before


def install(place: Path, script: str) -> None:
    place.mkdir(parents=True, exist_ok=True)
    (place / "git").write_text(f"#!/bin/sh\n{script}\n")
    (place / "git").chmod(0o755)


def test_what_git_started_ends_with_it(tmp_path: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path / "bin", f"sleep 1000 & echo $! > {tmp_path}/child; wait")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    with pytest.raises(GitSilent):
        run_git(folder.path, "status", seconds=1)
    child = int((tmp_path / "child").read_text())
    while psutil.pid_exists(child) and psutil.Process(child).status() != "zombie":
        time.sleep(0.01)  # the system takes a moment; pytest's own limit ends a wait in vain


def test_a_child_that_outlives_git_and_keeps_its_output_open_is_ended(
    tmp_path: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "bin", f"sleep 1000 & echo $! > {tmp_path}/child")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    with pytest.raises(GitSilent):
        run_git(folder.path, "status", seconds=1)
    child = int((tmp_path / "child").read_text())
    while psutil.pid_exists(child) and psutil.Process(child).status() != "zombie":
        time.sleep(0.01)


def test_there_is_an_end_to_what_git_may_say(tmp_path: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path / "bin", "while :; do echo name; done")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr(git, "_MAX_OUTPUT", 100_000)
    with pytest.raises(GitUnavailable, match="its output exceeds 100,000 bytes"):
        run_git(folder.path, "status")


def test_complaints_without_end_are_cut(tmp_path: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path / "bin", "head -c 1000000 /dev/zero >&2; echo done")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    answer = run_git(folder.path, "status")
    assert (answer.returncode, answer.stdout) == (0, b"done\n")
    assert len(answer.stderr) <= 64_000


def test_a_git_that_cannot_be_started_is_no_git(
    tmp_path: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "bin", "")
    (tmp_path / "bin" / "git").write_bytes(b"\x7fELF no program")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(GitUnavailable, match="git cannot be started"):
        run_git(folder.path, "status")


def test_neither_the_current_folder_nor_the_workspace_brings_git(
    tmp_path: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``PATH`` with relative or empty entries means the current folder; a project's own programs come with it."""
    installed = find_git(folder.path)
    assert installed is not None
    trace = tmp_path / "trace"
    for place in (".", "bin", "node_modules/.bin"):
        install(folder.path / place, f"touch {trace}")
    monkeypatch.chdir(folder.path)
    before = [".", "", "bin", str(folder.path / "node_modules" / ".bin")]
    monkeypatch.setenv("PATH", os.pathsep.join([*before, os.environ["PATH"]]))
    assert find_git(folder.path) == installed
    (folder.path / ".git").mkdir()
    scan_folder(folder.path, ScanConfig())
    assert not trace.exists()
    assert find_git(tmp_path / "elsewhere") == str(folder.path / "node_modules" / ".bin" / "git")


def test_programs_of_a_person_s_own_home_are_found_when_the_home_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "home" / ".local" / "bin", "")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path / "home" / ".local" / "bin"))
    assert find_git(tmp_path / "home") == str(tmp_path / "home" / ".local" / "bin" / "git")
    assert find_git(tmp_path) is not None
