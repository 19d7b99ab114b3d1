"""Tables of one folder: writing, reading, filtering and the snapshot over them."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from codecontext.chunking import chunk_source
from codecontext.core.chunk import ChunkFilter
from codecontext.core.errors import IndexCorrupt, QueryError, StoreError
from codecontext.core.hashing import content_digest
from codecontext.indexing.rows import rows_of_chunks
from codecontext.store.index_store import FileRows, IndexStore
from codecontext.store.snapshot import take_snapshot

WEIGHTS = {"name_terms": 1.0, "path_terms": 1.0, "body_terms": 1.0}
SPACE = "0123456789abcdef"
FILES = {
    "src/auth.py": "def check_password(user):\n    return user.digest\n\n\ndef reset(user):\n    user.digest = None\n",
    "src/o'brien.go": 'package main\n\nfunc Greet() string { return "it\'s me" }\n',
    "tests/test_auth.py": "def test_reset():\n    assert reset(USER) is None\n",
}


def file_rows(path: str, text: str) -> FileRows:
    return FileRows(path, rows_of_chunks(chunk_source(path, text.encode()), digest_of(text)))


def digest_of(text: str) -> str:
    return content_digest(text)


@pytest.fixture
def store(tmp_path: Path) -> IndexStore:
    store = IndexStore(tmp_path / "index")
    store.replace_files([file_rows(path, text) for path, text in FILES.items()])
    store.ensure_text_index()
    return store


def found(store: IndexStore, term: str, where: ChunkFilter | None = None) -> set[str]:
    ids = [id_ for id_, _ in store.search_terms([term], WEIGHTS, limit=10, where=where)]
    return {row["path"] for row in store.chunk_columns(ids, ["path"]).values()}


def test_a_folder_without_tables_is_empty(tmp_path: Path) -> None:
    store = IndexStore(tmp_path / "none")
    assert not store.exists()
    assert store.catalogue().num_rows == 0
    assert store.file_digests() == {}
    assert store.search_terms(["x"], WEIGHTS, limit=5) == []
    assert store.vectors(SPACE)[1].shape == (0, 0)
    assert store.verify() == []
    assert len(take_snapshot(store, SPACE)) == 0


def test_every_field_is_searched(store: IndexStore) -> None:
    assert found(store, "greet") == {"src/o'brien.go"}
    assert found(store, "digest") == {"src/auth.py"}
    assert found(store, "tests") == {"tests/test_auth.py"}
    assert found(store, "nothing") == set()


def test_words_meet_in_their_stem(store: IndexStore) -> None:
    assert "src/auth.py" in found(store, "checking")


@pytest.mark.parametrize(
    ("where", "paths"),
    [
        (ChunkFilter(languages=("go",)), {"src/o'brien.go"}),
        (ChunkFilter(paths=("src/*.py",)), {"src/auth.py"}),
        (ChunkFilter(paths=("o'brien",)), {"src/o'brien.go"}),
        (ChunkFilter(paths=("!src/**",)), {"tests/test_auth.py"}),
        (ChunkFilter(paths=("src/**", "!*.go")), {"src/auth.py"}),
        (ChunkFilter(kinds=("function",), languages=("python",), paths=("tests",)), {"tests/test_auth.py"}),
        (ChunkFilter(languages=("cobol",)), set()),
        (ChunkFilter(languages=("!python",)), {"src/o'brien.go"}),
        (ChunkFilter(languages=("python", "go", "!go"), kinds=("!class",)), {"src/auth.py", "tests/test_auth.py"}),
        (ChunkFilter(kinds=("!function",)), set()),
        (ChunkFilter(paths=("**/*.{go,rs}",)), {"src/o'brien.go"}),
    ],
)
def test_filters(store: IndexStore, where: ChunkFilter, paths: set[str]) -> None:
    ids = store.matching_ids(where).to_pylist()
    assert {row["path"] for row in store.chunk_columns(ids, ["path"]).values()} == paths


def test_a_filter_applies_before_ranking(store: IndexStore) -> None:
    assert found(store, "reset", ChunkFilter(paths=("tests",))) == {"tests/test_auth.py"}


def test_replacing_a_file_leaves_the_others(store: IndexStore) -> None:
    changed = "def renamed():\n    pass\n"
    store.replace_files([file_rows("src/auth.py", changed)])
    assert store.file_digests() == {
        "src/auth.py": {digest_of(changed)},
        **{path: {digest_of(FILES[path])} for path in ("src/o'brien.go", "tests/test_auth.py")},
    }
    assert found(store, "renamed") == {"src/auth.py"}
    assert found(store, "check_password") == set()


def test_removed_and_emptied_files_answer_nothing(store: IndexStore) -> None:
    store.remove_files(["src/o'brien.go"])
    store.replace_files([FileRows("tests/test_auth.py", [])])
    assert set(store.file_digests()) == {"src/auth.py"}


def test_optimizing_changes_no_answer(store: IndexStore) -> None:
    store.replace_files([file_rows("src/new.py", "def brand_new():\n    pass\n")])
    before = store.search_terms(["new"], WEIGHTS, limit=10)
    store.optimize()
    assert [id_ for id_, _ in store.search_terms(["new"], WEIGHTS, limit=10)] == [id_ for id_, _ in before]


def test_the_snapshot_pairs_chunks_with_vectors(store: IndexStore) -> None:
    catalogue = store.catalogue()
    hashes = catalogue["content_hash"].to_pylist()
    vectors = np.eye(len(hashes), 4, dtype=np.float32)
    store.add_vectors(SPACE, hashes[:-1], vectors[:-1])
    snapshot = take_snapshot(store, SPACE)
    assert snapshot.coverage == pytest.approx(1 - 1 / len(hashes))
    scores = snapshot.similarities(np.array([0, 1, 0, 0], np.float32))
    best = int(np.nanargmax(scores))
    assert snapshot.row(best)["content_hash"] == hashes[1]
    without = snapshot.index_of_ids(pa.array([catalogue["id"].to_pylist()[-1], "unknown"]))
    assert np.isnan(scores[without[0]])
    assert without[1] == -1


def test_a_snapshot_knows_which_files_lack_vectors(store: IndexStore) -> None:
    catalogue = store.catalogue()
    missing = catalogue["path"].to_pylist().index("tests/test_auth.py")
    hashes = [value for row, value in enumerate(catalogue["content_hash"].to_pylist()) if row != missing]
    store.add_vectors(SPACE, hashes, np.ones((len(hashes), 4), np.float32))
    snapshot = take_snapshot(store, SPACE)
    assert snapshot.lacks_vectors({"tests/test_auth.py", "src/auth.py"})
    assert not snapshot.lacks_vectors({"src/auth.py", "not/there.py"})


def test_a_snapshot_is_current_until_somebody_writes(store: IndexStore) -> None:
    versions = store.versions(SPACE)
    assert store.versions(SPACE) == versions
    IndexStore(store.directory).remove_files(["src/auth.py"])
    assert store.versions(SPACE) != versions


def test_an_interrupted_write_shows_the_newest_rows_only(store: IndexStore, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = FILES["src/auth.py"].replace("digest", "secret")
    with monkeypatch.context() as patch:
        patch.setattr(IndexStore, "_delete", lambda *_: None)  # as if killed between adding and removing
        store.replace_files([file_rows("src/auth.py", changed)])
    assert store.file_digests()["src/auth.py"] == {digest_of(FILES["src/auth.py"]), digest_of(changed)}
    snapshot = take_snapshot(store, SPACE)
    rows = [snapshot.row(index) for index in range(len(snapshot)) if snapshot.row(index)["path"] == "src/auth.py"]
    assert len(rows) == 2


def test_vectors_of_a_dropped_space_are_gone(store: IndexStore) -> None:
    store.add_vectors(SPACE, ["a" * 32], np.ones((1, 4), np.float32))
    assert store.space_ids() == [SPACE]
    store.drop_space(SPACE)
    assert store.space_ids() == []
    assert store.vector_hashes(SPACE) == set()


def test_clearing_keeps_the_lock_file(store: IndexStore) -> None:
    lock = store.directory / "writer.lock"
    lock.touch()
    store.clear()
    assert not store.exists()
    assert lock.exists()


def test_clearing_goes_on_where_a_killed_process_left_off(store: IndexStore) -> None:
    (store.directory / "chunks.lance.gone" / "data").mkdir(parents=True)
    store.clear()
    assert [entry.name for entry in store.directory.iterdir() if entry.is_dir()] == []
    assert not store.exists()


def test_a_table_counts_from_its_first_version_on(store: IndexStore) -> None:
    versions = store.directory / "chunks.lance" / "_versions"
    versions.rename(versions.with_name("later"))
    assert store.catalogue().num_rows == 0
    versions.with_name("later").rename(versions)
    assert store.catalogue().num_rows > 0


BAD_CONDITIONS = [
    "regexp_like(path, '[z-a]')",
    "no_column = 1",
    "path = 'open",
    f"regexp_like(path, '{'(a{1000}){1000}'}')",
]


@pytest.mark.parametrize("condition", BAD_CONDITIONS, ids=["class", "column", "quote", "size"])
def test_a_question_at_fault_is_not_called_a_damaged_table(
    store: IndexStore, monkeypatch: pytest.MonkeyPatch, condition: str
) -> None:
    monkeypatch.setattr("codecontext.store.index_store.filter_sql", lambda _where: condition)
    with pytest.raises(QueryError, match="This search failed"):
        store.matching_ids(ChunkFilter(kinds=("class",)))
    with pytest.raises(QueryError, match="This search failed"):
        found(store, "digest", ChunkFilter(kinds=("class",)))


def test_a_damaged_table_is_called_that_whatever_was_asked(store: IndexStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in (store.directory / "chunks.lance" / "data").iterdir():
        file.write_bytes(b"")
    fresh = IndexStore(store.directory)
    with pytest.raises(IndexCorrupt):
        fresh.matching_ids(ChunkFilter(paths=("src/**",)))
    monkeypatch.setattr("codecontext.store.index_store.filter_sql", lambda _where: BAD_CONDITIONS[0])
    with pytest.raises(IndexCorrupt):
        fresh.matching_ids(ChunkFilter(paths=("src/**",)))


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (RuntimeError("lance error: IO: Too many open files (os error 24)"), StoreError),
        (OSError(errno.EMFILE, "Too many open files"), StoreError),
        (RuntimeError("Resources exhausted: Failed to allocate"), StoreError),
        (RuntimeError("lance error: Retryable commit conflict for version 7"), StoreError),
        (OSError(errno.ENOSPC, "No space left on device"), StoreError),
        (RuntimeError("lance error: Encountered corrupt file chunks.lance"), IndexCorrupt),
    ],
)
def test_only_what_is_said_about_the_data_is_damage(
    store: IndexStore, monkeypatch: pytest.MonkeyPatch, fault: Exception, kind: type[Exception]
) -> None:
    class Faulty:
        def search(self) -> None:
            raise fault

    monkeypatch.setattr(store, "_table", lambda _name: Faulty())
    with pytest.raises(kind):
        store.catalogue()


def test_a_shortage_of_the_system_sets_no_table_aside(store: IndexStore) -> None:
    """A real one: no file can be opened any more."""
    resource = pytest.importorskip("resource")
    fresh = IndexStore(store.directory)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    for allowed in range(3, 40):
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, limits[1]))
        try:
            damaged = IndexStore(store.directory).verify()
        except StoreError:
            damaged = []
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert damaged == []
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        with pytest.raises(StoreError):
            fresh.verify()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert fresh.verify() == []


def test_rows_are_newer_by_a_counter(store: IndexStore) -> None:
    def generations() -> set[int]:
        return set(store.catalogue()["written"].to_pylist())

    assert generations() == {1}
    store.replace_files([file_rows("src/new.py", "def new():\n    pass\n")])
    assert generations() == {1, 2}
    store.optimize(thorough=True)
    assert len(generations()) <= 2


def test_thorough_optimizing_changes_no_row_and_no_answer(store: IndexStore) -> None:
    store.replace_files([file_rows("src/new.py", "def brand_new():\n    return 'digest'\n")])
    store.remove_files(["tests/test_auth.py"])
    rows = sorted(store.rows(["id", "path", "text", "file_digest", "body_terms"]), key=lambda row: row["id"])
    store.optimize(thorough=True)
    assert sorted(store.rows(list(rows[0])), key=lambda row: row["id"]) == rows
    assert found(store, "digest") == {"src/auth.py", "src/new.py"}
    assert found(store, "reset") == {"src/auth.py"}
    assert len(list((store.directory / "chunks.lance" / "_versions").glob("*.manifest"))) == 1


def test_thorough_optimizing_forgets_what_an_interrupted_write_left(
    store: IndexStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(IndexStore, "_delete", lambda *_: None)  # as if killed between adding and removing
        store.replace_files([file_rows("src/auth.py", "def renamed():\n    pass\n")])
    store.remove_files(["src/o'brien.go"])
    store.optimize(thorough=True)
    assert {row["symbol"] for row in store.rows(["path", "symbol"]) if row["path"] == "src/auth.py"} == {"renamed"}
    assert found(store, "check_password") == set()


def test_emptied_tables_are_optimized_too(store: IndexStore) -> None:
    store.remove_files(list(FILES))
    store.optimize(thorough=True)
    assert store.catalogue().num_rows == 0
    store.replace_files([file_rows("src/auth.py", FILES["src/auth.py"])])
    store.optimize(thorough=True)
    assert found(store, "digest") == {"src/auth.py"}
