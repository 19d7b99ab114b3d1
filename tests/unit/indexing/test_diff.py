"""Which files a run has to read."""

from __future__ import annotations

from pathlib import Path

import pytest

from codecontext.indexing.diff import find_changes
from codecontext.indexing.files import SourceFile
from codecontext.store.manifest import FileStamp

SECOND = 1_000_000_000
READ_AT = 100 * SECOND


def source(path: str = "a.py", size: int = 10, changed: int = SECOND) -> SourceFile:
    return SourceFile(path, Path(path), size, changed, changed)


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
