"""The index of one folder: writing, reading, filtering, and what survives a fault."""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from codecontext.core.chunk import ChunkFilter
from codecontext.core.errors import IndexCorrupt, StoreError
from codecontext.core.hashing import content_digest
from codecontext.store.index_store import IndexStore
from codecontext.store.records import FileRows, FileStamp, SkippedEntry
from codecontext.store.snapshot import take_snapshot
from indexes import chunks_of, digests_of, file_rows, hashes_of, index_files, vectors_of, write_vectors

WEIGHTS = {"name_terms": 1.0, "path_terms": 1.0, "body_terms": 1.0}
SPACE = "0123456789abcdef"
FILES = {
    "src/auth.py": "def check_password(user):\n    return user.digest\n\n\ndef reset(user):\n    user.digest = None\n",
    "src/o'brien.go": 'package main\n\nfunc Greet() string { return "it\'s me" }\n',
    "tests/test_auth.py": "def test_reset():\n    assert reset(USER) is None\n",
}


@pytest.fixture
def store(tmp_path: Path) -> IndexStore:
    store = IndexStore(tmp_path / "index")
    store.replace_files([file_rows(path, text) for path, text in FILES.items()])
    return store


def found(store: IndexStore, term: str, where: ChunkFilter | None = None) -> set[str]:
    snapshot = take_snapshot(store, SPACE)
    words = snapshot.select(where)[1] if where else None
    matches = store.search_terms([term], WEIGHTS, limit=10, where=words)
    rows = snapshot.rows_at([match.file for match in matches], [match.ordinal for match in matches])
    return set(snapshot.paths_of(rows[rows >= 0]))


def embed_all(store: IndexStore) -> None:
    generator = np.random.default_rng(1)
    vectors = {value: generator.normal(size=8).astype(np.float32) for value in hashes_of(store)}
    write_vectors(store, SPACE, {value: vector / np.linalg.norm(vector) for value, vector in vectors.items()})


def test_a_folder_without_an_index_is_empty(tmp_path: Path) -> None:
    store = IndexStore(tmp_path / "none")
    assert not store.has_index()
    assert not store.is_outdated()
    assert store.stamps() == {}
    assert store.skipped() == []
    assert store.search_terms(["x"], WEIGHTS, limit=5) == []
    assert store.vectors(SPACE) is None
    assert store.damaged() == []
    assert len(take_snapshot(store, SPACE)) == 0
    assert not (tmp_path / "none").exists()


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
    snapshot = take_snapshot(store, SPACE)
    mask, _words = snapshot.select(where)
    assert set(snapshot.paths_of(np.flatnonzero(mask))) == paths
    everywhere = {path for term in ("auth", "greet", "reset") for path in found(store, term, where)}
    assert everywhere == paths


def test_a_filter_applies_before_ranking(store: IndexStore) -> None:
    assert found(store, "reset", ChunkFilter(paths=("tests",))) == {"tests/test_auth.py"}


def test_replacing_a_file_leaves_the_others(store: IndexStore) -> None:
    changed = "def renamed():\n    pass\n"
    store.replace_files([file_rows("src/auth.py", changed)])
    assert digests_of(store) == {
        "src/auth.py": content_digest(changed),
        **{path: content_digest(FILES[path]) for path in ("src/o'brien.go", "tests/test_auth.py")},
    }
    assert found(store, "renamed") == {"src/auth.py"}
    assert found(store, "check_password") == set()


def test_removed_and_emptied_files_answer_nothing(store: IndexStore) -> None:
    store.remove_files(["src/o'brien.go", "not/there.py"])
    store.replace_files([FileRows("tests/test_auth.py", [], FileStamp(0, 1, "empty", 0))])
    assert {row[0] for row in chunks_of(store)} == {"src/auth.py"}
    assert set(store.stamps()) == {"src/auth.py", "tests/test_auth.py"}
    assert (store.state().files, store.state().chunks) == (2, 2)


