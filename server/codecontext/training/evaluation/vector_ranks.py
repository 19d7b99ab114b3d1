"""How high vectors rank the answers of many queries, all of them in one matrix product."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from codecontext.core.batched import batched
from codecontext.embeddings.base import Vectors
from codecontext.store.snapshot import Snapshot
from codecontext.training.data.labels import Labelled, documents_of
from codecontext.training.evaluation.metrics import CUTOFF, Values

# Scores that are held at once, 64 MB of them.
_MOST_SCORES = 16_000_000


def reciprocal_ranks_by_vectors(queries: Vectors, documents: Vectors, right: Sequence[Sequence[int]]) -> Values:
    """Reciprocal rank up to ``CUTOFF`` of each query's nearest right document, 0 for a query without one.

    ``queries`` has shape (queries, dimension), ``documents`` (documents, dimension); ``right`` has the rows of
    ``documents`` that answer each query. Documents that are as near as the right one do not count against it.
    """
    values = np.zeros(len(queries))
    for number, scores in _scored(queries, documents):
        if right[number]:
            values[number] = _reciprocal(int((scores > scores[list(right[number])].max()).sum()))
    return values


class ChunkRanks:
    """Ranks all chunks of a snapshot for the same queries again and again, as a search by vectors ranks them.

    Contents that several chunks share are compared once. Of chunks that are equally near, the first row comes first.
    """

    def __init__(self, snapshot: Snapshot, queries: Sequence[Labelled]) -> None:
        documents = documents_of(snapshot, range(len(snapshot)))
        self._vectors = documents.vectors
        self._position_of_row = documents.position_of_row
        self._rows: dict[int, list[int]] = defaultdict(list)
        for row, position in documents.position_of_row.items():
            self._rows[position].append(row)
        self._chunks = np.array([len(self._rows[position]) for position in range(len(self._vectors))], np.int64)
        self._right = [[row for row in query.rows if row in documents.position_of_row] for query in queries]

    def reciprocal_ranks(self, queries: Vectors) -> Values:
        """Reciprocal rank up to ``CUTOFF`` of the nearest chunk that answers each query, 0 for a query without one."""
        values = np.zeros(len(queries))
        for number, scores in _scored(queries, self._vectors):
            if self._right[number]:
                values[number] = _reciprocal(self._nearer(scores, self._right[number]))
        return values

    def _nearer(self, scores: Vectors, right: Sequence[int]) -> int:
        """How many chunks come before the first of the ``right`` rows."""
        of_right = scores[[self._position_of_row[row] for row in right]]
        best = of_right.max()
        first = min(row for row, score in zip(right, of_right, strict=True) if score == best)
        before = int(self._chunks[scores > best].sum())
        equal = np.flatnonzero(scores == best).tolist()
        return before + sum(row < first for position in equal for row in self._rows[position])


def _scored(queries: Vectors, documents: Vectors) -> Iterator[tuple[int, Vectors]]:
    """Number of each query, and its dot product with each document."""
    size = max(1, _MOST_SCORES // max(1, len(documents)))
    for part in batched(range(len(queries)), size):
        yield from zip(part, queries[part] @ documents.T, strict=True)


def _reciprocal(before: int) -> float:
    return 1 / (before + 1) if before < CUTOFF else 0.0
