"""The ignore file reader against git itself, on fixed and on random patterns."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import pytest

from codecontext.indexing.ignore import IgnorePatterns, IgnoreTree

_NAMES = ["a", "b", "foo", "foo.py", "x.txt", "sp ace", "[z]", "#h", "!n", "tr ", "bs\\q", ".hid"]
_SEGMENTS = [
    *("*", "**", "?", "*.py", "f*", "*o", "foo*", ".*", "a**", "[ab]", "[!a]", "x.t?t"),
    *("a", "b", "foo", "foo.py", "sp ace", "tr\\ ", "\\#h", "\\!n", "[z]", "\\[z\\]", "bs\\\\q"),
]


Folder = Any  # the class of that name in conftest.py, which tests cannot import


@pytest.mark.parametrize("seed", range(25))
def test_random_ignore_files_mean_what_they_mean_to_git(repository: Folder, seed: int) -> None:
    chance = random.Random(seed)
    grow_random_tree(repository, chance)
    answer = repository.git("ls-files", "--others", "--exclude-standard", "-z")
    kept_by_git = {os.fsdecode(name) for name in answer.split(b"\0") if name}
    tree = IgnoreTree(repository.path, ".gitignore")
    assert {path for path in repository.all_files() if tree.covering_entry(path) is None} == kept_by_git


def grow_random_tree(folder: Folder, chance: random.Random) -> None:
    for _ in range(25):
        path = Path(*chance.choices(_NAMES, k=chance.choice([1, 2, 2, 3, 4])))
        under_a_file = any((folder.path / place).is_file() for place in path.parents)
        if not under_a_file and not (folder.path / path).exists():
            folder.write(path.as_posix())
    places = ["", *{f"{parent}/" for file in folder.all_files() for parent in Path(file).parents[:-1]}]
    for place in chance.sample(sorted(places), k=min(3, len(places))):
        lines = [random_pattern(chance) for _ in range(chance.randint(1, 5))]
        folder.write(f"{place}.gitignore", content="\n".join(lines))


def random_pattern(chance: random.Random) -> str:
    pattern = "/".join(chance.choices(_SEGMENTS, k=chance.choice([1, 1, 1, 2, 2, 3])))
    pattern = ("/" if chance.random() < 0.2 else "") + pattern + ("/" if chance.random() < 0.25 else "")
    pattern = ("!" if chance.random() < 0.3 else "") + pattern
    return pattern + chance.choice(["", "", "", "  ", "\r"])


@pytest.mark.parametrize(
    ("lines", "path", "verdict"),
    [
        (["*", "!*/", "!*.py"], "src/", False),
        (["*", "!*/", "!*.py"], "src/x.txt", True),
        (["*", "!*/", "!*.py"], "src/x.py", False),
        (["src/"], "src", None),
        (["src/"], "src/", True),
        (["src/**"], "src/", None),
        (["src/**"], "src/a/b", True),
        (["/x"], "a/x", None),
        (["a/x"], "b/a/x", None),
        (["**/a/x"], "b/a/x", True),
        (["x", "!x"], "x", False),
        (["# x"], "# x", None),
        (["x\\"], "x", None),
        (["a\\/"], "a/", None),
        (["/", "!", ""], "a", None),
    ],
)
def test_the_last_pattern_that_names_the_entry_itself_decides(
    lines: list[str], path: str, verdict: bool | None
) -> None:
    assert IgnorePatterns.of(lines).verdict(path.rstrip("/"), is_folder=path.endswith("/")) is verdict


def test_bytes_that_are_not_utf8_match_themselves(tmp_path: Path) -> None:
    (tmp_path / "rules").write_bytes(b"caf\xe9.py\n")
    patterns = IgnorePatterns.read(tmp_path / "rules")
    assert patterns is not None
    assert patterns.verdict(os.fsdecode(b"caf\xe9.py"), is_folder=False) is True


def test_a_missing_or_empty_ignore_file_has_no_patterns(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("# only words\n\n")
    assert IgnorePatterns.read(tmp_path / "missing") is None
    assert IgnorePatterns.read(tmp_path / "empty") is None
