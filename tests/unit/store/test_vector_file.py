"""Vectors in flat files: exact in what they find, and whole whatever stops a write."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from codecontext.core.errors import IndexCorrupt
from codecontext.store.vector_file import Floats, VectorFile, clear_vectors, open_vectors, write_vectors

DIMENSION = 48


def unit_vectors(count: int, seed: int, spread: float = 1.0) -> Floats:
    """Vectors of length 1; a small ``spread`` puts all near one another, which is hard to tell apart."""
    generator = np.random.default_rng(seed)
    vectors = generator.normal(size=DIMENSION) + spread * generator.normal(size=(count, DIMENSION))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def opened(directory: Path) -> VectorFile:
    vectors = open_vectors(directory, DIMENSION)
    assert vectors is not None
    return vectors


def test_what_was_written_comes_back(tmp_path: Path) -> None:
    vectors = unit_vectors(7, 1)
    write_vectors(tmp_path, [4, 0, 1, 2, 9, 8, 7], vectors)
    stored = opened(tmp_path)
    np.testing.assert_allclose(stored.vectors(np.array([4, 0, 1, 2, 9, 8, 7])), vectors, atol=1e-5)
    assert stored.has(np.array([3, 4, 5, 9, 10, 10_000])).tolist() == [False, True, False, True, False, False]
    assert open_vectors(tmp_path / "none", DIMENSION) is None


def test_scores_are_those_of_float32(tmp_path: Path) -> None:
    vectors, query = unit_vectors(500, 2), unit_vectors(1, 3)[0]
    write_vectors(tmp_path, range(500), vectors)
    scores = opened(tmp_path).similarities(query, np.arange(502))
    np.testing.assert_allclose(scores[:500], vectors @ query, atol=2e-5)
    assert np.isnan(scores[500:]).all()


@pytest.mark.parametrize("spread", [1.0, 0.1, 0.003])
@pytest.mark.parametrize("count", [1, 10, 300])
def test_the_best_are_always_among_the_candidates(tmp_path: Path, spread: float, count: int) -> None:
    """Also where the high bytes alone would put them into another order."""
    vectors = unit_vectors(70_000 if spread == 1.0 else 3_000, 4, spread)
    write_vectors(tmp_path, range(len(vectors)), vectors)
    stored = opened(tmp_path)
    for seed in range(3):
        query = unit_vectors(1, 10 + seed, spread)[0]
        exact = stored.similarities(query, np.arange(len(vectors)))
        candidates = set(stored.candidates(query, count).tolist())
        assert candidates.issuperset(np.argsort(-exact)[:count].tolist())


def test_only_allowed_slots_are_candidates(tmp_path: Path) -> None:
    vectors = unit_vectors(1_000, 5)
    write_vectors(tmp_path, range(1_000), vectors)
    allowed = np.zeros(1_000, dtype=bool)
    allowed[[3, 77, 500]] = True
    assert set(opened(tmp_path).candidates(vectors[0], 10, allowed).tolist()) == {3, 77, 500}


def test_a_score_does_not_depend_on_its_company(tmp_path: Path) -> None:
    vectors, query = unit_vectors(400, 6), unit_vectors(1, 7)[0]
    write_vectors(tmp_path, range(400), vectors)
    stored = opened(tmp_path)
    together = stored.similarities(query, np.arange(400))
    alone = [stored.similarities(query, np.array([slot]))[0] for slot in range(400)]
    assert together.tolist() == alone


def test_a_vector_of_zeros_is_one(tmp_path: Path) -> None:
    write_vectors(tmp_path, [0], np.zeros((1, DIMENSION), np.float32))
    assert opened(tmp_path).has(np.array([0])).all()
    assert opened(tmp_path).similarities(unit_vectors(1, 1)[0], np.array([0])).tolist() == [0]


def test_cleared_vectors_leave_nothing(tmp_path: Path) -> None:
    write_vectors(tmp_path, range(5), unit_vectors(5, 8))
    clear_vectors(tmp_path, [1, 3, 99], DIMENSION)
    stored = opened(tmp_path)
    assert stored.has(np.arange(5)).tolist() == [True, False, True, False, True]
    assert not stored.high[[1, 3]].any()
    assert not stored.low[[1, 3]].any()
    clear_vectors(tmp_path / "none", [1], DIMENSION)


def test_a_reader_sees_what_is_written_later_and_keeps_what_it_mapped(tmp_path: Path) -> None:
    write_vectors(tmp_path, [0], unit_vectors(1, 9))
    early = opened(tmp_path)
    write_vectors(tmp_path, [1_000], unit_vectors(1, 10))
    assert early.has(np.array([0, 1_000])).tolist() == [True, False]
    assert opened(tmp_path).has(np.array([0, 1_000])).tolist() == [True, True]


def test_changed_bytes_are_noticed(tmp_path: Path) -> None:
    write_vectors(tmp_path, range(5), unit_vectors(5, 11))
    for name, slot in (("high.i8", 2), ("low.i8", 4)):
        data = bytearray((tmp_path / name).read_bytes())
        data[slot * DIMENSION + 7] ^= 1
        (tmp_path / name).write_bytes(data)
    assert opened(tmp_path).damaged(np.arange(8)).tolist() == [2, 4]


@pytest.mark.parametrize("name", ["high.i8", "low.i8"])
def test_files_that_do_not_fit_together_are_damage(tmp_path: Path, name: str) -> None:
    write_vectors(tmp_path, range(5), unit_vectors(5, 12))
    file = tmp_path / name
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(IndexCorrupt, match="do not fit together"):
        open_vectors(tmp_path, DIMENSION)
    file.unlink()
    with pytest.raises(IndexCorrupt, match="do not fit together"):
        open_vectors(tmp_path, DIMENSION)
