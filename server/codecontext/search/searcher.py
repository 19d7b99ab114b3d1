"""One search from query to response: parse, retrieve, rank, check against the files."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from codecontext.chunking import embedding_text
from codecontext.core.chunk import ChunkFilter
from codecontext.core.errors import QueryError
from codecontext.core.terms import lexical_terms
from codecontext.embeddings.base import EmbeddingProvider
from codecontext.search.candidates import retrieve
from codecontext.search.config import Retrieval, SearchConfig, Weights
from codecontext.search.hits import best_hits
from codecontext.search.query import Query, QueryKind, parse_query
from codecontext.search.query_time import QueryTimeVectors
from codecontext.search.ranking import rank
from codecontext.search.results import Hit, SearchResponse, SearchState
from codecontext.store.index_store import IndexStore
from codecontext.store.records import OUTDATED_INDEX
from codecontext.store.snapshot import Snapshot

NO_INDEX = "This folder has no index yet. Run 'codecontext index' in it."
EMPTY_INDEX = "The index has no code: every file was skipped. 'codecontext status --skipped' lists why."
EMPTY_QUERY = "Type a question or a name to search for."
NO_WORDS = "The query has no letters or digits to search for."
NO_MATCH = "No results. Try fewer filters or other words."

_TERMS_OF_TEXT = 64
"""Words of a piece of code that are looked up; the first name it best, and each takes time."""


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
        """Find what a person typed. Raises ``QueryError`` for a filter that makes no sense."""
        started = time.perf_counter()
        query = parse_query(raw, languages=tuple(languages), paths=tuple(paths), kinds=tuple(kinds))
        return self._respond(raw, query, limit, started, message=self._reason_for_nothing(query))

    def similar(self, path: str, line: int, *, limit: int | None = None) -> SearchResponse:
        """Chunks that do what the chunk at ``line`` (1-based) of ``path`` does, itself left out.

        Raises ``QueryError`` when nothing is indexed at that place.
        """
        started = time.perf_counter()
        row = self._row_at(path, line)
        (key,) = self.snapshot.keys([row])
        chunk = self.store.chunks([key]).get(key)
        if chunk is None:
            raise QueryError(f"The code at {path}:{line} has just changed.", "Ask again.")
        query = _code_query(embedding_text(chunk), lexical_terms(f"{chunk.symbol} {chunk.signature} {chunk.doc}"))
        return self._respond(f"{path}:{line}", query, limit, started, without={row})

    def similar_to_text(
        self, text: str, path: str, start_line: int, end_line: int, *, limit: int | None = None
    ) -> SearchResponse:
        """Chunks that do what ``text`` does, which need not be indexed.

        It stands at these lines (1-based, inclusive) of ``path``; chunks that share one with it are left out.
        """
        started = time.perf_counter()
        query = _code_query(text, lexical_terms(text), most=_TERMS_OF_TEXT)
        return self._respond(
            f"{path}:{start_line}-{end_line}",
            query,
            limit,
            started,
            without=self._rows_in(path, start_line, end_line),
            message=self._reason_for_nothing(query),
        )

    def _respond(
        self,
        asked: str,
        query: Query,
        limit: int | None,
        started: float,
        *,
        without: Collection[int] = (),
        message: str = "",
    ) -> SearchResponse:
        hits = [] if message else self._find(query, limit or self.config.limit, started, without)
        return SearchResponse(
            query=asked,
            hits=hits,
            states=[self.state],
            message=message or ("" if hits else NO_MATCH),
            milliseconds=round((time.perf_counter() - started) * 1000, 2),
        )

    def _reason_for_nothing(self, query: Query) -> str:
        if not self.store.has_index():
            return OUTDATED_INDEX if self.store.is_outdated() else NO_INDEX
        if not len(self.snapshot):
            return EMPTY_INDEX
        if query.is_empty:
            return EMPTY_QUERY
        return "" if query.terms else NO_WORDS

    def _find(self, query: Query, limit: int, started: float, without: Collection[int]) -> list[Hit]:
        candidates = retrieve(
            query,
            self.provider,
            self.store,
            self.snapshot,
            self.weights,
            self.retrieval,
            self.query_time.embedder(
                self.provider, self.store, self.snapshot, most=self.config.query_time_embeddings, started=started
            ),
        )
        ranked = rank(candidates, self.store, self.snapshot, query, self.weights, without)
        return best_hits(ranked, candidates, self.folder, self.store, self.snapshot, limit)

    def _rows_in(self, path: str, start_line: int, end_line: int) -> set[int]:
        """The chunks that share a line with this span."""
        rows = self.snapshot.rows_of(path)
        shares = (self.snapshot.starts(rows) <= end_line) & (self.snapshot.ends(rows) >= start_line)
        return set(rows[shares].tolist())

    def _row_at(self, path: str, line: int) -> int:
        """The smallest chunk that holds the line, or else the nearest one in the file."""
        rows = self.snapshot.rows_of(path)
        if not len(rows):
            raise QueryError(f"'{path}' is not in the index.", "Name an indexed file, relative to the folder.")
        starts, ends = self.snapshot.starts(rows), self.snapshot.ends(rows)
        distance = np.maximum(np.maximum(starts - line, line - ends), 0)
        return int(rows[np.lexsort((ends - starts, distance))[0]])


def _code_query(text: str, terms: Sequence[str], most: int | None = None) -> Query:
    return Query(text=text, terms=tuple(dict.fromkeys(terms))[:most], kind=QueryKind.CODE, where=ChunkFilter())
