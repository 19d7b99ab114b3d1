"""``storage.index_mb``: the indexes of all folders stay within it, and what is in use stays."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from codecontext.core.paths import index_directory, search_log_file
from codecontext.store.index_store import IndexStore
from codecontext.store.lock import writer_lock

from .conftest import write_files

Run = Callable[..., subprocess.CompletedProcess[str]]
DAY = 86_400
WORDS = {"CODECONTEXT_INDEXING__VECTORS": "false"}


@pytest.fixture(autouse=True)
def _home_of_its_own(_own_streams_and_logging: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODECONTEXT_HOME", str(tmp_path / "home"))


@pytest.fixture
def indexed(tmp_path: Path) -> Callable[..., Path]:
    """Make a folder with an index of more than a megabyte, last used some days ago."""

    def make(name: str, *, days: float, spaces: int = 1) -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True)
        directory = index_directory(folder)
        with closing(IndexStore(directory)) as store:
            store.set_facts(folder=str(folder.resolve()))
            for number in range(spaces):
                store.add_vectors(f"space{number}", range(1000), np.ones((1000, 384), np.float32))
        (directory / "used").touch()
        (directory / "filler").write_bytes(bytes(1_000_000))
        before = time.time() - days * DAY
        for file in directory.iterdir():
            os.utime(file, (before, before))
        return folder

    return make


def notes_of(codecontext: Run, *, megabytes: int) -> list[str]:
    run = codecontext("index", "--json", env={**WORDS, "CODECONTEXT_STORAGE__INDEX_MB": str(megabytes)})
    assert run.returncode == 0, run.stderr
    notices: list[str] = json.loads(run.stdout)["notices"]
    return notices


def size_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in index_directory(folder).rglob("*") if file.is_file())


def test_what_was_unused_for_longest_goes_first(codecontext: Run, project: Path, indexed: Callable[..., Path]) -> None:
    write_files(project)
    oldest, older = indexed("oldest", days=9), indexed("older", days=2)
    log = search_log_file(oldest)
    log.parent.mkdir()
    log.write_text("{}\n", encoding="utf-8")
    limit = -(-size_of(older) // 1_000_000) + 1
    (note,) = notes_of(codecontext, megabytes=limit)
    assert note == (
        f"Removed the index of {oldest}, unused for 9 days, to keep all indexes within storage.index_mb ({limit})."
    )
    assert not index_directory(oldest).exists()
    assert index_directory(older).is_dir()
    assert index_directory(project).is_dir()
    assert log.is_file()


def test_vectors_that_nobody_uses_go_before_indexes(
    codecontext: Run, project: Path, indexed: Callable[..., Path]
) -> None:
    write_files(project)
    folder = indexed("other", days=3, spaces=3)
    (note,) = notes_of(codecontext, megabytes=size_of(folder) // 1_000_000)
    assert note.startswith(f"Removed vectors of models and adapters no longer in use of {folder}, unused for 3 days")
    with closing(IndexStore(index_directory(folder))) as store:
        assert store.state().spaces == ["space0"]


def test_what_was_just_used_stays(codecontext: Run, project: Path, indexed: Callable[..., Path]) -> None:
    write_files(project)
    folder = indexed("other", days=0)
    (note,) = notes_of(codecontext, megabytes=1)
    assert note.startswith("All indexes together exceed storage.index_mb (1) by ")
    assert index_directory(folder).is_dir()
    assert index_directory(project).is_dir()


def test_what_another_process_writes_stays(codecontext: Run, project: Path, indexed: Callable[..., Path]) -> None:
    write_files(project)
    folder = indexed("other", days=5, spaces=2)
    with writer_lock(index_directory(folder)):
        (note,) = notes_of(codecontext, megabytes=1)
    assert note.startswith("All indexes together exceed storage.index_mb (1) by ")
    with closing(IndexStore(index_directory(folder))) as store:
        assert store.state().spaces == ["space0", "space1"]


def test_a_search_counts_as_use(codecontext: Run, project: Path) -> None:
    write_files(project)
    assert codecontext("index", env=WORDS).returncode == 0
    used = index_directory(project) / "used"
    before = time.time() - DAY
    os.utime(used, (before, before))
    codecontext("search", "constant time", env=WORDS)
    assert used.stat().st_mtime > before + DAY / 2


def test_a_project_does_not_decide(codecontext: Run, project: Path) -> None:
    write_files(project)
    (project / ".codecontext.toml").write_text("[storage]\nindex_mb = 1\n", encoding="utf-8")
    run = codecontext("index", env=WORDS)
    assert "storage.index_mb is ignored because a project file cannot set it" in run.stderr
