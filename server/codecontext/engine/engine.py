"""``Engine``: one folder's model, adapter, index and search behind a few methods."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from codecontext.chunking import CHUNK_FORMAT
from codecontext.config import Settings, load_settings
from codecontext.core.errors import AdapterError, CodeContextError, ConfigError, IndexCorrupt, ModelUnavailable
from codecontext.core.paths import cache_directory, index_directory, search_log_file
from codecontext.core.private import close_loose
from codecontext.core.progress import CancelToken, ProgressCallback, ignore_progress
from codecontext.embeddings import EmbeddingProvider
from codecontext.engine.folder_state import FolderDetails, Problem, ProblemKind, partly_embedded
from codecontext.engine.folders import existing_folder
from codecontext.engine.last_use import note_use
from codecontext.search.config import Retrieval, Weights
from codecontext.search.log import SearchLog
from codecontext.search.query_time import QueryTimeVectors
from codecontext.search.results import SearchResponse, SearchState
from codecontext.store.embedding_cache import EmbeddingCache
from codecontext.store.index_store import IndexStore
from codecontext.store.records import OUTDATED_INDEX, SkippedFile
from codecontext.store.snapshot import Snapshot, empty_snapshot, take_snapshot

if TYPE_CHECKING:  # what a search, an index run or a look at the index does not need is imported by what needs it
    from codecontext.indexing.pipeline import Indexer
    from codecontext.indexing.reader import FileReader
    from codecontext.indexing.report import IndexReport
    from codecontext.search.searcher import Searcher

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Active:
    """What searches use, and why that is less than what the settings ask for."""

    provider: EmbeddingProvider | None = None
    """None for keyword search only."""
    problem: Problem | None = None

    @property
    def space_id(self) -> str:
        """Space that searches compare in; empty for keyword search only."""
        return self.provider.space.space_id if self.provider else ""


def keyword_only(error: CodeContextError) -> Active:
    """No model can be used, for this reason."""
    return Active(None, Problem.of(ProblemKind.MODEL, error, "Keyword search only"))


def instead_of_adapter(used: str, adapter: str | Path, error: CodeContextError) -> Problem:
    """What every result says while something else is used than the configured adapter."""
    return Problem.of(ProblemKind.ADAPTER, error, f"Using {used} instead of the adapter {adapter}")


class Engine:
    """Indexes and searches one folder.

    Nothing heavy happens before the first call that needs it. Searches use what is active, a model with or without an
    adapter, and the index as far as it has been read. The provider raises; the engine decides: when the adapter or the
    model cannot be used, what still works is active, and every result says what is missing.

    Each search first activates what the settings name and reads what was written to the index. The service, whose
    searches must not wait for either, does that itself with ``activate`` and ``refresh``.
    """

    def __init__(
        self,
        folder: str | Path,
        settings: Settings,
        *,
        provider: EmbeddingProvider | None = None,
        weights: Weights | None = None,
    ) -> None:
        """See ``open``, which also reads the settings. A ``provider`` that is given is not closed.

        Raises ``ConfigError`` if ``folder`` is not a folder.
        """
        self.folder = Path(folder).resolve()
        if not self.folder.is_dir():
            raise ConfigError(f"'{folder}' is not a folder.", "Name a folder to index and search.")
        self.settings = settings
        self._given_provider = provider
        self._own_provider: EmbeddingProvider | None = None
        self._weights = weights or Weights()
        self._store = IndexStore(index_directory(self.folder))
        close_loose(self._store.directory)
        self._cache = EmbeddingCache(
            cache_directory() / "embeddings.sqlite", max_bytes=settings.storage.cache_mb * 1_000_000
        )
        self._query_time = QueryTimeVectors()
        self._current = Active(), empty_snapshot("")
        self._switching = threading.Lock()
        self._is_managed = False

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """An engine for ``folder`` with the settings that the command line would use there.

        ``with Engine.open("project") as engine:`` closes it at the end. Raises ``ConfigError`` for a folder that does
        not exist and for invalid settings.
        """
        place = existing_folder(Path(folder))
        loaded = load_settings(place)
        for warning in loaded.warnings:
            logger.warning("%s", warning)
        return cls(place, loaded.settings)

    @property
    def _provider(self) -> EmbeddingProvider:
        """The provider that was given, else one of the settings' model, which is loaded by who needs it."""
        from codecontext.embeddings.huggingface.provider import HuggingFaceEmbeddingProvider

        if self._given_provider is not None:
            return self._given_provider
        if self._own_provider is None:
            self._own_provider = HuggingFaceEmbeddingProvider(
                self.settings.embeddings.huggingface, chunk_format=CHUNK_FORMAT
            )
        return self._own_provider

    @property
    def store(self) -> IndexStore:
        """The tables of the index."""
        return self._store

    def activate(self, active: Active) -> None:
        """Use exactly this from now on, in one step: no result mixes it with what was active before.

        From the first call on, ``refresh`` is up to the caller, too. Tables that are damaged count as empty until it
        can read them.
        """
        self._is_managed = True
        try:
            self._switch(active)
        except IndexCorrupt as error:
            logger.warning("%s", error)
            with self._switching:
                self._current = active, empty_snapshot(active.space_id)

    def refresh(self) -> None:
        """Let searches see what was written to the index since. Raises ``IndexCorrupt``."""
        current = self._current
        fresh = self._fitting(current[0])
        with self._switching:
            # Something else may have been activated meanwhile; then that is newer still.
            if fresh is not current[1] and self._current is current:
                self._current = current[0], fresh

    def is_behind(self) -> bool:
        """Whether something was written to the index that searches do not see. Raises ``IndexCorrupt``."""
        active, snapshot = self._current
        return self._store.versions(active.space_id) != snapshot.versions

    def snapshot(self) -> Snapshot:
        """What searches see of the index."""
        return self._current[1]

    def indexer(self, provider: EmbeddingProvider, reader: FileReader | None = None) -> Indexer:
        """What writes the index, with the vectors of ``provider``."""
        from codecontext.indexing.pipeline import Indexer
        from codecontext.indexing.reader import InProcessReader

        return Indexer(
            self.folder,
            self._store,
            self._cache,
            provider,
            self.settings.indexing,
            self.settings.chunking,
            reader or InProcessReader(),
            self._current[1],
        )

    def index(
        self,
        *,
        force: bool = False,
        on_progress: ProgressCallback = ignore_progress,
        cancel: CancelToken | None = None,
        reader: FileReader | None = None,
    ) -> IndexReport:
        """Bring the index up to date with the configured model; ``force`` rebuilds it. Searches see it at once.

        With the setting ``indexing.vectors`` off no model is loaded.

        Files are read in this process unless by ``reader``. When cancelled, what was finished is kept. Raises
        ``AdapterError``, ``ModelUnavailable``, ``EmbeddingError``, ``IndexLocked`` and ``StoreError``.
        """
        indexer = self.indexer(self._provider, reader)
        step = indexer.run if self.settings.indexing.vectors else indexer.update_text
        report = step(force=force, on_progress=on_progress, cancel=cancel)
        report.notices += self.bound_disk()
        return report

    def bound_disk(self) -> list[str]:
        """Keep all indexes within the setting ``storage.index_mb``; returns what went. Raises ``StoreError``."""
        from codecontext.engine.disk_bound import bound_indexes

        self.note_use()
        max_mb = self.settings.storage.index_mb
        return bound_indexes(max_mb, self._store.directory) if max_mb is not None else []

    def note_use(self) -> None:
        """Record that the index is in use now: of all, those unused for longest go first."""
        note_use(self._store.directory)

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
        """Find code by a question or a symbol's name. Raises ``QueryError`` for a bad filter.

        ``limit`` defaults to the settings'. A language, path (glob) or kind that begins with ``!`` is left out.
        """
        searcher = self._searcher(retrieval)
        return searcher.search(query, limit=limit, languages=languages, paths=paths, kinds=kinds)

    def similar(self, path: str, line: int, *, limit: int | None = None) -> SearchResponse:
        """Find code similar to the code at ``line`` (1-based) of ``path`` (relative to the folder)."""
        return self._searcher(Retrieval.HYBRID).similar(path, line, limit=limit)

    def similar_to_text(
        self, text: str, path: str, start_line: int, end_line: int, *, limit: int | None = None
    ) -> SearchResponse:
        """Find code similar to ``text``, which is left out: it is at these lines (1-based, inclusive) of ``path``."""
        return self._searcher(Retrieval.HYBRID).similar_to_text(text, path, start_line, end_line, limit=limit)

    def record_opened(self, query: str, path: str, start_line: int, end_line: int) -> bool:
        """Log that a hit was opened, if the user allows it (``search.keep_log``); returns whether it was logged.

        Raises ``StoreError`` when the disk refuses.
        """
        if not self.settings.search.keep_log:
            return False
        SearchLog(search_log_file(self.folder)).record(query, path, start_line, end_line)
        return True

    def status(self) -> FolderDetails:
        """Tell what is indexed. Loads no model."""
        state = self._store.state()
        huggingface = self.settings.embeddings.huggingface
        details = FolderDetails(
            folder=str(self.folder),
            indexed=self._store.has_index(),
            index_directory=str(self._store.directory),
            keyword_only=not self.settings.indexing.vectors,
            model=huggingface.model_name,
            wanted_adapter_path=huggingface.lora_adapter_path,
            idle_minutes=self.settings.engine.idle_minutes,
            log_level=self.settings.logging.level,
            cache_bytes=self._cache.size_bytes(),
        )
        if not details.indexed:
            return details.model_copy(update={"notices": (OUTDATED_INDEX,)}) if self._store.is_outdated() else details
        snapshot = take_snapshot(self._store, next(iter(state.spaces), ""))
        return details.model_copy(
            update={
                "files": state.files,
                "chunks": len(snapshot),
                "coverage": snapshot.coverage if self.settings.indexing.vectors else 1.0,
                "revision": sum(snapshot.versions),
                "space": snapshot.space_id,
                "languages": snapshot.languages(),
                "skipped": len(skipped := self._store.skipped()),
                "skipped_by_reason": self._store.skipped_by_reason(),
                "skipped_files": [
                    SkippedFile(path=entry.path, reason=entry.reason, detail=entry.detail) for entry in skipped
                ],
                "index_bytes": self._store.size_bytes(),
                "notices": tuple(state.notices),
            }
        )

    def close(self) -> None:
        """Let go of the index and the cache, and of the model unless it was given."""
        if self._own_provider is not None:
            self._own_provider.close()
        self._cache.close()
        self._store.close()

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
        from codecontext.search.searcher import Searcher

        if not self._is_managed:
            self.note_use()
            self._activate_configured(retrieval)
        active, snapshot = self._current
        if retrieval is Retrieval.LEXICAL:
            active = Active()
        return Searcher(
            folder=self.folder,
            store=self._store,
            snapshot=snapshot,
            provider=active.provider,
            state=self._state(active, snapshot),
            config=self.settings.search,
            weights=self._weights,
            retrieval=retrieval,
            query_time=self._query_time,
        )

    def _activate_configured(self, retrieval: Retrieval) -> None:
        """Activate what the settings name where a model is needed. Raises ``IndexCorrupt``."""
        if retrieval is Retrieval.LEXICAL:
            self.refresh()
        else:
            self._switch(self._load_configured() if self.settings.indexing.vectors else Active())

    def _load_configured(self) -> Active:
        provider = self._provider
        adapter = self.settings.embeddings.huggingface.lora_adapter_path or ""
        try:
            provider.initialize()
        except AdapterError as error:
            return Active(provider, instead_of_adapter("the base model", adapter, error))
        except ModelUnavailable as error:
            return keyword_only(error)
        problem = provider.adapter_problem
        return Active(provider, instead_of_adapter("the base model", adapter, problem) if problem else None)

    def _switch(self, active: Active) -> None:
        """Make it active with the index as it is now. Raises ``IndexCorrupt``."""
        snapshot = self._fitting(active)
        with self._switching:
            self._current = active, snapshot

    def _fitting(self, active: Active) -> Snapshot:
        """A snapshot of the space that ``active`` needs, the current one if it is that and still up to date."""
        known, space_id = self._current[1], active.space_id
        if known.space_id == space_id and known.versions == self._store.versions(space_id):
            return known
        return take_snapshot(self._store, space_id, known)

    def _state(self, active: Active, snapshot: Snapshot) -> SearchState:
        adapter = active.provider.adapter if active.provider else None
        problem = active.problem or self._incomplete(active, snapshot)
        return SearchState(
            folder=str(self.folder),
            space=active.space_id,
            adapter=str(adapter.path) if adapter else None,
            fingerprint=adapter.fingerprint if adapter else None,
            coverage=self._coverage(active, snapshot),
            degraded=str(problem) if problem else None,
        )

    def _coverage(self, active: Active, snapshot: Snapshot) -> float:
        if not self.settings.indexing.vectors:
            return 1.0  # none is to be embedded
        return round(snapshot.coverage, 4) if active.provider else 0.0

    def _incomplete(self, active: Active, snapshot: Snapshot) -> Problem | None:
        if active.provider is None:
            return None
        hint = "Indexing continues in the background." if self._is_managed else "Run 'codecontext index'."
        return partly_embedded(snapshot.coverage, len(snapshot), hint)
