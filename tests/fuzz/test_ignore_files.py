"""Ignore files of any content: they mean what they mean to git, and never take long."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codecontext.core.errors import ConfigError
from codecontext.indexing.gitignore import Rules, parse_rules
from codecontext.indexing.ignore import IgnorePatterns, IgnoreTree
from fuzz.bounds import FUZZ

TOKENS = [
    *(b"*", b"**", b"?", b"/", b"/", b"**/", b"/**", b"!", b"#", b"\\", b" ", b"\\ ", b"\r", b"\t"),
    *(b"[", b"]", b"-", b"^", b"[a-c]", b"[!a]", b"[^b]", b"[c-a]", b"[]a]", b"[[:alpha:]]", b"[[:space:]-]", b"[:"),
    *(b"a", b"b", b"c", b"ab", b".py", b".", b"\xff", "\u00e9".encode()),
]
LINES = st.lists(st.lists(st.sampled_from(TOKENS), min_size=1, max_size=7).map(b"".join), min_size=1, max_size=6)
NAMES = st.lists(
    st.sampled_from(
        [b"a", b"b", b"c", b"*", b"?", b"[", b"]", b"-", b"\\", b"!", b"#", b" ", b".py", b"\xff", b"\xc3\xa9"]
    ),
    min_size=1,
    max_size=4,
).map(b"".join)
PATHS = st.lists(st.lists(NAMES, min_size=1, max_size=4).map(b"/".join), min_size=1, max_size=25, unique=True)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ignore")
    subprocess.run(["git", "init", "--quiet", "--template="], cwd=folder, check=True)
    return folder


def ignored_by_git(repository: Path, paths: list[bytes]) -> set[bytes]:
    """What ``git check-ignore`` says; none of the paths exists, so each is a file to it."""
    command = ["git", "check-ignore", "--no-index", "--verbose", "--non-matching", "-z", "--stdin"]
    answer = subprocess.run(command, cwd=repository, input=b"\0".join(paths), capture_output=True)
    assert answer.returncode in (0, 1), answer.stderr
    fields = answer.stdout.split(b"\0")
    return {
        path
        for source, rule, path in zip(fields[::4], fields[2::4], fields[3::4], strict=False)
        if source and not rule.startswith(b"!")
    }


@FUZZ
@given(LINES, PATHS)
def test_a_file_is_ignored_where_git_ignores_it(repository: Path, lines: list[bytes], paths: list[bytes]) -> None:
    (repository / ".gitignore").write_bytes(b"\n".join(lines))
    tree = IgnoreTree(repository, ".gitignore")
    ours = {path for path in paths if tree.covering_entry(os.fsdecode(path)) is not None}
    assert ours == ignored_by_git(repository, paths)


@FUZZ
@given(st.binary(max_size=300))
def test_any_content_is_followed_or_refused_with_a_sentence(tmp_path: Path, content: bytes) -> None:
    said: list[str] = []
    for name in (".gitignore", ".codecontextignore"):
        (tmp_path / name).write_bytes(content)
        patterns = read_or_refuse(tmp_path / name, said)
        assert patterns is None or patterns.verdict("a/b.py", is_folder=False) in (True, False, None)
    assert all(str(tmp_path) in sentence for sentence in said)


def read_or_refuse(path: Path, said: list[str]) -> IgnorePatterns | None:
    """Only our own ignore file stops a run."""
    if path.name == ".gitignore":
        return IgnorePatterns.read(path, said.append)
    try:
        return IgnorePatterns.read(path, said.append)
    except ConfigError as error:
        said.append(error.message)
        return None


COSTLY = st.lists(
    st.sampled_from([b"*", b"*a", b"?", b"**/", b"[!a]", b"[a-y]", b"a", b"*a*a*a", b"???", b"/", b"\\a"]),
    min_size=1,
    max_size=400,
).map(b"".join)


@FUZZ
@given(st.lists(COSTLY, min_size=1, max_size=20), st.sampled_from(["a", "\u00e9", "ab", "\udcff"]), st.booleans())
def test_matching_takes_no_longer_than_rules_and_name_are(lines: list[bytes], unit: str, deep: bool) -> None:
    rules = Rules(parse_rules(lines * 5).rules)
    name = (unit * 255)[:255]
    path = "/".join([name] * 12) if deep else name
    assert rules.verdict(path, is_folder=False) in (True, False, None)
