"""How systems rank the code for labelled queries: by vectors alone, and through the whole search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from codecontext.adapters import AdapterInfo
from codecontext.core.progress import CancelToken, Progress
from codecontext.embeddings.base import BatchCallback, EmbeddingProvider, EmbeddingSpace, InstructionType, Vectors
from codecontext.search.config import SearchConfig
from codecontext.search.results import Hit, SearchState
from codecontext.search.searcher import Searcher
from codecontext.store.snapshot import Snapshot
from codecontext.training.data.corpus import Corpus
from codecontext.training.data.labels import Labelled
from codecontext.training.data.pairs import CodeSpan
from codecontext.training.data.workbench import Workbench
from codecontext.training.evaluation.metrics import Ranking, Rankings

DENSE_DEPTH = 100
SEARCH_DEPTH = 20
_PROGRESS_EVERY = 10


def rankings_of(
    bench: Workbench, provider: EmbeddingProvider, corpus: Corpus, queries: Sequence[Labelled], stage: str
) -> Rankings:
    """How ``provider`` ranks, with the vectors of its own space; the corpus is embedded in it where it has to be."""
    space = provider.space
    if corpus.snapshot.space_id != space.space_id:
        if corpus.folder != bench.folder:
            bench.builder.embed(provider, bench.on_progress, bench.cancel)
        corpus = corpus.in_space(space.space_id)
    texts = [query.text for query in queries]
    vectors = provider.embed_batch(texts, InstructionType.NL2CODE_QUERY, cancel=bench.cancel)
    return Rankings(
        dense=rank_by_vectors(corpus, queries, vectors),
        search=rank_by_search(bench, corpus, queries, vectors, space, stage),
    )


def rank_by_vectors(corpus: Corpus, queries: Sequence[Labelled], vectors: Vectors) -> list[Ranking]:
    """The chunks nearest to each query vector; ``vectors`` has shape (queries, dimension)."""
    return [_dense_ranking(corpus.snapshot, vector, query) for query, vector in zip(queries, vectors, strict=True)]


def rank_by_search(
    bench: Workbench,
    corpus: Corpus,
    queries: Sequence[Labelled],
    vectors: Vectors,
    space: EmbeddingSpace,
    stage: str,
) -> list[Ranking]:
    """What a user would see for each query: keyword and semantic search fused, all ranking rules applied.

    ``space`` is that of the documents. Raises ``OperationCancelled``.
    """
    known = {query.text: vector for query, vector in zip(queries, vectors, strict=True)}
    searcher = Searcher(
        folder=corpus.folder,
        store=corpus.store,
        snapshot=corpus.snapshot,
        provider=KnownVectors(space, known),
        state=SearchState(space=space.space_id),
        config=SearchConfig(limit=SEARCH_DEPTH, query_time_embeddings=0),
    )
    rankings: list[Ranking] = []
    for number, query in enumerate(queries, start=1):
        bench.cancel.check()
        rankings.append(_search_ranking(searcher.search(query.pair.query).hits, query))
        if number % _PROGRESS_EVERY == 0 or number == len(queries):
            bench.on_progress(Progress(stage, number, len(queries)))
    return rankings


def _dense_ranking(snapshot: Snapshot, vector: Vectors, query: Labelled) -> Ranking:
    place = query.place_of_row()
    nearest = snapshot.nearest(vector, DENSE_DEPTH).tolist()
    return Ranking([place.get(row) for row in nearest], len(query.places))


def _search_ranking(hits: Sequence[Hit], query: Labelled) -> Ranking:
    wanted = query.pair.code
    return Ranking([_place_shown(hit, wanted) for hit in hits], len(query.places))


def _place_shown(hit: Hit, wanted: Sequence[CodeSpan]) -> int | None:
    return next(
        (
            number
            for number, span in enumerate(wanted)
            if hit.path == span.path and hit.start_line <= span.end_line and hit.end_line >= span.start_line
        ),
        None,
    )


class KnownVectors(EmbeddingProvider):
    """Returns the vectors it was given, by text, so that a whole evaluation embeds its queries in a few batches."""

    def __init__(self, space: EmbeddingSpace, vectors: Mapping[str, Vectors]) -> None:
        self._space = space
        self._vectors = vectors

    def initialize(self) -> None:
        """Nothing to load."""

    @property
    def space(self) -> EmbeddingSpace:
        """The space of the documents that the queries are compared with."""
        return self._space

    @property
    def adapter(self) -> AdapterInfo | None:
        """None: which adapter made the vectors is the evaluation's business."""
        return None

    def embed_batch(
        self,
        texts: Sequence[str],
        instruction_type: InstructionType,  # noqa: ARG002 - all are queries
        *,
        names: Sequence[str] | None = None,  # noqa: ARG002
        cancel: CancelToken | None = None,  # noqa: ARG002
        on_batch: BatchCallback | None = None,  # noqa: ARG002
    ) -> Vectors:
        """The vectors of ``texts``, all of which must be known."""
        return np.stack([self._vectors[text] for text in texts])

    def close(self) -> None:
        """Nothing to free."""
