"""Path filters as regular expressions."""

from __future__ import annotations

import re

import pytest

from codecontext.core.filters import ChunkFilter, path_pattern


@pytest.mark.parametrize(
    ("glob", "path", "matches"),
    [
        ("auth", "src/authentication/token.py", True),
        ("auth", "src/user.py", False),
        ("AUTH", "src/auth.py", True),
        ("a.b", "axb/c.py", False),
        ("*.py", "src/deep/a.py", True),
        ("*.py", "src/deep/a.pyi", False),
        ("src/*.py", "src/a.py", True),
        ("src/*.py", "src/deep/a.py", False),
        ("src/**/*.py", "src/a.py", True),
        ("src/**/*.py", "src/deep/er/a.py", True),
        ("src/**", "lib/src/a.py", True),
        ("/src/**", "lib/src/a.py", False),
        ("test?", "test1/a.py", True),
        ("test[12]*", "test2_x/a.py", True),
        ("test[!12]*", "test2_x/a.py", False),
        ("./src/*.py", "src/a.py", True),
    ],
)
def test_path_pattern(glob: str, path: str, *, matches: bool) -> None:
    assert bool(re.search(path_pattern(glob), path)) is matches


def test_a_filter_without_conditions_is_false() -> None:
    assert not ChunkFilter()
    assert ChunkFilter(languages=("python",))
