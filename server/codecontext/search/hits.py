"""From ranked chunks to hits: their lines as they are now, and the evidence for their place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from codecontext.core.batched import batched
from codecontext.core.chunk import Chunk
from codecontext.search.candidates import Candidates
from codecontext.search.ranking import Ranked
from codecontext.search.results import Evidence, Hit
from codecontext.search.snippets import locate
from codecontext.store.index_store import IndexStore
from codecontext.store.snapshot import Snapshot
from codecontext.store.vector_file import Floats


def best_hits(
    ranked: Sequence[Ranked], candidates: Candidates, folder: Path, store: IndexStore, snapshot: Snapshot, limit: int
) -> list[Hit]:
    """The first ``limit`` of the ranked chunks that still exist, best first."""
    evidence = _EvidenceOf(candidates)
    hits: list[Hit] = []
    for batch in batched(ranked, limit):
        keys = snapshot.keys([item.row for item in batch])
        stored = store.chunks(keys)
        for item, key in zip(batch, keys, strict=True):
            chunk = stored.get(key)
            hit = chunk and _hit(folder, item, chunk, evidence(item))
            if hit:
                hits.append(hit)
            if len(hits) == limit:
                return hits
    return hits


def _hit(folder: Path, item: Ranked, chunk: Chunk, evidence: Evidence) -> Hit | None:
    snippet = locate(folder, chunk.path, chunk.start_line, chunk.end_line, chunk.text)
    if snippet is None:
        return None
    return Hit(
        folder=str(folder),
        path=chunk.path,
        start_line=snippet.start_line,
        end_line=snippet.end_line,
        score=round(item.score, 6),
        language=chunk.language,
        kind=chunk.kind.value,
        symbol=chunk.symbol,
        qualified_name=chunk.qualified_name,
        signature=chunk.signature,
        text=snippet.text,
        freshness=snippet.freshness,
        evidence=evidence,
    )


class _EvidenceOf:
    """Ranks of the candidates within each retrieval."""

    def __init__(self, candidates: Candidates) -> None:
        rows = candidates.rows.tolist()
        self._lexical = _ranks(rows, candidates.lexical)
        self._semantic = _ranks(rows, candidates.semantic)

    def __call__(self, item: Ranked) -> Evidence:
        lexical_rank, lexical_score = self._lexical.get(item.row, (None, None))
        semantic_rank, semantic_score = self._semantic.get(item.row, (None, None))
        return Evidence(
            lexical_rank=lexical_rank,
            lexical_score=lexical_score,
            semantic_rank=semantic_rank,
            semantic_score=semantic_score,
            rules=item.rules,
        )


def _ranks(rows: list[int], scores: Floats) -> dict[int, tuple[int, float]]:
    order = [index for index in np.argsort(-scores, kind="stable").tolist() if not np.isnan(scores[index])]
    return {rows[index]: (rank + 1, round(float(scores[index]), 4)) for rank, index in enumerate(order)}
