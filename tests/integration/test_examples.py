"""The Python that the README shows does what it says."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def test_the_example_of_the_readme_prints_hits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop = shutil.copytree(ROOT / "tests" / "samples" / "shop", tmp_path / "shop")
    (example,) = re.findall(
        r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    example = example.replace("path/to/project", str(shop)).replace(
        "where are sessions stored", "take the lock exclusively"
    )
    exec(example, {})
    best, *_ = capsys.readouterr().out.splitlines()
    assert best == "app/locks.py 1 hold_lock"  # the head of the file belongs to its first function
