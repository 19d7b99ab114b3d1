"""Retrieval: the chunks that keyword and semantic search find, both scores of each, and one score from the two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from codecontext.core.chunk import ChunkFilter
from codecontext.embeddings.base import EmbeddingProvider, InstructionType
from codecontext.search.config import Retrieval, Weights
from codecontext.search.query import Query, QueryKind
from codecontext.store.index_store import IndexStore
from codecontext.store.snapshot import Floats, Indices, Mask, Snapshot

_INSTRUCTIONS = {QueryKind.CODE: InstructionType.CODE2CODE_QUERY}
"""How kinds of query are embedded, where not as natural language."""

EmbedMissing = Callable[[Indices], tuple[Indices, Floats]]
"""Rows of the snapshot → those of them that were embedded, and their vectors, shape (rows, dimension)."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Chunks worth ranking, as parallel arrays. A score of one retrieval is NaN where that has none."""

    rows: Indices
    """Rows of the snapshot."""
    lexical: Floats
    semantic: Floats
    fused: Floats
    """One score from the two, 0 to 1."""

    def __len__(self) -> int:
        return len(self.rows)


def retrieve(
    query: Query,
    provider: EmbeddingProvider | None,
    store: IndexStore,
    snapshot: Snapshot,
    weights: Weights,
    retrieval: Retrieval = Retrieval.HYBRID,
    embed_missing: EmbedMissing | None = None,
) -> Candidates:
    """The best chunks of either retrieval among those that the query's filters let through.

    Without a ``provider`` it is keyword search alone. ``embed_missing`` gives the vectors of keyword matches that have
    none yet, best first; it may leave some out.
    """
    where = query.where.with_literal_paths(snapshot.has_path)
    allowed = snapshot.mask_of_ids(store.matching_ids(where)) if where else None
    lexical = np.full(len(snapshot), np.nan, np.float32)
    if retrieval is not Retrieval.SEMANTIC:
        _fill_lexical(lexical, query.terms, where, store, snapshot, weights)
    semantic = np.full(len(snapshot), np.nan, np.float32)
    if provider is not None and retrieval is not Retrieval.LEXICAL:
        query_vector = provider.embed_text(query.text, _INSTRUCTIONS.get(query.kind, InstructionType.NL2CODE_QUERY))
        semantic = snapshot.similarities(query_vector)
        if embed_missing is not None:
            _fill_missing(semantic, lexical, query_vector, embed_missing)
    best = np.union1d(_top(lexical, allowed, weights.depth), _top(semantic, allowed, weights.depth))
    lexical, semantic = lexical[best], semantic[best]
    return Candidates(best, lexical, semantic, fuse(lexical, semantic, weights.semantic_share[query.kind]))


def fuse(lexical: Floats, semantic: Floats, semantic_share: float) -> Floats:
    """Scores from 0 to 1, shape (candidates,): a convex combination of the normalised scores.

    One retrieval alone gives its normalised score. Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid
    Retrieval" (2023), find it better than reciprocal rank fusion and steady over domains; it also keeps how far apart
    the candidates are.
    """
    by_keyword = _normalise(lexical, floor=0.0)
    by_similarity = _normalise(semantic, floor=None)
    if np.all(np.isnan(semantic)):
        return by_keyword
    if np.all(np.isnan(lexical)):
        return by_similarity
    return (1 - semantic_share) * by_keyword + semantic_share * by_similarity


def _fill_lexical(
    scores: Floats,
    terms: Sequence[str],
    where: ChunkFilter,
    store: IndexStore,
    snapshot: Snapshot,
    weights: Weights,
) -> None:
    found = store.search_terms(terms, weights.fields, limit=weights.depth, where=where)
    if not found:
        return
    ids, values = zip(*found, strict=True)
    rows = snapshot.index_of_ids(pa.array(ids, pa.string()))
    known = rows >= 0
    scores[rows[known]] = np.asarray(values, np.float32)[known]


def _fill_missing(semantic: Floats, lexical: Floats, query_vector: Floats, embed_missing: EmbedMissing) -> None:
    without = np.flatnonzero(~np.isnan(lexical) & np.isnan(semantic))
    if len(without):
        rows, vectors = embed_missing(without[np.argsort(-lexical[without])])
        if len(rows):
            semantic[rows] = vectors @ query_vector


def _top(scores: Floats, allowed: Mask | None, count: int) -> Indices:
    """Rows of the ``count`` highest scores among the allowed ones that have one."""
    usable = ~np.isnan(scores) if allowed is None else ~np.isnan(scores) & allowed
    rows = np.flatnonzero(usable)
    if len(rows) > count:
        rows = rows[np.argpartition(-scores[rows], count - 1)[:count]]
    return rows.astype(np.int64)


def _normalise(scores: Floats, floor: float | None) -> Floats:
    """Scale so that the best is 1 and the floor (or the lowest) is 0; 0 where there is no score."""
    known = ~np.isnan(scores)
    normalised = np.zeros_like(scores)
    if known.any():
        low = float(np.min(scores[known])) if floor is None else floor
        high = float(np.max(scores[known]))
        normalised[known] = (scores[known] - low) / (high - low) if high > low else 1.0
    return normalised
