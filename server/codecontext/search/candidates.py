"""Retrieval: the chunks that keyword and semantic search find, both scores of each, and one score from the two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from codecontext.embeddings.base import EmbeddingProvider, InstructionType
from codecontext.search.config import Retrieval, Weights
from codecontext.search.query import Query, QueryKind
from codecontext.store.index_store import IndexStore
from codecontext.store.snapshot import Snapshot
from codecontext.store.vector_file import Floats, Indices
from codecontext.store.words import WordFilter

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


@dataclass(frozen=True, slots=True)
class Scored:
    """Rows in order, and the score of each."""

    rows: Indices
    scores: Floats

    @classmethod
    def nothing(cls) -> Scored:
        """No rows."""
        return cls(np.empty(0, np.int64), np.empty(0, np.float32))

    def at(self, rows: Indices) -> Floats:
        """The scores of ``rows``, all of these among them; NaN where there is none."""
        scores = np.full(len(rows), np.nan, np.float32)
        scores[np.searchsorted(rows, self.rows)] = self.scores
        return scores


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
    allowed, words = snapshot.select(where) if where else (None, None)
    by_keyword = Scored.nothing()
    if retrieval is not Retrieval.SEMANTIC:
        by_keyword = _keyword_matches(query.terms, words, store, snapshot, weights)
    rows, query_vector = by_keyword.rows, None
    if provider is not None and retrieval is not Retrieval.LEXICAL:
        query_vector = provider.embed_text(query.text, _INSTRUCTIONS.get(query.kind, InstructionType.NL2CODE_QUERY))
        nearest = snapshot.nearest(query_vector, weights.depth, allowed)
        # Not by numpy, whose sets import its masked arrays.
        rows = np.array(sorted({*rows.tolist(), *nearest.tolist()}), np.int64)
    lexical = by_keyword.at(rows)
    semantic = np.full(len(rows), np.nan, np.float32)
    if query_vector is not None:
        semantic = snapshot.similarities(query_vector, rows)
        if embed_missing is not None:
            _fill_missing(semantic, lexical, rows, query_vector, embed_missing)
    return Candidates(rows, lexical, semantic, fuse(lexical, semantic, weights.semantic_share[query.kind]))


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


def _keyword_matches(
    terms: Sequence[str], where: WordFilter | None, store: IndexStore, snapshot: Snapshot, weights: Weights
) -> Scored:
    """The best matches; of those with the same score the first in the order of path and place."""
    found = store.search_terms(terms, weights.fields, limit=weights.depth, where=where)
    rows = snapshot.rows_at([match.file for match in found], [match.ordinal for match in found])
    scores = np.array([match.score for match in found], np.float32)
    known = rows >= 0
    rows, scores = rows[known], scores[known]
    best = np.lexsort((rows, -scores))[: weights.depth]
    in_order = best[np.argsort(rows[best])]
    return Scored(rows[in_order], scores[in_order])


def _fill_missing(
    semantic: Floats, lexical: Floats, rows: Indices, query_vector: Floats, embed_missing: EmbedMissing
) -> None:
    without = np.flatnonzero(~np.isnan(lexical) & np.isnan(semantic))
    if len(without):
        embedded, vectors = embed_missing(rows[without[np.argsort(-lexical[without], kind="stable")]])
        if len(embedded):
            semantic[np.searchsorted(rows, embedded)] = vectors @ query_vector


def _normalise(scores: Floats, floor: float | None) -> Floats:
    """Scale so that the best is 1 and the floor (or the lowest) is 0; 0 where there is no score."""
    known = ~np.isnan(scores)
    normalised = np.zeros_like(scores)
    if known.any():
        low = float(np.min(scores[known])) if floor is None else floor
        high = float(np.max(scores[known]))
        normalised[known] = (scores[known] - low) / (high - low) if high > low else 1.0
    return normalised
