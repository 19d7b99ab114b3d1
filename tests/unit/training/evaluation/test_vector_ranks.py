"""One matrix product for all queries ranks as one search for each does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from codecontext.embeddings.base import Vectors
from codecontext.engine.engine import Engine
from codecontext.store.snapshot import take_snapshot
from codecontext.training.data.corpus import Corpus
from codecontext.training.data.labels import Labelled
from codecontext.training.data.pairs import CodeSpan, Pair
from codecontext.training.evaluation import vector_ranks
from codecontext.training.evaluation.metrics import reciprocal_ranks
from codecontext.training.evaluation.rankings import rank_by_vectors
from codecontext.training.evaluation.vector_ranks import ChunkRanks, reciprocal_ranks_by_vectors

DIMENSION = 16


def unit(vectors: np.ndarray) -> Vectors:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


@pytest.fixture(params=[16_000_000, 90, 1])
def _few_at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_ranks, "_MOST_SCORES", request.param)


@pytest.mark.usefixtures("_few_at_once")
def test_counts_the_documents_that_are_nearer() -> None:
    generator = np.random.default_rng(0)
    queries, documents = unit(generator.normal(size=(50, DIMENSION))), unit(generator.normal(size=(40, DIMENSION)))
    right = [generator.choice(40, count, replace=False).tolist() for count in generator.integers(0, 4, 50)]

    values = reciprocal_ranks_by_vectors(queries, documents, right)

    for query, answers, value in zip(queries, right, values, strict=True):
        order = np.argsort(-(documents @ query)).tolist()
        places = [order.index(answer) + 1 for answer in answers]
        assert value == (1 / min(places) if places and min(places) <= 10 else 0.0)
    assert 0 < np.count_nonzero(values) < 50


def test_what_is_as_near_does_not_count_against_the_answer() -> None:
    documents = unit(np.eye(3))[[0, 0, 1]]

    assert reciprocal_ranks_by_vectors(documents[:1], documents, [[1]]).tolist() == [1.0]


def test_nothing_to_find_is_worth_nothing() -> None:
    queries = unit(np.eye(2))

    assert reciprocal_ranks_by_vectors(queries, np.empty((0, 2), np.float32), [[], []]).tolist() == [0.0, 0.0]
    assert reciprocal_ranks_by_vectors(np.empty((0, 2), np.float32), queries, []).tolist() == []


@pytest.fixture
def corpus(project: Path, write, engine_for, provider) -> Corpus:
    """Forty functions, some of them several times."""
    write(
        {
            f"{folder}/part_{number}.py": f'def verb_{number}(order):\n    """Work {number}."""\n    return {number}\n'
            for folder in ("a", "b", "c")
            for number in range(8 if folder != "a" else 24)
        }
    )
    engine: Engine = engine_for(project)
    engine.index()
    return Corpus(project, engine.store, take_snapshot(engine.store, provider.space.space_id))


def labelled(rows: Sequence[int]) -> Labelled:
    span = CodeSpan(path="a", start_line=1, end_line=1)
    return Labelled(Pair(query="q", code=[span], source="mine"), (tuple(rows),))


@pytest.mark.slow
@pytest.mark.usefixtures("_few_at_once")
def test_chunks_rank_as_a_search_ranks_them(corpus: Corpus) -> None:
    """Those with the same content come in the order of their rows."""
    generator = np.random.default_rng(0)
    count, dimension = len(corpus.snapshot), 384
    queries = [labelled(generator.choice(count, size, replace=False).tolist()) for size in [1] * 40 + [3] * 20]
    vectors = unit(generator.normal(size=(len(queries), dimension)))

    values = ChunkRanks(corpus.snapshot, queries).reciprocal_ranks(vectors)

    expected = reciprocal_ranks(rank_by_vectors(corpus, queries, vectors))
    assert values.tolist() == expected.tolist()
    assert len(set(values.tolist())) > 5
