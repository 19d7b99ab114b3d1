"""What is particular to training for queries alone, and to training for both sides."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from codecontext.adapters import AdapterSide
from codecontext.chunking import embedding_text
from codecontext.embeddings.base import InstructionType, Vectors
from codecontext.indexing.rows import CHUNK_COLUMNS, chunk_of_row
from codecontext.training.config import TrainingConfig
from codecontext.training.data.corpus import Corpus
from codecontext.training.data.labels import Documents, Labelled, documents_of
from codecontext.training.data.split import Part, part_of_file
from codecontext.training.evaluation.metrics import MAIN_METRIC, Ranking, Values
from codecontext.training.evaluation.rankings import rank_by_search, rank_by_vectors
from codecontext.training.optimize.both_sides import BothSidesObjective
from codecontext.training.optimize.encoder import TrainableEncoder
from codecontext.training.optimize.objective import Objective
from codecontext.training.optimize.query_side import QuerySideObjective
from codecontext.training.workbench import Workbench

STRENGTHS = (1.0, 0.75, 0.5)
POOL_SIZE = 500


class Side(Protocol):
    """How one kind of adapter is trained and validated."""

    def objective(self, queries: Sequence[Labelled]) -> Objective:
        """What is minimised over the training queries."""
        ...

    def score(self) -> Values:
        """Reciprocal rank up to 10 of each validation query by vectors, with the encoder as it is."""
        ...

    def choose_strength(self) -> float:
        """How strongly the adapter should act, of what it was trained to."""
        ...


class QuerySide:
    """Documents keep the base model's vectors."""

    def __init__(
        self,
        bench: Workbench,
        config: TrainingConfig,
        encoder: TrainableEncoder,
        corpus: Corpus,
        validation: Sequence[Labelled],
    ) -> None:
        self._bench = bench
        self._config = config
        self._encoder = encoder
        self._corpus = corpus
        self._validation = validation

    def objective(self, queries: Sequence[Labelled]) -> Objective:
        """See ``Side``."""
        documents = training_documents(self._corpus, self._config.seed)
        return QuerySideObjective(self._encoder, answerable(queries, documents), documents, self._config.temperature)

    def score(self) -> Values:
        """See ``Side``."""
        return _values(rank_by_vectors(self._corpus, self._validation, self._vectors()))

    def choose_strength(self) -> float:
        """What the whole search answers best with; where words already find the answer, less may be more."""
        scores = {strength: self._search_score(strength) for strength in STRENGTHS}
        self._encoder.set_strength(1.0)
        return max(STRENGTHS, key=lambda strength: scores[strength])

    def _search_score(self, strength: float) -> float:
        """MRR@10 through the whole search plus that by vectors."""
        self._encoder.set_strength(strength)
        vectors, bench = self._vectors(), self._bench
        stage = f"choosing strength {strength:g}"
        found = rank_by_search(
            self._corpus, self._validation, vectors, bench.base.space, stage, bench.on_progress, bench.cancel
        )
        return float((_values(found) + _values(rank_by_vectors(self._corpus, self._validation, vectors))).mean())

    def _vectors(self) -> Vectors:
        return self._encoder.vectors([query.text for query in self._validation], InstructionType.NL2CODE_QUERY)


class BothSides:
    """Documents get new vectors. For validation a part of them stands for all, which would take too long each time."""

    def __init__(
        self,
        config: TrainingConfig,
        encoder: TrainableEncoder,
        corpus: Corpus,
        validation: Sequence[Labelled],
    ) -> None:
        self._config = config
        self._encoder = encoder
        self._corpus = corpus
        self._validation = validation
        rows = {row for query in validation for row in query.rows}
        others = [row for row in range(len(corpus.snapshot)) if row not in rows]
        drawn = random.Random(config.seed).sample(others, min(POOL_SIZE, len(others)))
        self._pool = documents_of(corpus.snapshot, sorted(rows | set(drawn)))
        self._pool_texts = texts_of(corpus, self._pool)

    def objective(self, queries: Sequence[Labelled]) -> Objective:
        """See ``Side``."""
        documents = training_documents(self._corpus, self._config.seed)
        texts = texts_of(self._corpus, documents)
        return BothSidesObjective(self._encoder, answerable(queries, documents), documents, texts, self._config)

    def score(self) -> Values:
        """See ``Side``. Among the pool."""
        queries = self._encoder.vectors([query.text for query in self._validation], InstructionType.NL2CODE_QUERY)
        documents = self._encoder.vectors(self._pool_texts, InstructionType.NL2CODE_PASSAGE)
        return _values(
            [
                _ranking(documents @ vector, self._pool.positions(query.rows))
                for vector, query in zip(queries, self._validation, strict=True)
            ]
        )

    def choose_strength(self) -> float:
        """As it was trained: each strength would be another space, with all documents to embed."""
        return 1.0


def side_of(
    bench: Workbench,
    config: TrainingConfig,
    encoder: TrainableEncoder,
    corpus: Corpus,
    validation: Sequence[Labelled],
) -> Side:
    """The side that ``config`` names."""
    if config.side is AdapterSide.QUERY:
        return QuerySide(bench, config, encoder, corpus, validation)
    return BothSides(config, encoder, corpus, validation)


def training_documents(corpus: Corpus, seed: int) -> Documents:
    """The contents of the files of the training part: held-out code is not even a wrong answer."""
    paths = corpus.snapshot.column("path").to_pylist()
    rows = [row for row, path in enumerate(paths) if part_of_file(path, seed) is Part.TRAIN]
    return documents_of(corpus.snapshot, rows)


def answerable(queries: Sequence[Labelled], documents: Documents) -> list[Labelled]:
    """Those of ``queries`` with an answer among the documents."""
    return [query for query in queries if documents.positions(query.rows)]


def texts_of(corpus: Corpus, documents: Documents) -> list[str]:
    """The texts that are embedded for the contents of ``documents``, in their order."""
    hashes = corpus.snapshot.column("content_hash").to_pylist()
    by_position = {position: hashes[row] for row, position in documents.position_of_row.items()}
    in_order = [by_position[position] for position in range(len(by_position))]
    rows = corpus.store.texts_by_hash(in_order, CHUNK_COLUMNS)
    return [embedding_text(chunk_of_row(rows[value])) for value in in_order]


def _ranking(scores: Vectors, right: Sequence[int]) -> Ranking:
    rank = int((scores > scores[list(right)].max()).sum())
    return Ranking([*[None] * rank, 0], 1)


def _values(rankings: Sequence[Ranking]) -> Values:
    return np.array([ranking.score()[MAIN_METRIC] for ranking in rankings])
