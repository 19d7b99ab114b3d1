"""``Engine``: one folder's model, adapter, index and search behind a few methods."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from codecontext.chunking import CHUNK_FORMAT
from codecontext.config import Settings
from codecontext.core.errors import AdapterError, ConfigError, IndexCorrupt, ModelUnavailable
from codecontext.core.private import close_loose
from codecontext.core.progress import CancelToken, ProgressCallback, ignore_progress
from codecontext.embeddings import EmbeddingProvider
from codecontext.embeddings.huggingface.provider import HuggingFaceEmbeddingProvider
from codecontext.embeddings.pytorch.model import without_peft
from codecontext.engine.folder_state import FolderDetails, Problem, ProblemKind, partly_embedded
from codecontext.indexing.pipeline import Indexer
from codecontext.indexing.reader import FileReader, InProcessReader
from codecontext.indexing.report import IndexReport
from codecontext.search.config import Retrieval, Weights
from codecontext.search.log import SearchLog
from codecontext.search.query_time import QueryTimeVectors
from codecontext.search.results import SearchResponse, SearchState
from codecontext.search.searcher import Searcher
from codecontext.store.embedding_cache import EmbeddingCache
from codecontext.store.index_store import IndexStore
from codecontext.store.locations import cache_directory, index_directory, search_log_file
from codecontext.store.manifest import read_manifest
from codecontext.store.snapshot import Snapshot, empty_snapshot, take_snapshot

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Serving:
    """What answers searches, and why that is less than what the settings ask for."""

    provider: EmbeddingProvider | None = None
    """None for keyword search only."""
    problem: Problem | None = None

    @property
    def space_id(self) -> str:
        """Space that queries are compared in; empty for keyword search only."""
        return self.provider.space.space_id if self.provider else ""


class Engine:
    """Indexes and searches one folder with the given settings.

    Nothing heavy happens before the first call that needs it. The provider raises; the engine decides:
    while an adapter or the model is at fault, what still works answers, and every answer says what is
    missing.

    By itself it loads what the settings name and reads the index again whenever that changed, which suits a
    command. Somebody who keeps it for long says what serves (``serve``) and when to look (``refresh``); then
    searching never waits for either.
    """

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        *,
        provider: EmbeddingProvider | None = None,
        weights: Weights | None = None,
    ) -> None:
        self.folder = folder.resolve()
        if not self.folder.is_dir():
            raise ConfigError(f"'{folder}' is not a folder.", "Name a folder to index and search.")
        self.settings = settings
        self._owns_provider = provider is None
        self._provider = provider or HuggingFaceEmbeddingProvider(
            settings.embeddings.huggingface, chunk_format=CHUNK_FORMAT
        )
        self._weights = weights or Weights()
        self._store = IndexStore(index_directory(self.folder))
        close_loose(self._store.directory)
        self._cache = EmbeddingCache(
            cache_directory() / "embeddings.sqlite", max_bytes=settings.storage.cache_mb * 1_000_000
        )
        self._snapshot: Snapshot | None = None
        self._query_time = QueryTimeVectors()
        self._pinned: tuple[Serving, Snapshot] | None = None
        self._pinning = threading.Lock()

    @property
    def store(self) -> IndexStore:
        """The tables of the index."""
        return self._store

    def serve(self, serving: Serving) -> None:
        """From now on let exactly this answer, in one step: no answer mixes it with what was before.

        Tables that are damaged count as empty until ``refresh`` can read them.
        """
        try:
            snapshot = self._fitting(serving, self._pinned)
        except IndexCorrupt as error:
            logger.warning("%s", error)
            snapshot = empty_snapshot(serving.space_id)
        with self._pinning:
            self._pinned = (serving, snapshot)

    def refresh(self) -> None:
        """Let what serves see what was written to the index since. Raises ``IndexCorrupt``."""
        pinned = self._pinned
        if pinned is not None:
            serving, snapshot = pinned
            fresh = self._fitting(serving, pinned)
            with self._pinning:
                # Somebody else may have begun to serve meanwhile; then that is newer still.
                if fresh is not snapshot and self._pinned is pinned:
                    self._pinned = (serving, fresh)

    def is_behind(self) -> bool:
        """Whether something was written to the index that what serves does not see. Raises ``IndexCorrupt``."""
        pinned = self._pinned
        return pinned is not None and self._store.versions(pinned[0].space_id) != pinned[1].versions

    def snapshot(self) -> Snapshot | None:
        """What serves now sees this much of the index; None before ``serve``."""
        return self._pinned[1] if self._pinned else None

    def indexer(self, provider: EmbeddingProvider, reader: FileReader | None = None) -> Indexer:
        """Who writes the index, with the vectors of ``provider``."""
        return Indexer(
            self.folder,
            self._store,
            self._cache,
            provider,
            self.settings.indexing,
            self.settings.chunking,
            reader or InProcessReader(),
        )

    def index(
        self,
        *,
        force: bool = False,
        on_progress: ProgressCallback = ignore_progress,
        cancel: CancelToken | None = None,
        reader: FileReader | None = None,
    ) -> IndexReport:
        """Bring the index up to date; see ``Indexer.run``. Files are read in this process unless ``reader`` does."""
        return self.indexer(self._provider, reader).run(force=force, on_progress=on_progress, cancel=cancel)

    def search(
        self,
        query: str,
        *,
        limit: int | None = None,
        languages: Sequence[str] = (),
        paths: Sequence[str] = (),
        kinds: Sequence[str] = (),
        retrieval: Retrieval = Retrieval.HYBRID,
    ) -> SearchResponse:
        """Answer a question in words or a symbol's name. Raises ``QueryError`` for a bad filter."""
        searcher = self._searcher(retrieval)
        return searcher.search(query, limit=limit, languages=languages, paths=paths, kinds=kinds)

    def similar(self, path: str, line: int, *, limit: int | None = None) -> SearchResponse:
        """Find code like the code at ``line`` (1-based) of ``path`` (relative to the folder)."""
        return self._searcher(Retrieval.HYBRID).similar(path, line, limit=limit)

    def similar_to_text(
        self, text: str, path: str, start_line: int, end_line: int, *, limit: int | None = None
    ) -> SearchResponse:
        """Find code like ``text``, which stands at these lines (1-based, inclusive) of ``path`` and is left out."""
        return self._searcher(Retrieval.HYBRID).similar_to_text(text, path, start_line, end_line, limit=limit)

    def record_opened(self, query: str, path: str, start_line: int, end_line: int) -> bool:
        """Log that a hit was opened, if the user lets searches be kept (``search.keep_log``); whether it was.

        Raises ``StoreError`` when the disk refuses.
        """
        if not self.settings.search.keep_log:
            return False
        SearchLog(search_log_file(self.folder)).record(query, path, start_line, end_line)
        return True

    def status(self) -> FolderDetails:
        """Tell what is indexed. Loads no model."""
        manifest = read_manifest(self._store.directory)
        huggingface = self.settings.embeddings.huggingface
        details = FolderDetails(
            folder=str(self.folder),
            indexed=self._store.has_index(),
            index_directory=str(self._store.directory),
            model=huggingface.model_name,
            wanted_adapter_path=huggingface.lora_adapter_path,
            idle_minutes=self.settings.engine.idle_minutes,
            log_level=self.settings.logging.level,
            cache_bytes=self._cache.size_bytes(),
        )
        if manifest is None or not details.indexed:
            return details
        snapshot = self._current_snapshot(manifest.spaces[0] if manifest.spaces else "")
        return details.model_copy(
            update={
                "files": len(manifest.files),
                "chunks": len(snapshot),
                "coverage": snapshot.coverage,
                "revision": sum(snapshot.versions),
                "space": snapshot.space_id,
                "languages": dict(Counter(snapshot.column("language").to_pylist()).most_common()),
                "skipped": len(manifest.skipped),
                "skipped_by_reason": dict(Counter(item.reason for item in manifest.skipped).most_common()),
                "skipped_files": manifest.skipped,
                "index_bytes": self._store.size_bytes(),
                "notices": tuple(manifest.notices),
            }
        )

    def close(self) -> None:
        """Free the cache, and the model unless it was handed in."""
        if self._owns_provider:
            self._provider.close()
        self._cache.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _searcher(self, retrieval: Retrieval) -> Searcher:
        serving, snapshot = self._pinned or self._loaded(retrieval)
        if retrieval is Retrieval.LEXICAL:
            serving = Serving()
        return Searcher(
            folder=self.folder,
            store=self._store,
            snapshot=snapshot,
            provider=serving.provider,
            state=self._state(serving, snapshot),
            config=self.settings.search,
            weights=self._weights,
            retrieval=retrieval,
            query_time=self._query_time,
        )

    def _loaded(self, retrieval: Retrieval) -> tuple[Serving, Snapshot]:
        """What the settings name, loaded now."""
        serving = self._load_model() if retrieval is not Retrieval.LEXICAL else Serving()
        return serving, self._current_snapshot(serving.space_id)

    def _load_model(self) -> Serving:
        try:
            self._provider.initialize()
        except AdapterError as error:
            return Serving(self._provider, _without_adapter(error))
        except ModelUnavailable as error:
            return Serving(None, Problem.of(ProblemKind.MODEL, error, "Keyword search only"))
        wanted = self.settings.embeddings.huggingface.lora_adapter_path
        if wanted and self._provider.adapter is None:
            return Serving(self._provider, _without_adapter(AdapterError(without_peft(wanted))))
        return Serving(self._provider)

    def _state(self, serving: Serving, snapshot: Snapshot) -> SearchState:
        adapter = serving.provider.adapter if serving.provider else None
        problem = serving.problem or self._incomplete(snapshot, serving)
        return SearchState(
            folder=str(self.folder),
            space=serving.space_id,
            adapter=str(adapter.path) if adapter else None,
            fingerprint=adapter.fingerprint if adapter else None,
            coverage=round(snapshot.coverage, 4) if serving.provider else 0.0,
            degraded=str(problem) if problem else None,
        )

    def _incomplete(self, snapshot: Snapshot, serving: Serving) -> Problem | None:
        if serving.provider is None:
            return None
        hint = "Indexing continues in the background." if self._pinned else "Run 'codecontext index'."
        return partly_embedded(snapshot.coverage, len(snapshot), hint)

    def _fitting(self, serving: Serving, known: tuple[Serving, Snapshot] | None) -> Snapshot:
        """A snapshot of the space that ``serving`` needs, the known one if it is that and still right."""
        space_id = serving.space_id
        versions = self._store.versions(space_id)
        if known is not None and known[1].space_id == space_id and known[1].versions == versions:
            return known[1]
        return take_snapshot(self._store, space_id)

    def _current_snapshot(self, space_id: str) -> Snapshot:
        versions = self._store.versions(space_id)
        known = self._snapshot
        if known is None or known.space_id != space_id or known.versions != versions:
            self._snapshot = known = take_snapshot(self._store, space_id)
        return known


def _without_adapter(error: AdapterError) -> Problem:
    return Problem.of(ProblemKind.ADAPTER, error, "Using the base model without the adapter")
