"""Which files a run has to read."""

from __future__ import annotations

from pathlib import Path

import pytest

from codecontext.indexing.diff import find_changes, without_skipped
from codecontext.indexing.files import SourceFile
from codecontext.store.records import FileStamp, SkippedEntry

SECOND = 1_000_000_000


def source(path: str = "a.py", size: int = 10, changed: int = SECOND) -> SourceFile:
    return SourceFile(path, Path(path), size, changed, changed)


STAMP = FileStamp(size=10, changed_ns=SECOND, digest="d", chunks=1, settled=True)
RESTLESS = FileStamp(size=10, changed_ns=SECOND, digest="d", chunks=1)


@pytest.mark.parametrize(
    ("file", "stamps", "read"),
    [
        (source(), {"a.py": STAMP}, False),
        (source(), {"b.py": STAMP}, True),
        (source(size=11), {"a.py": STAMP}, True),
        (source(changed=2 * SECOND), {"a.py": STAMP}, True),
        (source(), {"a.py": RESTLESS}, True),
    ],
    ids=["unchanged", "never seen", "other size", "other time", "written in the clock tick of the reading"],
)
def test_find_changes(file: SourceFile, stamps: dict[str, FileStamp], *, read: bool) -> None:
    assert find_changes([file], stamps).to_read == ([file] if read else [])


def test_what_is_gone_is_removed_and_the_newest_is_read_first() -> None:
    files = [source("old.py", changed=SECOND), source("new.py", changed=3 * SECOND)]
    changes = find_changes(files, {"gone.py": STAMP, "old.py": RESTLESS})
    assert changes.removed == ["gone.py"]
    assert [file.path for file in changes.to_read] == ["new.py", "old.py"]


def test_files_named_first_are_read_before_the_newest() -> None:
    files = [source(f"{name}.py", changed=number * SECOND) for number, name in enumerate("abcd", start=1)]
    changes = find_changes(files, {}, first=["b.py", "a.py", "unknown.py"])
    assert [file.path for file in changes.to_read] == ["b.py", "a.py", "d.py", "c.py"]


@pytest.mark.parametrize(
    ("entry", "held"),
    [
        (SkippedEntry("a.py", "binary", "", 10, SECOND, settled=True), True),
        (SkippedEntry("a.py", "binary", "", 10, SECOND), False),
        (SkippedEntry("a.py", "quarantined", "it crashed", 10, SECOND), True),
        (SkippedEntry("a.py", "binary", "", 11, SECOND, settled=True), False),
        (SkippedEntry("a.py", "quarantined", "", 10, 2 * SECOND), False),
        (SkippedEntry("b.py", "binary", "", 10, SECOND, settled=True), False),
        (SkippedEntry("a.py", "excluded"), False),
    ],
    ids=["as it was", "hardly at rest", "it ended a process", "other size", "other time", "another file", "unread"],
)
def test_what_was_skipped_for_its_content_is_held_back_until_it_changes(entry: SkippedEntry, *, held: bool) -> None:
    file = source()
    assert without_skipped([file], [entry]) == (([], [entry]) if held else ([file], []))
