"""The cache of vectors that all folders share."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest

from codecontext.core.errors import StoreError
from codecontext.core.hashing import content_digest
from codecontext.store.embedding_cache import EmbeddingCache

HASHES = [content_digest(str(number)) for number in range(1200)]
VECTORS = np.random.default_rng(0).standard_normal((1200, 16)).astype(np.float32)


@pytest.fixture
def cache(tmp_path: Path) -> EmbeddingCache:
    return EmbeddingCache(tmp_path / "cache" / "embeddings.sqlite", max_bytes=10**9)


def test_vectors_come_back_exactly(cache: EmbeddingCache) -> None:
    cache.put("space", HASHES, VECTORS)
    found = cache.get("space", [*HASHES, content_digest("unknown")])
    assert set(found) == set(HASHES)
    np.testing.assert_array_equal(np.stack([found[key] for key in HASHES]), VECTORS)


def test_spaces_are_apart(cache: EmbeddingCache) -> None:
    cache.put("one", HASHES[:2], VECTORS[:2])
    assert cache.get("two", HASHES[:2]) == {}


def test_a_hash_is_kept_once(cache: EmbeddingCache) -> None:
    cache.put("space", HASHES[:1], VECTORS[:1])
    cache.put("space", HASHES[:1], VECTORS[1:2])
    np.testing.assert_array_equal(cache.get("space", HASHES[:1])[HASHES[0]], VECTORS[0])


def test_it_outlives_its_connection(cache: EmbeddingCache) -> None:
    cache.put("space", HASHES[:3], VECTORS[:3])
    cache.close()
    assert set(cache.get("space", HASHES[:3])) == set(HASHES[:3])


def test_the_oldest_go_when_it_is_full(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path / "embeddings.sqlite", max_bytes=100_000)
    cache.put("space", HASHES, VECTORS)
    assert cache.size_bytes() > 100_000
    cache.trim()
    left = set(cache.get("space", HASHES))
    assert 0 < len(left) < len(HASHES)
    assert left == set(HASHES[-len(left) :])


def test_trimming_a_small_cache_keeps_all(cache: EmbeddingCache) -> None:
    cache.put("space", HASHES[:5], VECTORS[:5])
    cache.trim()
    assert len(cache.get("space", HASHES[:5])) == 5


def test_a_damaged_file_is_kept_aside(cache: EmbeddingCache, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "cache" / "embeddings.sqlite"
    file.parent.mkdir()
    file.write_bytes(b"not a database at all" * 100)
    assert cache.get("space", HASHES[:1]) == {}
    assert file.with_suffix(".damaged").read_bytes().startswith(b"not a database")
    assert "was damaged" in caplog.text


def test_many_writers(tmp_path: Path) -> None:
    file = tmp_path / "embeddings.sqlite"
    parts = np.array_split(np.arange(len(HASHES)), 6)

    def write(rows: np.ndarray) -> None:
        cache = EmbeddingCache(file, max_bytes=10**9)
        cache.put("space", [HASHES[row] for row in rows], VECTORS[rows])
        cache.close()

    threads = [threading.Thread(target=write, args=(rows,)) for rows in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reader = EmbeddingCache(file, max_bytes=10**9)
    assert len(reader.get("space", HASHES)) == len(HASHES)
    reader.close()


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "embeddings.sqlite").mkdir()
    cache = EmbeddingCache(tmp_path / "embeddings.sqlite", max_bytes=1)
    with pytest.raises(StoreError, match=r"The embedding cache .*embeddings\.sqlite cannot be used"):
        cache.get("space", HASHES[:1])


def test_the_file_is_plain_sqlite(cache: EmbeddingCache, tmp_path: Path) -> None:
    cache.put("space", HASHES[:4], VECTORS[:4])
    cache.close()
    connection = sqlite3.connect(tmp_path / "cache" / "embeddings.sqlite")
    assert connection.execute("SELECT count(*), max(length(vector)) FROM vectors").fetchone() == (4, 64)
    connection.close()


def test_damage_that_shows_only_in_use_is_one_sentence(cache: EmbeddingCache, tmp_path: Path) -> None:
    cache.put("space", HASHES, VECTORS)
    cache.close()
    file = tmp_path / "cache" / "embeddings.sqlite"
    content = bytearray(file.read_bytes())
    content[4096 * 2 :] = b"\x55" * len(content[4096 * 2 :])
    file.write_bytes(content)
    with pytest.raises(StoreError, match=r"embeddings\.sqlite is damaged: .+ Delete the file"):
        cache.get("space", HASHES)


def test_a_cache_that_another_process_holds_is_not_called_full(
    cache: EmbeddingCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codecontext.store.embedding_cache._BUSY_SECONDS", 0.01)
    cache.put("space", HASHES[:1], VECTORS[:1])
    other = sqlite3.connect(tmp_path / "cache" / "embeddings.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(StoreError, match=r"database is locked\. Another process is using it; try again\."):
            cache.put("space", HASHES[1:2], VECTORS[1:2])
    finally:
        other.close()
