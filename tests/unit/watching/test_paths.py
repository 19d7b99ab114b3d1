"""Which changed paths matter to an index."""

from __future__ import annotations

import os

import pytest

from codecontext.watching.paths import is_relevant


@pytest.mark.parametrize("path", ["main.py", "src/main.py", "new", ".git/HEAD", "sub/.git/HEAD", ".git/info/exclude"])
def test_source_and_the_state_of_a_repository_matter(path: str) -> None:
    assert is_relevant(path)


@pytest.mark.parametrize(
    "path",
    [
        *(".git", ".git/index", ".hg/store", "node_modules/x.js", "web/bower_components/x.js", ".venv/x.py"),
        *("src/__pycache__/x.pyc", "node_modules/.git/HEAD", os.fsdecode(b"old-\xff.py")),
    ],
)
def test_dependencies_caches_and_names_that_are_not_utf8_do_not(path: str) -> None:
    assert not is_relevant(path)
