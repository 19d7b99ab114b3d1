"""Evaluator: measures an adapter against the base model or another adapter, on one repository."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from pathlib import Path

from codecontext.adapters import AdapterInfo, inspect_adapter
from codecontext.core.errors import TrainingError
from codecontext.core.paths import index_directory
from codecontext.core.progress import Progress
from codecontext.embeddings.base import EmbeddingProvider
from codecontext.indexing.pipeline import Indexer
from codecontext.store.index_store import IndexStore
from codecontext.store.snapshot import take_snapshot
from codecontext.training.data.corpus import Corpus
from codecontext.training.data.labels import label
from codecontext.training.data.pairs import Pair, read_pairs, without_keys
from codecontext.training.data.split import MAX_TEST_PAIRS, MIN_TEST_PAIRS, sample, split_pairs
from codecontext.training.data.staleness import require_current_index
from codecontext.training.data.workbench import Workbench
from codecontext.training.evaluation.metrics import summarise
from codecontext.training.evaluation.rankings import rankings_of
from codecontext.training.evaluation.results import Evaluation, QuerySet, SystemName, Verdict
from codecontext.training.release.artifact import TrainingRecord, read_record

BASE = "base"


class Evaluator:
    """Measures an adapter, or the base model, against another on the folder of a workbench.

    ``adapter`` and ``against`` are folders of adapters; None is the base model.
    """

    def __init__(self, bench: Workbench, adapter: Path | None, against: Path | None) -> None:
        self._bench = bench
        self._paths = (against, adapter)
        self._names = tuple(map(_name_of, self._paths))

    def evaluate(self, pairs_file: Path | None = None, queries_file: Path | None = None) -> Evaluation:
        """Run held-out pairs, and the labelled queries of a file where one is given.

        Raises ``IndexNotReady`` for a stale index, ``AdapterError`` for an adapter that does not fit,
        ``TrainingError`` where there is nothing to measure with, and ``OperationCancelled``.
        """
        started = time.perf_counter()
        bench = self._bench
        store = IndexStore(index_directory(bench.folder))
        require_current_index(bench.folder, store, bench.settings.indexing)
        own_queries = read_pairs(queries_file) if queries_file else []
        providers = self._load()
        material = bench.material(pairs_file)
        record = self._record()
        test = split_pairs(material.pairs, record.settings.seed if record else 0).test
        if len(test) < MIN_TEST_PAIRS and not own_queries:
            raise TrainingError(
                f"{bench.folder} yields only {len(test)} held-out pairs, too few to measure with.",
                f"At least {MIN_TEST_PAIRS} are needed; alternatively, pass your own queries with --queries.",
            )
        corpus = bench.corpus(material)
        enough = len(test) >= MIN_TEST_PAIRS
        pairs = self._over(sample(test, MAX_TEST_PAIRS), corpus, providers) if enough else None
        own = self._over_own(own_queries, store, providers) if own_queries else None
        deciding = own or pairs
        return Evaluation(
            folder=str(bench.folder),
            adapter=self._names[1],
            against=self._names[0],
            base_model=bench.base.config.model_name,
            chunks=len(corpus.snapshot),
            pairs=pairs,
            own=own,
            helps_search=deciding is not None and deciding.verdict is Verdict.BETTER,
            seconds=round(time.perf_counter() - started, 1),
        )

    def _load(self) -> list[EmbeddingProvider]:
        """Both systems; one after the other, since each may have to be prepared."""
        self._bench.on_progress(Progress("loading model", 0, 0))
        base = self._bench.base
        return [base.beside(path) if path else base for path in self._paths]

    def _record(self) -> TrainingRecord | None:
        path = self._paths[1]
        return read_record(path) if path else None

    def _over_own(self, queries: Sequence[Pair], store: IndexStore, providers: list[EmbeddingProvider]) -> QuerySet:
        """The user's own queries, run against the folder's own index."""
        bench = self._bench
        for provider in providers:
            if take_snapshot(store, provider.space.space_id).coverage < 1:
                indexer = Indexer(
                    bench.folder, store, bench.cache, provider, bench.settings.indexing, bench.settings.chunking
                )
                indexer.update_vectors(provider, activate=False, on_progress=bench.on_progress, cancel=bench.cancel)
                bench.cancel.check()
        snapshot = take_snapshot(store, providers[0].space.space_id)
        return self._over(queries, Corpus(bench.folder, store, snapshot), providers)

    def _over(self, pairs: Sequence[Pair], corpus: Corpus, providers: list[EmbeddingProvider]) -> QuerySet:
        unseen = without_keys(pairs, self._trained_queries())
        queries = label(unseen, corpus.places)
        if not queries:
            raise TrainingError(
                "None of the queries can be used: either the code is not in the index, or the adapter was trained on "
                "them.",
                "Write paths relative to the folder, and use queries that the adapter was not trained on.",
            )
        before, after = (
            rankings_of(self._bench, provider, corpus, queries, f"searching with {name.name}")
            for provider, name in zip(providers, self._names, strict=True)
        )
        result = summarise(queries, before, after)
        return result.model_copy(update={"left_out": len(pairs) - len(unseen), "not_found": len(unseen) - len(queries)})

    def _trained_queries(self) -> Collection[str]:
        records = [read_record(path) for path in self._paths if path]
        return {key for record in records if record for key in record.trained_queries}


def _name_of(path: Path | None) -> SystemName:
    if path is None:
        return SystemName(name=BASE)
    info: AdapterInfo = inspect_adapter(path)
    return SystemName(name=info.name, path=str(path), fingerprint=info.fingerprint, side=info.side.value)
