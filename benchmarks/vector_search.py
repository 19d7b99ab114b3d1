"""Why vectors are scanned as bytes and rescored: the store's search beside a matrix product of floats.

Unit vectors of the bundled model's length around random centres, as code has them, and the hundred nearest of each
query. Both ways are exact; what differs is how much memory a query reads.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import MEGABYTE, Context
from benchmarks.results import Figure, Result, at_least
from codecontext.store.vector_file import VectorFile, open_vectors, write_vectors

_DIMENSION = 384
_NEAREST = 100
_QUERIES = 15
_CENTRES = 200
_WRITTEN_AT_ONCE = 20_000
ALL_FOUND = at_least(100)

Matrix = NDArray[np.float32]


def run(context: Context) -> Result:
    """Measure the median CPU time of a query by each way, and what the store's finds of the true nearest."""
    figures: list[Figure] = []
    for count in (2_000,) if context.quick else (20_000, 200_000, 1_000_000):
        figures += _measure(context, count)
    return Result(
        title="Vector search",
        figures=figures,
        notes=[f"Medians of {_QUERIES} queries for the {_NEAREST} nearest, warm; CPU time of all threads."],
    )


def _measure(context: Context, count: int) -> list[Figure]:
    vectors = _vectors(count)
    stored = _stored(context, vectors)
    queries = _queries(vectors)
    found = [len(_by_floats(vectors, query) & _by_bytes(stored, query)) for query in queries]
    label = f"{count:,} vectors"
    return [
        Figure(f"{label}: floats, CPU", _median(lambda query: _by_floats(vectors, query), queries), "ms"),
        Figure(f"{label}: floats, in memory", vectors.nbytes / MEGABYTE, "MB"),
        Figure(f"{label}: bytes and rescoring, CPU", _median(lambda query: _by_bytes(stored, query), queries), "ms"),
        Figure(f"{label}: bytes, mapped", stored.high.nbytes / MEGABYTE, "MB"),
        Figure(f"{label}: bytes and rescoring, found of the nearest", float(np.mean(found)), "%", ALL_FOUND),
    ]


def _vectors(count: int) -> Matrix:
    random = np.random.default_rng(0)
    centres = random.standard_normal((_CENTRES, _DIMENSION), np.float32)
    vectors = random.standard_normal((count, _DIMENSION), np.float32)
    vectors += centres[random.integers(0, _CENTRES, count)]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def _queries(vectors: Matrix) -> Matrix:
    """Some of the vectors, moved."""
    random = np.random.default_rng(1)
    chosen = vectors[random.integers(0, len(vectors), _QUERIES)]
    moved = chosen + random.normal(0, 0.02, chosen.shape).astype(np.float32)
    queries: Matrix = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    return queries


def _stored(context: Context, vectors: Matrix) -> VectorFile:
    folder = context.fresh_folder(f"vectors-{len(vectors)}")
    for start in range(0, len(vectors), _WRITTEN_AT_ONCE):
        part = vectors[start : start + _WRITTEN_AT_ONCE]
        write_vectors(folder, range(start, start + len(part)), part)
    stored = open_vectors(folder, _DIMENSION)
    assert stored is not None
    return stored


def _by_floats(vectors: Matrix, query: Matrix) -> set[int]:
    return set(np.argpartition(-(vectors @ query), _NEAREST)[:_NEAREST].tolist())


def _by_bytes(stored: VectorFile, query: Matrix) -> set[int]:
    candidates = stored.candidates(query, _NEAREST)
    scores = stored.similarities(query, candidates)
    return set(candidates[np.argsort(-scores)[:_NEAREST]].tolist())


def _median(search: Callable[[Matrix], set[int]], queries: Matrix) -> float:
    """CPU milliseconds."""
    times = []
    for query in queries:
        started = time.process_time()
        search(query)
        times.append((time.process_time() - started) * 1000)
    return float(np.median(times[1:]))
