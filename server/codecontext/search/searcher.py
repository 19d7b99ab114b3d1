"""One search from query to hits: parse, retrieve, fuse, rank, hold against the files."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from codecontext.chunking import embedding_text
from codecontext.core.batched import batched
from codecontext.core.chunk import ChunkFilter
from codecontext.core.errors import QueryError
from codecontext.core.terms import lexical_terms
from codecontext.embeddings.base import EmbeddingProvider, InstructionType
from codecontext.indexing.rows import CHUNK_COLUMNS, chunk_of_row
from codecontext.search.candidates import Candidates, fuse, retrieve
from codecontext.search.config import Retrieval, SearchConfig, Weights
from codecontext.search.query import Query, QueryKind, parse_query
from codecontext.search.query_time import SECONDS, QueryTimeVectors
from codecontext.search.ranking import Ranked, rank
from codecontext.search.results import Evidence, Hit, SearchResponse, SearchState
from codecontext.search.snippets import locate
from codecontext.store.index_store import IndexStore
from codecontext.store.snapshot import Floats, Indices, Snapshot

NO_INDEX = "This folder has no index yet. Run 'codecontext index' in it."
EMPTY_INDEX = "The index has no code: every file was skipped. 'codecontext status --skipped' lists why."
EMPTY_QUERY = "Type a question or a name to search for."
NO_WORDS = "The query has no letters or digits to search for."
_TERMS_OF_TEXT = 64
"""Words of a piece of code that are looked up; the first name it best, and each takes time."""

NO_MATCH = "No results. Try fewer filters or other words."


@dataclass(frozen=True, slots=True)
class Searcher:
    """Searches one snapshot of one folder. Without a provider it is keyword search only."""

    folder: Path
    store: IndexStore
    snapshot: Snapshot
    provider: EmbeddingProvider | None
    state: SearchState
    config: SearchConfig = field(default_factory=SearchConfig)
    weights: Weights = field(default_factory=Weights)
    retrieval: Retrieval = Retrieval.HYBRID
    query_time: QueryTimeVectors = field(default_factory=QueryTimeVectors)

    def search(
        self,
        raw: str,
        *,
        limit: int | None = None,
        languages: Sequence[str] = (),
        paths: Sequence[str] = (),
        kinds: Sequence[str] = (),
    ) -> SearchResponse:
        """Answer a query as a person typed it. Raises ``QueryError`` for a filter that makes no sense."""
        started = time.perf_counter()
        query = parse_query(raw, languages=tuple(languages), paths=tuple(paths), kinds=tuple(kinds))
        message = self._reason_for_nothing(query)
        hits = [] if message else self._answer(query, limit or self.config.limit, started)
        return SearchResponse(
            query=raw,
            hits=hits,
            states=[self.state],
            message=message or ("" if hits else NO_MATCH),
            milliseconds=round((time.perf_counter() - started) * 1000, 2),
        )

    def similar(self, path: str, line: int, *, limit: int | None = None) -> SearchResponse:
        """Chunks that do what the chunk at ``line`` (1-based) of ``path`` does, itself left out.

        Raises ``QueryError`` when nothing is indexed at that place.
        """
        started = time.perf_counter()
        row = self._row_at(path, line)
        id_ = self.snapshot.row(row)["id"]
        stored = self.store.chunk_columns([id_], CHUNK_COLUMNS).get(id_)
        if stored is None:
            raise QueryError(f"The code at {path}:{line} has just changed.", "Ask again.")
        text = embedding_text(chunk_of_row(stored))
        terms = tuple(dict.fromkeys(lexical_terms(f"{stored['symbol']} {stored['signature']} {stored['doc']}")))
        query = Query(text=text, terms=terms, kind=QueryKind.CODE, where=ChunkFilter())
        hits = self._answer(query, limit or self.config.limit, started, {row})
        return SearchResponse(
            query=f"{path}:{line}",
            hits=hits,
            states=[self.state],
            message="" if hits else NO_MATCH,
            milliseconds=round((time.perf_counter() - started) * 1000, 2),
        )

    def similar_to_text(
        self, text: str, path: str, start_line: int, end_line: int, *, limit: int | None = None
    ) -> SearchResponse:
        """Chunks that do what ``text`` does, which need not be indexed.

        It stands at these lines (1-based, inclusive) of ``path``; chunks that share one with it are left out.
        """
        started = time.perf_counter()
        terms = tuple(dict.fromkeys(lexical_terms(text)))[:_TERMS_OF_TEXT]
        query = Query(text=text, terms=terms, kind=QueryKind.CODE, where=ChunkFilter())
        message = self._reason_for_nothing(query)
        hits = (
            []
            if message
            else self._answer(query, limit or self.config.limit, started, self._rows_in(path, start_line, end_line))
        )
        return SearchResponse(
            query=f"{path}:{start_line}-{end_line}",
            hits=hits,
            states=[self.state],
            message=message or ("" if hits else NO_MATCH),
            milliseconds=round((time.perf_counter() - started) * 1000, 2),
        )

    def _reason_for_nothing(self, query: Query) -> str:
        if not self.store.has_index():
            return NO_INDEX
        if not len(self.snapshot):
            return EMPTY_INDEX
        if query.is_empty:
            return EMPTY_QUERY
        return "" if query.terms else NO_WORDS

    def _answer(self, query: Query, limit: int, started: float, without: Collection[int] = ()) -> list[Hit]:
        candidates = retrieve(
            query,
            self._embed_query(query),
            self.store,
            self.snapshot,
            self.weights,
            self.retrieval,
            partial(self._embed_missing, started + SECONDS) if self.snapshot.coverage < 1 else None,
        )
        scores = fuse(candidates, self.weights.semantic_share[query.kind])
        ranked = rank(self._ranked(candidates, scores, without), query, self.weights)
        return self._hits(ranked, candidates, limit)

    def _embed_query(self, query: Query) -> Floats | None:
        if self.provider is None or self.retrieval is Retrieval.LEXICAL:
            return None
        instruction = InstructionType.CODE2CODE_QUERY if query.kind is QueryKind.CODE else InstructionType.NL2CODE_QUERY
        return self.provider.embed_text(query.text, instruction)

    def _embed_missing(self, deadline: float, rows: Indices) -> tuple[Indices, Floats]:
        """Vectors for the first few chunks that have none; not stored, the index run will do that."""
        chosen = [int(row) for row in rows[: self.config.query_time_embeddings]]
        stored = self.store.chunk_columns([self._id(row) for row in chosen], CHUNK_COLUMNS)
        texts = {row: embedding_text(chunk_of_row(stored[id_])) for row in chosen if (id_ := self._id(row)) in stored}
        if self.provider is None or not texts:
            return np.empty(0, np.int64), np.empty((0, 0), np.float32)
        hashes = {row: self.snapshot.row(row)["content_hash"] for row in texts}
        known = self.query_time.get(
            self.provider, [(hashes[row], text) for row, text in texts.items()], deadline=deadline
        )
        found = [row for row in texts if hashes[row] in known]
        if not found:
            return np.empty(0, np.int64), np.empty((0, 0), np.float32)
        return np.array(found, np.int64), np.stack([known[hashes[row]] for row in found])

    def _id(self, row: int) -> str:
        id_: str = self.snapshot.column("id")[row].as_py()
        return id_

    def _ranked(self, candidates: Candidates, scores: Floats, without: Collection[int]) -> list[Ranked]:
        table = self.snapshot.catalogue.take(candidates.rows)
        columns = zip(
            candidates.rows.tolist(),
            scores.tolist(),
            *(table[name].to_pylist() for name in ("path", "symbol", "qualified_name", "kind")),
            strict=True,
        )
        return [Ranked(*values) for values in columns if values[0] not in without]

    def _hits(self, ranked: Sequence[Ranked], candidates: Candidates, limit: int) -> list[Hit]:
        """The best ``limit`` that still exist, with their lines as they are now."""
        evidence = _EvidenceOf(candidates)
        hits: list[Hit] = []
        for batch in batched(ranked, limit):
            stored = self.store.chunk_columns([self._id(item.row) for item in batch], CHUNK_COLUMNS)
            for item in batch:
                row = stored.get(self._id(item.row))
                hit = row and self._hit(item, row, evidence(item))
                if hit:
                    hits.append(hit)
                if len(hits) == limit:
                    return hits
        return hits

    def _hit(self, item: Ranked, row: dict[str, object], evidence: Evidence) -> Hit | None:
        chunk = chunk_of_row(row)
        snippet = locate(self.folder, chunk.path, chunk.start_line, chunk.end_line, chunk.text)
        if snippet is None:
            return None
        return Hit(
            folder=str(self.folder),
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

    def _rows_of(self, path: str) -> Indices:
        name = path.encode("utf-8", "replace").decode("utf-8")  # no path in the index has half a character
        rows: Indices = np.flatnonzero(pc.equal(self.snapshot.column("path"), name).to_numpy(zero_copy_only=False))
        return rows

    def _rows_in(self, path: str, start_line: int, end_line: int) -> set[int]:
        """The chunks that share a line with this span."""
        rows = self._rows_of(path)
        starts = self.snapshot.column("start_line").to_numpy()[rows]
        ends = self.snapshot.column("end_line").to_numpy()[rows]
        return set(rows[(starts <= end_line) & (ends >= start_line)].tolist())

    def _row_at(self, path: str, line: int) -> int:
        """The smallest chunk that holds the line, or else the nearest one in the file."""
        rows = self._rows_of(path)
        if not len(rows):
            raise QueryError(f"'{path}' is not in the index.", "Name an indexed file, relative to the folder.")
        starts = self.snapshot.column("start_line").to_numpy()[rows]
        ends = self.snapshot.column("end_line").to_numpy()[rows]
        distance = np.maximum(np.maximum(starts - line, line - ends), 0)
        return int(rows[np.lexsort((ends - starts, distance))[0]])


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
