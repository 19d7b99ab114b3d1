"""``Engine``: one folder's model, adapter, index and search behind five methods."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import BaseModel, Field

from codecontext.chunking import CHUNK_FORMAT
from codecontext.config import Settings
from codecontext.core.errors import AdapterError, ConfigError, ModelUnavailable
from codecontext.core.progress import CancelToken, ProgressCallback, ignore_progress
from codecontext.embeddings import EmbeddingProvider
from codecontext.embeddings.huggingface.provider import HuggingFaceEmbeddingProvider
from codecontext.indexing.pipeline import Indexer
from codecontext.indexing.report import IndexReport
from codecontext.search.config import Retrieval, Weights
from codecontext.search.results import SearchResponse, SearchState
from codecontext.search.searcher import Searcher
from codecontext.store.embedding_cache import EmbeddingCache
from codecontext.store.index_store import IndexStore
from codecontext.store.locations import cache_directory, index_directory
from codecontext.store.manifest import SkippedFile, read_manifest
from codecontext.store.snapshot import Snapshot, take_snapshot

logger = logging.getLogger(__name__)


class FolderStatus(BaseModel):
    """What is known of a folder's index without loading a model."""

    folder: str = Field(description="The folder.")
    indexed: bool = Field(description="Whether it has an index.")
    index_directory: str = Field(description="Where its index is kept.")
    files: int = Field(0, description="Files in the index.")
    chunks: int = Field(0, description="Chunks in the index.")
    coverage: float = Field(0.0, description="Share of chunks with a vector in the active space, 0 to 1.")
    space_id: str = Field("", description="Id of the active embedding space.")
    languages: dict[str, int] = Field(default_factory=dict, description="Chunks by language.")
    skipped: dict[str, int] = Field(default_factory=dict, description="Skipped files by reason.")
    skipped_files: list[SkippedFile] = Field(default_factory=list, description="Each skipped file and why.")
    model: str = Field("", description="The configured base model.")
    adapter: str | None = Field(None, description="The configured adapter; null for the base model alone.")
    index_bytes: int = Field(0, description="Disk space of this index.")
    cache_bytes: int = Field(0, description="Disk space of the cache that all folders share.")
    notices: list[str] = Field(default_factory=list, description="What the last run repaired or left out.")


class Engine:
    """Indexes and searches one folder with the given settings.

    Nothing heavy happens before the first call that needs it. The provider raises; the engine decides:
    while an adapter or the model is at fault, what still works answers, and every answer says what is
    missing.
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
        self._cache = EmbeddingCache(
            cache_directory() / "embeddings.sqlite", max_bytes=settings.storage.cache_mb * 1_000_000
        )
        self._snapshot: Snapshot | None = None

    def index(
        self,
        *,
        force: bool = False,
        on_progress: ProgressCallback = ignore_progress,
        cancel: CancelToken | None = None,
    ) -> IndexReport:
        """Bring the index up to date; see ``Indexer.run``."""
        indexer = Indexer(
            self.folder,
            self._store,
            self._cache,
            self._provider,
            self.settings.indexing,
            self.settings.chunking,
        )
        return indexer.run(force=force, on_progress=on_progress, cancel=cancel)

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

    def status(self) -> FolderStatus:
        """Say what the index holds. Loads no model."""
        manifest = read_manifest(self._store.directory)
        huggingface = self.settings.embeddings.huggingface
        status = FolderStatus(
            folder=str(self.folder),
            indexed=self._store.exists(),
            index_directory=str(self._store.directory),
            model=huggingface.model_name,
            adapter=huggingface.lora_adapter_path,
            cache_bytes=self._cache.size_bytes(),
        )
        if manifest is None or not status.indexed:
            return status
        snapshot = self._current_snapshot(manifest.spaces[0] if manifest.spaces else "")
        return status.model_copy(
            update={
                "files": len(manifest.files),
                "chunks": len(snapshot),
                "coverage": snapshot.coverage,
                "space_id": snapshot.space_id,
                "languages": dict(Counter(snapshot.column("language").to_pylist()).most_common()),
                "skipped": dict(Counter(item.reason for item in manifest.skipped).most_common()),
                "skipped_files": manifest.skipped,
                "index_bytes": self._store.size_bytes(),
                "notices": manifest.notices,
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
        health = self._load_model() if retrieval is not Retrieval.LEXICAL else _Health()
        snapshot = self._current_snapshot(health.space_id)
        return Searcher(
            folder=self.folder,
            store=self._store,
            snapshot=snapshot,
            provider=self._provider if health.space_id else None,
            state=self._state(health, snapshot),
            config=self.settings.search,
            weights=self._weights,
            retrieval=retrieval,
        )

    def _load_model(self) -> _Health:
        try:
            self._provider.initialize()
        except AdapterError as error:
            return _Health(self._provider.space.space_id, f"The base model answers without the adapter: {error}")
        except ModelUnavailable as error:
            return _Health("", f"Only words are compared, not meaning: {error}")
        wanted = self.settings.embeddings.huggingface.lora_adapter_path
        if wanted and self._provider.adapter is None:
            return _Health(
                self._provider.space.space_id,
                f"The base model answers without the adapter {wanted}: peft is not installed.",
            )
        return _Health(self._provider.space.space_id)

    def _state(self, health: _Health, snapshot: Snapshot) -> SearchState:
        adapter = self._provider.adapter if health.space_id else None
        return SearchState(
            space=health.space_id,
            adapter=str(adapter.path) if adapter else None,
            fingerprint=adapter.fingerprint if adapter else None,
            coverage=round(snapshot.coverage, 4) if health.space_id else 0.0,
            degraded=health.fault or self._incomplete(snapshot, health),
        )

    def _incomplete(self, snapshot: Snapshot, health: _Health) -> str | None:
        if not health.space_id or not len(snapshot) or snapshot.coverage == 1:
            return None
        if snapshot.coverage == 0:
            return "No vectors of this model and adapter yet, so words decide. Run 'codecontext index'."
        share = int(snapshot.coverage * 100)
        return f"{share} % of the code has vectors; the rest is found by its words. Run 'codecontext index'."

    def _current_snapshot(self, space_id: str) -> Snapshot:
        versions = self._store.versions(space_id)
        known = self._snapshot
        if known is None or known.space_id != space_id or known.versions != versions:
            self._snapshot = known = take_snapshot(self._store, space_id)
        return known


@dataclass(frozen=True, slots=True)
class _Health:
    """Space of the model that loaded (empty for none) and what went wrong."""

    space_id: str = ""
    fault: str | None = None
