"""JSON that somebody else wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from codecontext.core.json_file import MAX_NESTING, parse_json, read_json_file
from codecontext.core.reading import FileTooLarge


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_reads_what_editors_write(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.json").write_text('{"name": "Größe"}', encoding=encoding)

    assert read_json_file(tmp_path / "a.json") == {"name": "Größe"}


@pytest.mark.parametrize("levels", [1, MAX_NESTING])
def test_reads_what_is_nested(levels: int) -> None:
    assert parse_json(b"[" * levels + b"1" + b"]" * levels)


@pytest.mark.parametrize("content", [b"[" * 65 + b"]" * 65, b'{"a":' * 5000, b"[" * 100_000, b"", b"\xff", b"nul"])
def test_refuses_the_rest_as_a_value_error(content: bytes) -> None:
    with pytest.raises(ValueError):
        parse_json(content)


def test_reads_no_more_than_allowed(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b" " * 100 + b"1")

    with pytest.raises(FileTooLarge):
        read_json_file(tmp_path / "a.json", max_bytes=100)
