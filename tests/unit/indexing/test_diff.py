"""Which files a run has to read."""

from __future__ import annotations

from pathlib import Path

import pytest

from codecontext.indexing.diff import find_changes, without_skipped
from codecontext.indexing.files import Skipped, SkipReason, SourceFile
from codecontext.store.manifest import FileStamp, QuarantinedFile, SkippedStamp

SECOND = 1_000_000_000
READ_AT = 100 * SECOND


def source(path: str = "a.py", size: int = 10, changed: int = SECOND) -> SourceFile:
    return SourceFile(path, Path(), size, changed, changed)


STAMP = FileStamp(size=10, changed_ns=SECOND, digest="d", chunks=1)


@pytest.mark.parametrize(
    ("file", "stamps", "indexed", "read"),
    [
        (source(), {"a.py": STAMP}, {"a.py": {"d"}}, False),
        (source(), {}, {"a.py": {"d"}}, True),
        (source(size=11), {"a.py": STAMP}, {"a.py": {"d"}}, True),
        (source(changed=2 * SECOND), {"a.py": STAMP}, {"a.py": {"d"}}, True),
        (source(), {"a.py": STAMP}, {}, True),
        (source(), {"a.py": STAMP}, {"a.py": {"other"}}, True),
        (source(), {"a.py": STAMP}, {"a.py": {"d", "older"}}, True),
        (source(), {"a.py": STAMP.model_copy(update={"chunks": 0})}, {}, False),
        (
            source(changed=READ_AT - SECOND),
            {"a.py": STAMP.model_copy(update={"changed_ns": READ_AT - SECOND})},
            {"a.py": {"d"}},
            True,
        ),
    ],
    ids=[
        "unchanged",
        "never seen",
        "other size",
        "other time",
        "rows lost",
        "rows of other content",
        "interrupted write",
        "nothing to index in it",
        "written in the clock tick of the reading",
    ],
)
def test_find_changes(
    file: SourceFile, stamps: dict[str, FileStamp], indexed: dict[str, set[str]], *, read: bool
) -> None:
    changes = find_changes([file], stamps, indexed, READ_AT)
    assert bool(changes.to_read) is read
    assert bool(changes.unchanged) is not read


def test_what_is_gone_is_removed_and_the_newest_is_read_first() -> None:
    files = [source("old.py", changed=SECOND), source("new.py", changed=3 * SECOND)]
    changes = find_changes(files, {}, {"gone.py": {"d"}, "old.py": {"d"}}, READ_AT)
    assert changes.removed == ["gone.py"]
    assert [file.path for file in changes.to_read] == ["new.py", "old.py"]


def test_files_named_first_are_read_before_the_newest() -> None:
    files = [source(f"{name}.py", changed=number * SECOND) for number, name in enumerate("abcd", start=1)]
    changes = find_changes(files, {}, {}, READ_AT, first=["b.py", "a.py", "unknown.py"])
    assert [file.path for file in changes.to_read] == ["b.py", "a.py", "d.py", "c.py"]


@pytest.mark.parametrize(
    ("file", "held"),
    [(source(), True), (source(size=11), False), (source(changed=2 * SECOND), False), (source("b.py"), False)],
    ids=["as it was", "other size", "other time", "another file"],
)
def test_a_quarantined_file_is_held_back_until_it_changes(file: SourceFile, *, held: bool) -> None:
    entry = QuarantinedFile(size=10, changed_ns=SECOND, detail="it crashed")
    readable, skipped = without_skipped([file], {"a.py": entry}, {}, READ_AT)
    assert readable == ([] if held else [file])
    assert skipped == ([Skipped("a.py", SkipReason.QUARANTINED, "it crashed")] if held else [])


@pytest.mark.parametrize(
    ("file", "read_at", "held"),
    [
        (source(), READ_AT, True),
        (source(size=11), READ_AT, False),
        (source(changed=2 * SECOND), READ_AT, False),
        (source("b.py"), READ_AT, False),
        (source(), 2 * SECOND, False),
    ],
    ids=["as it was", "other size", "other time", "another file", "written in the clock tick of the reading"],
)
def test_a_file_skipped_for_its_content_stays_so_until_it_changes(
    file: SourceFile, read_at: int, *, held: bool
) -> None:
    stamp = SkippedStamp(size=10, changed_ns=SECOND, reason="secret", detail="private key")
    readable, skipped = without_skipped([file], {}, {"a.py": stamp}, read_at)
    assert readable == ([] if held else [file])
    assert skipped == ([Skipped("a.py", SkipReason.SECRET, "private key", 10, SECOND)] if held else [])
