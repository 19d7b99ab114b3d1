"""Filters of a search: any text gets an answer or one sentence, and the name of a path finds that path."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from codecontext.core.chunk import ChunkFilter
from codecontext.core.errors import QueryError
from codecontext.core.globs import escaped, path_pattern, split_alternatives
from codecontext.core.hashing import content_digest
from codecontext.core.patterns import compile_pattern
from codecontext.search.query import parse_query
from codecontext.store.index_store import IndexStore
from codecontext.store.records import FileRows, FileStamp
from codecontext.store.snapshot import Snapshot, take_snapshot
from codecontext.store.terms import TERM_FIELDS
from fuzz.bounds import FUZZ

ODD_PATHS = (
    "app/[slug]/page.tsx",
    "app/[[...catch]]/page.tsx",
    "app/(shop)/@modal/(.)cart/page.tsx",
    "app/[a-z]/x.py",
    "app/[z-a]/x.py",
    "app/[!]/x.py",
    "{{cookiecutter.name}}/setup.py",
    "a,b/{c,d}.py",
    "back\\slash/[x].py",
    "*/?.py",
    'it\'s "quoted"/a b.py',
    "-dash/!bang.py",
    "C#/C++.cs",
    "über/größe.py",
    "日本/コード.py",
    "new\nline.py",
    "src/auth/token.py",
    "$HOME/^start|end.py",
)
GLOBS = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="abz/.*?[]{}!,\\-^$|()&~ #:'\"", max_size=60),
    st.lists(
        st.sampled_from(["[", "]", "{", "}", ",", "*", "**/", "?", "!", "a", "z-a", "[:alpha:]", "[:x:]", "/", "\\"]),
        max_size=40,
    ).map("".join),
    st.builds(
        lambda path, start, end, text: path[:start] + text + path[end:],
        st.sampled_from(ODD_PATHS),
        st.integers(0, 30),
        st.integers(0, 30),
        st.text(alphabet="[]{}*?!\\/", max_size=4),
    ),
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> IndexStore:
    store = IndexStore(tmp_path_factory.mktemp("filters") / "index")
    store.replace_files([FileRows(path, [_row(path)], FileStamp(1, 1, path, 1)) for path in ODD_PATHS])
    return store


@pytest.fixture(scope="module")
def snapshot(store: IndexStore) -> Snapshot:
    return take_snapshot(store, "none")


def _row(path: str) -> dict[str, object]:
    texts = dict.fromkeys(("symbol", "qualified_name", "signature", "doc", "text", *TERM_FIELDS), "")
    lines = {"start_line": 1, "end_line": 1}
    about = {"path": path, "language": "python", "kind": "module", "content_hash": content_digest(path)}
    return texts | lines | about | {"body_terms": "cart"}


def paths_of(store: IndexStore, snapshot: Snapshot, where: ChunkFilter) -> set[str]:
    """The paths that a filter lets through, which are the same for words and for meaning."""
    mask, words = snapshot.select(where.with_literal_paths(snapshot.has_path))
    found = store.search_terms(["cart"], {"body_terms": 1.0}, limit=100, where=words)
    by_words = snapshot.rows_at([match.file for match in found], [match.ordinal for match in found])
    assert set(by_words.tolist()) == set(mask.nonzero()[0].tolist())
    return set(snapshot.paths_of(mask.nonzero()[0]))


@FUZZ
@given(GLOBS)
@example("[" * 999)
@example("{[" * 499)
@example("{" * 900)
@example("{a," * 300)
@example("**/*a" * 30)
@example("?" * 64)
@example("[\\/-\\/]")
@example("[+-9]")
@example("[\\]-a]")
@example("\ud800")
@example("\0")
def test_any_filter_is_answered_or_refused_in_a_sentence(store: IndexStore, snapshot: Snapshot, text: str) -> None:
    try:
        wanted = paths_of(store, snapshot, ChunkFilter(paths=(f"./{text}",)))
    except QueryError as error:
        refused = error.message
    else:
        refused = ""
    assert not refused or refused.endswith(".")
    if refused:
        return
    others = paths_of(store, snapshot, ChunkFilter(paths=(f"!./{text}",)))
    assert wanted | others == set(ODD_PATHS)
    assert not wanted & others


@FUZZ
@given(GLOBS)
def test_python_and_re2_read_the_same_expression(text: str) -> None:
    try:
        pattern = path_pattern(text)
    except QueryError:
        return
    for path in ODD_PATHS:
        assert bool(re.search(pattern, path)) == compile_pattern(pattern).is_in(path)


@pytest.mark.parametrize("path", ODD_PATHS)
def test_a_path_finds_itself_and_so_does_each_folder_of_it(store: IndexStore, snapshot: Snapshot, path: str) -> None:
    parts = path.split("/")
    for end in range(1, len(parts) + 1):
        text = "/".join(parts[:end])
        assert path in paths_of(store, snapshot, ChunkFilter(paths=(text,)))
        assert path in paths_of(store, snapshot, ChunkFilter(paths=(f"/{text}",)))
        assert path not in paths_of(store, snapshot, ChunkFilter(paths=(f"!{text}",)))


@pytest.mark.parametrize("path", ODD_PATHS)
def test_an_escaped_path_finds_nothing_else(store: IndexStore, snapshot: Snapshot, path: str) -> None:
    assert paths_of(store, snapshot, ChunkFilter(paths=(f"/{escaped(path)}",))) == {path}


@FUZZ
@given(st.lists(st.sampled_from(ODD_PATHS), min_size=1, max_size=4))
def test_escaped_alternatives_are_cut_apart_again(paths: list[str]) -> None:
    assert split_alternatives(",".join(map(escaped, paths))) == list(map(escaped, paths))


@FUZZ
@given(st.text(max_size=80), st.sampled_from(["lang:", "-lang:", "path:", "-path:", "kind:", "-kind:", ""]), GLOBS)
def test_any_query_is_parsed_or_refused_in_a_sentence(words: str, name: str, value: str) -> None:
    message = ""
    try:
        parse_query(f"{words} {name}{value}")
    except QueryError as error:
        message = error.message
    assert not message or message.endswith(".")
