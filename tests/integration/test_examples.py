"""The Python that the documents show does what they say."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SHOP = ROOT / "tests" / "samples" / "shop"


def python_blocks(document: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", (ROOT / document).read_text("utf-8"), re.MULTILINE | re.DOTALL)


def test_the_example_of_the_readme_prints_hits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop = shutil.copytree(SHOP, tmp_path / "shop")
    (example,) = python_blocks("README.md")
    example = example.replace("path/to/project", str(shop)).replace(
        "where are sessions stored", "take the lock exclusively"
    )
    exec(example, {})
    best, *_ = capsys.readouterr().out.splitlines()
    assert best == "app/locks.py 1 hold_lock"  # the head of the file belongs to its first function


def test_the_page_of_the_library_begins_with_the_same_example_and_shows_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, search, mistake = python_blocks("docs/library.md")
    assert [first] == python_blocks("README.md")
    shop = shutil.copytree(SHOP, tmp_path / "shop")
    inside = f"    {search}\n{mistake}".replace("\n", "\n    ")
    exec(first.replace("path/to/project", str(shop)) + inside, {})
    assert "'nonsense' is not a language" in capsys.readouterr().out