def test_scopes_are_paths_and_what_is_below_them(store: IndexStore) -> None:
    assert set(store.stamps(["src"])) == {"src/auth.py", "src/o'brien.go"}
    assert set(store.stamps(["src/auth.py", "tests", "te"])) == {"src/auth.py", "tests/test_auth.py"}
    assert {file.path for file in store.files(["src/auth.py"])} == {"src/auth.py"}
    assert set(store.stamps([""])) == set(FILES)


def test_what_is_skipped_is_replaced_in_its_scope_only(store: IndexStore) -> None:
    kept = SkippedEntry("other/b.bin", "binary")
    store.set_skipped(None, [SkippedEntry("build/", "excluded"), SkippedEntry("build/x", "empty"), kept])
    assert store.skipped_among(["build", "other"]) == ["build/"]
    store.set_skipped(["build"], [SkippedEntry("build/y", "secret", "a key", 3, 4, settled=True)])
    assert store.skipped() == [SkippedEntry("build/y", "secret", "a key", 3, 4, settled=True), kept]
    assert store.skipped_by_reason() == {"binary": 1, "secret": 1}


def test_equal_contents_share_a_slot_until_the_last_is_gone(store: IndexStore) -> None:
    text = "def same():\n    return 1\n"
    store.replace_files([file_rows("one.py", text), file_rows("two.py", text)])
    (one,) = (row[-1] for row in chunks_of(store) if row[0] == "one.py")
    write_vectors(store, SPACE, {one: np.ones(4, np.float32)})
    (slot,) = (
        slot for slot, value in store.hashes(take_snapshot(store, SPACE).slots().tolist()).items() if value == one
    )
    store.remove_files(["one.py"])
    assert set(vectors_of(store, SPACE)) == {one}
    store.remove_files(["two.py"])
    assert store.hashes([slot]) == {}
    assert vectors_of(store, SPACE) == {}


def test_a_slot_that_is_used_again_has_no_vector(store: IndexStore) -> None:
    embed_all(store)
    slots = take_snapshot(store, SPACE).slots().tolist()
    store.remove_files(["src/auth.py"])
    store.replace_files([file_rows("new.py", "def brand_new():\n    return 3\n")])
    snapshot = take_snapshot(store, SPACE)
    (row,) = snapshot.rows_of("new.py").tolist()
    assert snapshot.slots(np.array([row]))[0] in slots
    assert not snapshot.has_vector(np.array([row])).any()


def test_what_a_power_cut_took_back_is_not_taken_for_what_comes(store: IndexStore, tmp_path: Path) -> None:
    """The database is as it was before a write; words and vectors have it already."""
    store.tidy()
    store.close()
    before = (store.directory / "index.sqlite").read_bytes()
    lost = {f"lost/{number}.py": f"def lost_{number}():\n    return 'lost'\n" for number in range(4)}
    store.replace_files([file_rows(path, text) for path, text in lost.items()])
    embed_all(store)
    store.close()
    for companion in store.directory.glob("index.sqlite-*"):
        companion.unlink()
    (store.directory / "index.sqlite").write_bytes(before)
    fresh = IndexStore(store.directory)
    fresh.replace_files([file_rows(f"new/{number}.py", f"def new_{number}():\n    pass\n") for number in range(4)])
    assert found(fresh, "lost") == set()
    assert found(fresh, "new") == {f"new/{number}.py" for number in range(4)}
    assert vectors_of(fresh, SPACE).keys() <= {row[-1] for row in chunks_of(fresh) if row[0] in FILES}
    assert fresh.catch_up_words() is None
    assert len(fresh.search_terms(["new"], WEIGHTS, limit=50)) == 4


def test_the_snapshot_pairs_chunks_with_vectors(store: IndexStore) -> None:
    hashes = hashes_of(store)
    vectors = np.eye(len(hashes), 4, dtype=np.float32)
    write_vectors(store, SPACE, dict(zip(hashes[:-1], vectors[:-1], strict=True)))
    snapshot = take_snapshot(store, SPACE)
    assert snapshot.coverage == pytest.approx(1 - 1 / len(hashes))
    scores = snapshot.similarities(np.array([0, 1, 0, 0], np.float32), np.arange(len(snapshot)))
    assert int(np.nanargmax(scores)) == 1
    assert np.isnan(scores[-1])
    assert snapshot.nearest(np.array([0, 1, 0, 0], np.float32), 1).tolist() == [1]


