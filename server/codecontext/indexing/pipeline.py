"""Brings the index of a folder up to date: scan, diff by content, chunk and write, embed.

Words come before vectors: after the first stage every chunk can be found by full-text search. Each batch is
committed on its own, so stopping or a crash loses at most the batch in flight; the manifest is written last.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from codecontext import __version__
from codecontext.chunking import CHUNK_FORMAT, ChunkingConfig
from codecontext.core.errors import OperationCancelled
from codecontext.core.hashing import content_digest
from codecontext.core.progress import CancelToken, Progress, ProgressCallback, ignore_progress
from codecontext.embeddings.base import EmbeddingProvider
from codecontext.indexing.chunk_stage import ChunkStage
from codecontext.indexing.diff import find_changes
from codecontext.indexing.embed_stage import EmbedStage
from codecontext.indexing.report import IndexReport
from codecontext.indexing.scan import ScanConfig, scan_folder
from codecontext.store.embedding_cache import EmbeddingCache
from codecontext.store.index_store import IndexStore
from codecontext.store.lock import writer_lock
from codecontext.store.manifest import SCHEMA_VERSION, Manifest, SkippedFile, read_manifest, write_manifest

_SPACES_KEPT = 3
"""The active space and the ones before it, so that going back embeds nothing."""


@dataclass(slots=True)
class Indexer:
    """Writes the index of one folder. One run at a time, over all processes."""

    folder: Path
    store: IndexStore
    cache: EmbeddingCache
    provider: EmbeddingProvider
    scan: ScanConfig = field(default_factory=ScanConfig)
    chunking: ChunkingConfig = field(default_factory=ChunkingConfig)

    def run(
        self,
        *,
        force: bool = False,
        on_progress: ProgressCallback = ignore_progress,
        cancel: CancelToken | None = None,
    ) -> IndexReport:
        """Bring the index up to date and say what was done; ``force`` starts from nothing.

        When cancelled, what was finished is kept and the report says so. Raises ``IndexLocked`` while another
        process writes, ``StoreError`` when the disk refuses, and whatever the provider raises.
        """
        with writer_lock(self.store.directory):
            return _Run(self, on_progress, cancel or CancelToken()).execute(force=force)


class _Run:
    """One run: the steps of ``execute`` in order, sharing a manifest that is written at the end."""

    def __init__(self, indexer: Indexer, on_progress: ProgressCallback, cancel: CancelToken) -> None:
        self._it = indexer
        self._store = indexer.store
        self._on_progress = on_progress
        self._cancel = cancel
        self._report = IndexReport(folder=str(indexer.folder))
        self._manifest = Manifest()
        self._started = time.perf_counter()

    def execute(self, *, force: bool) -> IndexReport:
        self._open(force=force)
        try:
            self._update_chunks()
            self._save()
            self._update_vectors()
        except OperationCancelled:
            self._report.cancelled = True
        self._count()
        self._save()
        self._report.seconds = time.perf_counter() - self._started
        return self._report

    def _open(self, *, force: bool) -> None:
        """Take over what the last run left, or start anew where it cannot be used."""
        recipe = self._recipe()
        manifest = read_manifest(self._store.directory)
        if force or (manifest is not None and manifest.recipe != recipe):
            if not force:
                self._report.notices.append("The index was made by other settings or another version: built anew.")
            self._store.clear()
            manifest = None
        for table in self._store.verify():
            kept = self._store.set_aside(table)
            self._report.notices.append(f"The table '{table}' was damaged: kept as {kept}, built anew.")
        self._manifest = manifest or Manifest()
        self._manifest.folder = str(self._it.folder)
        self._manifest.recipe = recipe

    def _recipe(self) -> str:
        """Digest of all that decides how a file becomes rows; each release may cut files in another way."""
        return content_digest(str(SCHEMA_VERSION), __version__, CHUNK_FORMAT, self._it.chunking.model_dump_json())

    def _update_chunks(self) -> None:
        self._on_progress(Progress("scanning", 0, 0))
        read_at_ns = time.time_ns()
        with _timed(self._report, "scan_seconds"):
            scan = scan_folder(self._it.folder, self._it.scan, self._cancel)
        self._report.notices += scan.notes
        with _timed(self._report, "text_seconds"):
            indexed = self._store.file_digests()
            changes = find_changes(scan.files, self._manifest.files, indexed, self._manifest.read_at_ns)
            stage = ChunkStage(self._store, self._it.chunking, self._on_progress, self._cancel)
            self._store.remove_files(changes.removed)
            try:
                stage.run(changes.to_read, indexed)
            finally:
                self._manifest.files = changes.unchanged | stage.stamps
                self._manifest.read_at_ns = read_at_ns
                self._manifest.skipped = [
                    SkippedFile(path=item.path, reason=item.reason.value, detail=item.detail)
                    for item in sorted([*scan.skipped, *stage.skipped], key=lambda item: item.path)
                ]
                self._report.files_written = stage.written
                if stage.first_committed_at is not None:
                    self._report.first_seconds = stage.first_committed_at - self._started
                self._report.files_removed = len(changes.removed)
        if stage.written or changes.removed:
            self._store.optimize()

    def _update_vectors(self) -> None:
        self._on_progress(Progress("loading model", 0, 0))
        provider = self._it.provider
        provider.initialize()
        self._manifest.use_space(provider.space.space_id, keep=_SPACES_KEPT)
        self._save()
        self._report.adapter = str(provider.adapter.path) if provider.adapter else None
        for space_id in set(self._store.space_ids()).difference(self._manifest.spaces):
            self._store.drop_space(space_id)
        with _timed(self._report, "embed_seconds"):
            stage = EmbedStage(self._store, self._it.cache, provider, self._on_progress, self._cancel)
            try:
                stage.run(self._hashes_by_recency())
            finally:
                self._report.chunks_embedded = stage.embedded
                self._report.chunks_reused = stage.reused
        if stage.embedded or stage.reused:
            self._store.optimize()
            self._it.cache.trim()

    def _hashes_by_recency(self) -> list[str]:
        """Content hashes of all chunks, those of recently changed files first."""
        catalogue = self._store.catalogue()
        stamps = self._manifest.files
        changed = [stamps[path].changed_ns if path in stamps else 0 for path in catalogue["path"].to_pylist()]
        order = pa.array(changed, pa.int64())
        hashes: list[str] = (
            catalogue.append_column("changed", order).sort_by([("changed", "descending")])["content_hash"].to_pylist()
        )
        return hashes

    def _count(self) -> None:
        """Say what the index holds now."""
        report, manifest = self._report, self._manifest
        hashes = self._store.catalogue()["content_hash"].to_pylist()
        vectors = self._store.vector_hashes(manifest.spaces[0]) if manifest.spaces else set()
        report.files = len(manifest.files)
        report.chunks = len(hashes)
        report.coverage = sum(value in vectors for value in hashes) / len(hashes) if hashes else 1.0
        report.skipped = dict(Counter(item.reason for item in manifest.skipped).most_common())
        report.space_id = manifest.spaces[0] if manifest.spaces else ""

    def _save(self) -> None:
        self._manifest.notices = self._report.notices
        write_manifest(self._store.directory, self._manifest)


@contextmanager
def _timed(report: IndexReport, name: str) -> Iterator[None]:
    started = time.perf_counter()
    try:
        yield
    finally:
        setattr(report, name, time.perf_counter() - started)
