"""Hits are held against the file as it is now."""

from __future__ import annotations

from pathlib import Path

import pytest

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
    assert locate(file, 2, 3, TEXT) == expected


def test_of_two_places_the_nearer_one_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text(f"{TEXT}\n" + "\n" * 10 + f"{TEXT}\n", encoding="utf-8")
    found = locate(file, 11, 12, TEXT)
    assert found is not None
    assert found.start_line == 13


def test_a_part_of_a_very_long_line_is_fresh(tmp_path: Path) -> None:
    file = tmp_path / "data.json"
    file.write_text("[1, 2, 3, 4, 5, 6]\n", encoding="utf-8")
    assert locate(file, 1, 1, "3, 4,") == Snippet(1, 1, "3, 4,", Freshness.FRESH)


def test_a_deleted_file_has_no_snippet(tmp_path: Path) -> None:
    assert locate(tmp_path / "gone.py", 2, 3, TEXT) is None