def test_a_snapshot_knows_which_files_lack_vectors(store: IndexStore) -> None:
    vectors = {row[-1]: np.ones(4, np.float32) for row in chunks_of(store) if row[0] != "tests/test_auth.py"}
    write_vectors(store, SPACE, vectors)
    snapshot = take_snapshot(store, SPACE)
    assert snapshot.lacks_vectors({"tests/test_auth.py", "src/auth.py"})
    assert not snapshot.lacks_vectors({"src/auth.py", "not/there.py"})


def test_a_snapshot_is_current_until_somebody_writes(store: IndexStore) -> None:
    store.release()
    versions = store.versions(SPACE)
    assert store.versions(SPACE) == versions
    IndexStore(store.directory).remove_files(["src/auth.py"])
    assert store.versions(SPACE) != versions
    embedded = store.versions(SPACE)
    embed_all(store)
    assert store.versions(SPACE) != embedded


def test_a_patched_snapshot_is_like_one_that_was_read_in_full(store: IndexStore) -> None:
    """Random edits, so that removed, replaced and new files come at every place of the order."""
    generator = random.Random(4)
    names = [f"{folder}/{letter}.py" for folder in ("a", "m", "z") for letter in "abcdefgh"]
    store.replace_files([file_rows(name, f"def f_{number}():\n    pass\n") for number, name in enumerate(names)])
    known = take_snapshot(store, SPACE)
    for step in range(40):
        chosen = generator.sample(names, generator.randint(1, 5))
        text = "\n\n".join(f"def f_{step}_{number}():\n    pass\n" for number in range(generator.randint(1, 3)))
        if generator.random() < 0.4:
            store.remove_files(chosen)
        else:
            store.replace_files([file_rows(name, text) for name in chosen])
        if generator.random() < 0.7:  # else it is two steps behind
            known = take_snapshot(store, SPACE, known)
            fresh = take_snapshot(store, SPACE)
            assert (known.versions, known.paths) == (fresh.versions, fresh.paths)
            assert known.files.tolist() == fresh.files.tolist()
            assert known.first_rows.tolist() == fresh.first_rows.tolist()
            assert known.layout.tolist() == fresh.layout.tolist()


