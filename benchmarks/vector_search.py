"""Why vectors are searched exactly and in memory: a matrix product beside the database's own vector search.

Random unit vectors of the bundled model's length, the hundred nearest of each query.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import lancedb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.common import Context, milliseconds
from benchmarks.results import Figure, Result

_DIMENSION = 384
_NEAREST = 100
_QUERIES = 15
_GRAPH_UP_TO = 20_000
"""Building the graph for more takes minutes."""

Matrix = NDArray[np.float32]


def run(context: Context) -> Result:
    """Measure the median time of a query by each way, and what the graph finds of the true nearest."""
    figures: list[Figure] = []
    for count in (2_000,) if context.quick else (20_000, 200_000):
        figures += _measure(context, count)
    return Result(
        title="Vector search",
        figures=figures,
        notes=[f"Medians of {_QUERIES} queries for the {_NEAREST} nearest, warm; random unit vectors."],
    )


def _measure(context: Context, count: int) -> list[Figure]:
    vectors = np.random.default_rng(0).standard_normal((count, _DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    values = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), _DIMENSION)
    data = pa.table({"row": pa.array(range(count), pa.int64()), "vector": values})
    table = lancedb.connect(context.fresh_folder(f"vectors-{count}")).create_table("vectors", data)
    label = f"{count:,} vectors"
    figures = [
        Figure(f"{label}: matrix product", _median(lambda query: _exact(vectors, query), vectors), "ms"),
        Figure(f"{label}: flat scan of the database", _median(lambda query: _stored(table, query), vectors), "ms"),
    ]
    if count <= _GRAPH_UP_TO:
        started = time.perf_counter()
        table.create_index(metric="dot", vector_column_name="vector", index_type="IVF_HNSW_SQ")
        building = time.perf_counter() - started
        found = [len(_exact(vectors, query) & _stored(table, query)) for query in vectors[:_QUERIES]]
        figures += [
            Figure(f"{label}: graph index", _median(lambda query: _stored(table, query), vectors), "ms"),
            Figure(f"{label}: graph index, building", building, "s"),
            Figure(f"{label}: graph index, found of the nearest", float(np.mean(found)) * 100 / _NEAREST, "%"),
        ]
    return figures


def _exact(vectors: Matrix, query: Matrix) -> set[int]:
    return set(np.argpartition(-(vectors @ query), _NEAREST)[:_NEAREST].tolist())


def _stored(table: Any, query: Matrix) -> set[int]:
    search = table.search(query).distance_type("dot").nprobes(20).refine_factor(2).limit(_NEAREST)
    return set(search.select(["row", "_distance"]).to_arrow()["row"].to_pylist())


def _median(search: Callable[[Matrix], set[int]], vectors: Matrix) -> float:
    times = [milliseconds(search, query) for query in vectors[: _QUERIES + 1]][1:]
    return float(np.median(times))
