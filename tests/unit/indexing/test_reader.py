"""What becomes of one file that is read."""

from __future__ import annotations

import pickle
from pathlib import Path

from codecontext.chunking import ChunkingConfig
from codecontext.indexing.files import SkipReason, SourceFile
from codecontext.indexing.reader import FileReading, ReadRequest, read_file


def read(folder: Path, content: bytes, digests: frozenset[str] = frozenset()) -> FileReading:
    file = folder / "a.py"
    file.write_bytes(content)
    source = SourceFile("a.py", file, len(content), 1, 2)
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
    assert reading.skipped is not None
    assert reading.skipped.reason is SkipReason.BINARY


def test_a_file_that_is_gone_is_unreadable(tmp_path: Path) -> None:
    gone = SourceFile("gone.py", tmp_path / "gone.py", 1, 1, 1)
    reading = read_file(ReadRequest(gone), ChunkingConfig())
    assert reading.skipped is not None
    assert reading.skipped.reason is SkipReason.UNREADABLE


def test_a_request_can_be_sent_to_another_process(tmp_path: Path) -> None:
    request = ReadRequest(SourceFile("a.py", tmp_path / "a.py", 1, 1, 1), frozenset({"d"}))
    assert pickle.loads(pickle.dumps(request)) == request