def test_a_snapshot_too_old_to_patch_is_read_in_full(store: IndexStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codecontext.store.change._REMOVED_KEPT", 4)
    known = take_snapshot(store, SPACE)
    for number in range(12):
        store.replace_files([file_rows("src/auth.py", f"def f_{number}():\n    pass\n")])
    assert store.changes(SPACE, known.versions[0]).removed is None
    assert take_snapshot(store, SPACE, known).paths == take_snapshot(store, SPACE).paths


def test_vectors_of_a_dropped_space_are_gone(store: IndexStore) -> None:
    embed_all(store)
    store.set_spaces([SPACE, "other"])
    assert store.state().spaces == [SPACE, "other"]
    store.set_spaces(["other"])
    assert vectors_of(store, SPACE) == {}
    assert index_files(store.directory, "vectors") == []


def test_a_space_that_was_half_dropped_comes_back_empty(store: IndexStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the process was killed before it deleted the files; its slots belong to others by then."""
    embed_all(store)
    with monkeypatch.context() as patch:
        patch.setattr("codecontext.store.space_files.SpaceFiles.keep_only", lambda *_: None)
        store.set_spaces(["other"])
    assert index_files(store.directory, "vectors")
    store.remove_files(list(FILES))
    store.replace_files([file_rows(f"new/{number}.py", f"def new_{number}():\n    pass\n") for number in range(3)])
    first, *_others = hashes_of(store)
    write_vectors(store, SPACE, {first: np.ones(8, np.float32)})
    assert set(vectors_of(store, SPACE)) == {first}


def test_clearing_keeps_the_lock_file(store: IndexStore) -> None:
    embed_all(store)
    known = take_snapshot(store, SPACE)
    lock = store.directory / "writer.lock"
    lock.touch()
    store.clear()
    assert not store.has_index()
    assert lock.exists()
    store.replace_files([file_rows("src/auth.py", FILES["src/auth.py"])])
    assert take_snapshot(store, SPACE, known).paths == ["src/auth.py"]
    assert vectors_of(store, SPACE) == {}
    assert found(store, "digest") == {"src/auth.py"}


def test_what_earlier_versions_made_is_recognised_and_cleared(tmp_path: Path) -> None:
    store = IndexStore(tmp_path / "index")
    (store.directory / "chunks.lance" / "data").mkdir(parents=True)
    (store.directory / "manifest.json").write_text('{"folder": "/src/shop"}', encoding="utf-8")
    assert not store.has_index()
    assert store.is_outdated()
    assert store.folder() == "/src/shop"
    assert store.repair() == ["The index was made by an earlier version, so it was rebuilt."]
    assert not store.is_outdated()
    assert list(store.directory.glob("*")) == []


def test_tables_of_another_version_are_made_anew(store: IndexStore) -> None:
    with sqlite3.connect(store.directory / "index.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    other = IndexStore(store.directory)
    assert other.is_outdated()
    assert not other.has_index()
    assert other.repair() == ["The index was made by an earlier version, so it was rebuilt."]
    other.replace_files([file_rows("src/auth.py", FILES["src/auth.py"])])
    assert found(other, "digest") == {"src/auth.py"}


def overwrite(file: Path) -> None:
    file.write_bytes(os.urandom(file.stat().st_size))


def empty(file: Path) -> None:
    file.write_bytes(b"")


def halve(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


@pytest.mark.parametrize("damage", [overwrite, empty, halve, Path.unlink])
@pytest.mark.parametrize("part", ["index", "words", "vectors"])
def test_damage_is_noticed_and_repaired(store: IndexStore, part: str, damage: Callable[[Path], object]) -> None:
    embed_all(store)
    store.tidy()
    store.close()
    before = chunks_of(store), vectors_of(store, SPACE)
    store.close()
    for file in index_files(store.directory, part):
        damage(file)
    if part == "index":
        for companion in store.directory.glob("index.sqlite-*"):
            companion.unlink()
    fresh = IndexStore(store.directory)
    is_gone = part == "index" and damage not in (overwrite, halve)  # then nothing is left to be damaged
    is_shorter = part == "vectors" and damage is halve  # as if the others had never been made
    assert bool(fresh.damaged()) is not (is_gone or is_shorter)
    notices = fresh.repair()
    assert fresh.damaged() == []
    if part == "index":
        assert bool(notices) is not is_gone
        assert chunks_of(fresh) == []
        assert index_files(store.directory, "vectors") == [] or is_gone
        return
    assert len(notices) == (0 if is_shorter else 1)
    assert chunks_of(fresh) == before[0]
    assert found(fresh, "digest") == {"src/auth.py"}
    if part == "vectors":
        assert vectors_of(fresh, SPACE).keys() < before[1].keys()
        embed_all(fresh)
    assert vectors_of(fresh, SPACE).keys() == before[1].keys()


def test_one_damaged_vector_costs_no_other(store: IndexStore) -> None:
    embed_all(store)
    (file,) = store.directory.glob("vectors/*/high.i8")
    data = bytearray(file.read_bytes())
    data[3] ^= 0xFF
    file.write_bytes(data)
    assert len(store.repair()) == 1
    assert len(vectors_of(store, SPACE)) == len(set(hashes_of(store))) - 1


def test_a_search_in_damaged_words_says_so(store: IndexStore) -> None:
    for file in index_files(store.directory, "words"):
        empty(file)
    with pytest.raises(IndexCorrupt, match="Run 'codecontext index'"):
        found(IndexStore(store.directory), "digest")


@pytest.mark.parametrize("calls", [1, 2])
def test_words_that_were_not_written_catch_up(store: IndexStore, monkeypatch: pytest.MonkeyPatch, calls: int) -> None:
    """As if the process was killed after the chunks, with the words not written, or written and not noted."""

    def killed(*_arguments: object) -> None:
        raise KeyboardInterrupt

    before = take_snapshot(store, SPACE).versions
    with monkeypatch.context() as patch:
        if calls == 1:
            patch.setattr("codecontext.store.words.WordIndex.commit", killed)
        else:
            patch.setattr(IndexStore, "_note_written", killed)
        with pytest.raises(KeyboardInterrupt):
            store.replace_files([file_rows("src/auth.py", "def renamed():\n    pass\n")])
    store.release()
    fresh = IndexStore(store.directory)
    # Until then it is as before: what the words do not know yet counts for nobody.
    assert take_snapshot(fresh, SPACE).versions == before
    assert "src/o'brien.go" in take_snapshot(fresh, SPACE).paths
    fresh.catch_up_words()
    assert found(fresh, "renamed") == {"src/auth.py"}
    assert found(fresh, "check_password") == set()
    assert len(fresh.search_terms(["renamed"], WEIGHTS, limit=9)) == 1
    assert fresh.damaged() == []


def test_a_shortage_of_the_system_is_no_damage(store: IndexStore) -> None:
    """A real one: no file can be opened any more."""
    resource = pytest.importorskip("resource")
    embed_all(store)
    store.tidy()
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    refused = 0
    for allowed in range(3, 60):
        fresh = IndexStore(store.directory)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, limits[1]))
        try:
            damaged = fresh.damaged()
        except StoreError:
            damaged, refused = [], refused + 1
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert damaged == [], allowed
    assert refused
    assert store.damaged() == []


def test_tidying_changes_no_answer(store: IndexStore) -> None:
    store.replace_files([file_rows("src/new.py", "def brand_new():\n    return 'digest'\n")])
    store.remove_files(["tests/test_auth.py"])
    rows = chunks_of(store)
    store.tidy(thorough=True)
    assert chunks_of(store) == rows
    assert found(store, "digest") == {"src/auth.py", "src/new.py"}
    assert found(store, "reset") == {"src/auth.py"}
    assert [folder.name for folder in store.directory.glob("words-*")] == ["words-2"]
    assert (
        not (store.directory / "index.sqlite-wal").exists() or not (store.directory / "index.sqlite-wal").stat().st_size
    )


def test_space_that_is_not_needed_any_more_is_given_back(store: IndexStore) -> None:
    many = [file_rows(f"many/{number}.py", FILES["src/auth.py"] + f"# {number}\n" * 400) for number in range(60)]
    store.replace_files(many)
    store.tidy()
    large = (store.directory / "index.sqlite").stat().st_size
    store.remove_files([file.path for file in many])
    store.tidy()
    assert (store.directory / "index.sqlite").stat().st_size < 0.7 * large


def test_an_emptied_index_is_tidied_too(store: IndexStore) -> None:
    store.remove_files(list(FILES))
    store.tidy(thorough=True)
    assert chunks_of(store) == []
    store.replace_files([file_rows("src/auth.py", FILES["src/auth.py"])])
    store.tidy(thorough=True)
    assert found(store, "digest") == {"src/auth.py"}


def test_cycles_of_edits_leave_the_disk_where_it_was(store: IndexStore) -> None:
    embed_all(store)

    def cycle(number: int) -> None:
        text = "\n\n".join(f"def edited_{number}_{part}():\n    return {number}\n" for part in range(20))
        store.replace_files([file_rows("src/auth.py", text)])
        embed_all(store)
        store.replace_files([file_rows("src/auth.py", FILES["src/auth.py"])])
        store.tidy(thorough=number % 10 == 0)

    for number in range(10):
        cycle(number)
    store.tidy(thorough=True)
    before = store.size_bytes()
    for number in range(10, 40):
        cycle(number)
    store.tidy(thorough=True)
    assert store.size_bytes() <= before * 1.1


def test_readers_see_one_commit_while_others_write(store: IndexStore) -> None:
    reader = IndexStore(store.directory)
    snapshot = take_snapshot(reader, SPACE)
    keys = snapshot.keys(snapshot.rows_of("src/auth.py"))
    store.replace_files([file_rows("src/auth.py", "def other():\n    pass\n")])
    assert reader.chunks(keys) == {}  # an old key never finds another version
    assert len(take_snapshot(reader, SPACE, snapshot).rows_of("src/auth.py")) == 1
