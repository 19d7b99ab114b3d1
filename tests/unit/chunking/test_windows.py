"""Plain text in windows of lines."""

from __future__ import annotations

import pytest

from codecontext.chunking import ChunkingConfig, chunk_source
from codecontext.core import ChunkKind


def windows_of(text: str, path: str = "sample.txt", **limits: int) -> list[tuple[int, int]]:
    chunks = chunk_source(path, text.encode(), ChunkingConfig(**limits))
    return [(chunk.start_line, chunk.end_line) for chunk in chunks]


def numbered(count: int) -> str:
    return "".join(f"line {number}\n" for number in range(1, count + 1))


@pytest.mark.parametrize(
    ("lines", "windows"),
    [
        (0, []),
        (1, [(1, 1)]),
        (40, [(1, 40)]),
        (41, [(1, 40), (33, 41)]),
        (72, [(1, 40), (33, 72)]),
        (100, [(1, 40), (33, 72), (65, 100)]),
    ],
)
def test_windows_overlap(lines: int, windows: list[tuple[int, int]]) -> None:
    assert windows_of(numbered(lines)) == windows


def test_window_length_and_overlap_are_settings() -> None:
    assert windows_of(numbered(10), window_lines=4, window_overlap=0) == [(1, 4), (5, 8), (9, 10)]
    assert windows_of(numbered(5), window_lines=3, window_overlap=2) == [(1, 3), (2, 4), (3, 5)]


def test_long_lines_make_windows_shorter() -> None:
    text = "".join(f"{'word ' * 120}{number}\n" for number in range(6))
    assert windows_of(text, window_overlap=1) == [(1, 2), (2, 3), (3, 4), (4, 5), (5, 6)]


def test_overlap_gives_way_to_a_long_line() -> None:
    assert windows_of(f"short\n{'word ' * 500}\nshort\n") == [(1, 1), (2, 2), (3, 3)]


def test_line_longer_than_a_chunk_is_cut_after_spaces() -> None:
    line = "word " * 2000
    chunks = chunk_source("sample.txt", f"short\n{line}\nshort\n".encode())
    slices = [chunk.text for chunk in chunks if chunk.start_line == 2]
    assert "".join(slices) == line
    assert {len(text) for text in slices[:-1]} == {1800}


def test_windows_have_no_blank_edges_and_are_not_blank() -> None:
    assert windows_of("\n\nfirst\n" + "\n" * 60 + "last\n\n") == [(3, 3), (64, 64)]
    assert windows_of("\n---\n***\n") == []


def test_window_knows_its_language_and_no_symbol() -> None:
    (chunk,) = chunk_source("conf/app.yaml", b"a: 1\nb: 2\n")
    assert (chunk.path, chunk.language, chunk.kind, chunk.symbol) == ("conf/app.yaml", "yaml", ChunkKind.BLOCK, "")
