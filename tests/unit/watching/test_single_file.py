"""A single file that is made, replaced or removed is noticed."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from pathlib import Path

import pytest

from codecontext.watching.single_file import FileWatcher

DEADLINE = 20.0


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "home" / "config.yaml"


@pytest.fixture
def seen(file: Path) -> Iterator[queue.SimpleQueue[str]]:
    """What the file held at each call; empty once it is gone."""
    seen: queue.SimpleQueue[str] = queue.SimpleQueue()
    watcher = FileWatcher(file, lambda: seen.put(file.read_text(encoding="utf-8") if file.exists() else ""))
    yield seen
    watcher.close()


def wait_for(seen: queue.SimpleQueue[str], text: str) -> None:
    while seen.get(timeout=DEADLINE) != text:
        pass


def test_a_file_that_is_made_replaced_and_removed(file: Path, seen: queue.SimpleQueue[str]) -> None:
    file.write_text("one", encoding="utf-8")
    wait_for(seen, "one")
    draft = file.with_name("draft")
    draft.write_text("two", encoding="utf-8")
    draft.replace(file)
    wait_for(seen, "two")
    file.unlink()
    wait_for(seen, "")
