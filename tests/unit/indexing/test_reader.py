"""What becomes of one file that is read."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from codecontext.chunking import ChunkingConfig
from codecontext.indexing.files import Skipped, SkipReason, SourceFile
from codecontext.indexing.reader import FileReading, ReadRequest, read_file
from codecontext.indexing.scan import ScanConfig, scan_folder


def read(folder: Path, content: bytes, digests: frozenset[str] = frozenset()) -> FileReading:
    file = folder / "a.py"
    file.write_bytes(content)
    source = SourceFile("a.py", folder, len(content), 1, 2)
    return read_file(ReadRequest(source, digests), ChunkingConfig())


def test_source_gives_rows_and_a_stamp(tmp_path: Path) -> None:
    reading = read(tmp_path, b"def one():\n    return 1\n")
    assert reading.rows is not None
    assert [(row["path"], row["symbol"]) for row in reading.rows] == [("a.py", "one")]
    assert reading.stamp is not None
    assert (reading.stamp.chunks, reading.stamp.changed_ns, reading.skipped) == (1, 2, None)
    assert pickle.loads(pickle.dumps(reading)) == reading


def test_content_that_is_held_gives_a_stamp_only(tmp_path: Path) -> None:
    first = read(tmp_path, b"x = 1\n")
    assert first.stamp is not None
    assert read(tmp_path, b"x = 1\n", frozenset({first.stamp.digest})) == FileReading(stamp=first.stamp)
    interrupted = read(tmp_path, b"x = 1\n", frozenset({first.stamp.digest, "older"}))
    assert interrupted.rows == first.rows


def test_binary_content_must_be_forgotten(tmp_path: Path) -> None:
    reading = read(tmp_path, b"\0\1\2")
    assert (reading.rows, reading.stamp) == ([], None)
    assert reading.skipped == Skipped("a.py", SkipReason.BINARY)


def test_a_file_that_is_gone_is_unreadable(tmp_path: Path) -> None:
    gone = SourceFile("gone.py", tmp_path, 1, 1, 1)
    reading = read_file(ReadRequest(gone), ChunkingConfig())
    assert reading.skipped is not None
    assert reading.skipped.reason is SkipReason.UNREADABLE


def become_fifo(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def become_link(target: str) -> Callable[[Path], None]:
    def become(file: Path) -> None:
        file.unlink()
        file.symlink_to(target.format(outside=file.parents[2] / "outside.py"))

    return become


def become_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def become_linked_folder(file: Path) -> None:
    """The folder around it leads to another one, where there is a file of that name."""
    file.parent.rename(file.parents[2] / "elsewhere")
    file.parent.symlink_to(file.parents[2] / "elsewhere")


def become_huge(file: Path) -> None:
    with file.open("r+b") as stream:
        stream.truncate(1 << 40)


@pytest.mark.skipif(os.name == "nt", reason="no FIFOs there, and links need rights")
@pytest.mark.parametrize(
    ("change", "reason", "detail"),
    [
        (become_fifo, SkipReason.UNREADABLE, "is not a regular file"),
        (become_folder, SkipReason.UNREADABLE, "is not a regular file"),
        (become_link("/dev/zero"), SkipReason.UNREADABLE, "is a symbolic link"),
        (become_link("{outside}"), SkipReason.UNREADABLE, "is a symbolic link"),
        (become_link("a.py"), SkipReason.UNREADABLE, "is a symbolic link"),
        (become_linked_folder, SkipReason.UNREADABLE, "Not a directory"),
        (become_huge, SkipReason.TOO_LARGE, "is larger than 100 bytes"),
    ],
)
def test_what_a_file_became_since_the_scan_is_not_read(
    tmp_path: Path, change: Callable[[Path], None], reason: SkipReason, detail: str
) -> None:
    (tmp_path / "outside.py").write_text("private = 1\n")
    file = tmp_path / "project" / "inner" / "a.py"
    file.parent.mkdir(parents=True)
    file.write_text("x = 1\n")
    (found,) = scan_folder(tmp_path / "project", ScanConfig(max_file_bytes=100)).files
    change(file)
    reading = read_file(ReadRequest(found), ChunkingConfig())
    assert reading.rows == []
    assert reading.skipped == Skipped("inner/a.py", reason, detail)
    with pytest.raises(OSError, match=detail):
        found.read()


def test_a_request_can_be_sent_to_another_process(tmp_path: Path) -> None:
    request = ReadRequest(SourceFile("a.py", tmp_path, 1, 1, 1), frozenset({"d"}))
    assert pickle.loads(pickle.dumps(request)) == request
