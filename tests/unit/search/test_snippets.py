"""Hits are held against the file as it is now."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from codecontext.chunking import chunk_source
from codecontext.search.results import Freshness
from codecontext.search.snippets import Snippet, locate

TEXT = "def one():\n    return 1"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (f"import os\n{TEXT}\n", Snippet(2, 3, TEXT, Freshness.FRESH)),
        (f"import os\r\n{TEXT}\r\n".replace("1():\n", "1():\r\n"), Snippet(2, 3, TEXT, Freshness.FRESH)),
        (f"# a\n# b\n# c\n{TEXT}\n", Snippet(4, 5, TEXT, Freshness.MOVED)),
        ("import os\ndef one():\n    return 2\n", Snippet(2, 3, "def one():\n    return 2", Freshness.CHANGED)),
        ("short", Snippet(1, 1, "short", Freshness.CHANGED)),
        ("", Snippet(1, 1, "", Freshness.CHANGED)),
    ],
)
def test_locate(tmp_path: Path, content: str, expected: Snippet) -> None:
    file = tmp_path / "a.py"
    file.write_bytes(content.encode())
    assert locate(tmp_path, file.name, 2, 3, TEXT) == expected


def test_of_two_places_the_nearer_one_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text(f"{TEXT}\n" + "\n" * 10 + f"{TEXT}\n", encoding="utf-8")
    found = locate(tmp_path, file.name, 11, 12, TEXT)
    assert found is not None
    assert found.start_line == 13


def test_a_part_of_a_very_long_line_is_fresh(tmp_path: Path) -> None:
    file = tmp_path / "data.json"
    file.write_text("[1, 2, 3, 4, 5, 6]\n", encoding="utf-8")
    assert locate(tmp_path, file.name, 1, 1, "3, 4,") == Snippet(1, 1, "3, 4,", Freshness.FRESH)


def test_a_deleted_file_has_no_snippet(tmp_path: Path) -> None:
    assert locate(tmp_path, "gone.py", 2, 3, TEXT) is None


def test_what_became_a_pipe_a_device_or_a_folder_has_no_snippet(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "device.py").symlink_to("/dev/zero")
    (tmp_path / "folder.py").mkdir()
    for name in ("pipe.py", "device.py", "folder.py"):
        assert locate(tmp_path, name, 2, 3, TEXT) is None


def test_nothing_outside_the_folder_is_shown(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "src").mkdir(parents=True)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.py").write_text(f"import os\n{TEXT}\n", encoding="utf-8")
    (folder / "a.py").symlink_to(outside / "a.py")
    (folder / "lib").symlink_to(outside)
    for path in ("a.py", "lib/a.py", "../outside/a.py", "src/../../outside/a.py", str(outside / "a.py")):
        assert locate(folder, path, 2, 3, TEXT) is None


def test_the_folder_itself_may_be_reached_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.py").write_text(f"import os\n{TEXT}\n", encoding="utf-8")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert locate(tmp_path / "link", "a.py", 2, 3, TEXT) == Snippet(2, 3, TEXT, Freshness.FRESH)


def notebook(*before: str, indent: int | None = 1) -> str:
    plot = {"cell_type": "code", "outputs": [{"data": {"image/png": "QUJD"}}], "source": ["plot()"]}
    cells = [*before, TEXT]
    return json.dumps({"cells": [plot, *({"source": cell.splitlines(keepends=True)} for cell in cells)]}, indent=indent)


@pytest.mark.parametrize("indent", [1, None], ids=["a line for each", "all on one line"])
def test_a_cell_of_a_notebook_is_found_where_its_source_stands(tmp_path: Path, indent: int | None) -> None:
    file = tmp_path / "a.ipynb"
    file.write_text(notebook(indent=indent), encoding="utf-8")
    (*_, chunk) = chunk_source("a.ipynb", file.read_bytes())
    fresh = locate(tmp_path, file.name, chunk.start_line, chunk.end_line, chunk.text)
    assert fresh == Snippet(chunk.start_line, chunk.end_line, TEXT, Freshness.FRESH)

    text = notebook("import os", indent=indent)
    file.write_text(f"\n\n{text}", encoding="utf-8")
    moved = locate(tmp_path, file.name, chunk.start_line, chunk.end_line, chunk.text)
    assert moved is not None
    assert (moved.text, moved.freshness) == (TEXT, Freshness.MOVED)
    assert "def one" in file.read_text("utf-8").split("\n")[moved.start_line - 1]

    file.write_text(notebook(indent=indent).replace("return 1", "return 2"), encoding="utf-8")
    changed = locate(tmp_path, file.name, chunk.start_line, chunk.end_line, chunk.text)
    assert changed is not None
    assert changed.freshness is Freshness.CHANGED
    assert "return 2" in changed.text
    assert "QUJD" not in changed.text
