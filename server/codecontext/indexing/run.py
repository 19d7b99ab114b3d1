"""The steps of a run over one index, which share a manifest and a report."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from codecontext import __version__
from codecontext.chunking import CHUNK_FORMAT, ChunkingConfig
from codecontext.core.hashing import content_digest
from codecontext.core.progress import CancelToken, Progress, ProgressCallback
from codecontext.embeddings.base import EmbeddingProvider
from codecontext.indexing.chunk_stage import ChunkStage
from codecontext.indexing.diff import find_changes, without_skipped
from codecontext.indexing.embed_stage import EmbedStage
from codecontext.indexing.files import Skipped
from codecontext.indexing.reader import FileReader
from codecontext.indexing.report import IndexReport
from codecontext.indexing.scan import ScanConfig, ScanResult, scan_scope
from codecontext.indexing.scope import WHOLE_FOLDER, Scope
from codecontext.store.embedding_cache import EmbeddingCache
from codecontext.store.index_store import IndexStore
from codecontext.store.manifest import (
    SCHEMA_VERSION,
    FileStamp,
    Manifest,
    QuarantinedFile,
    SkippedFile,
    SkippedStamp,
    read_manifest,
    write_manifest,
)
from codecontext.store.snapshot import share_covered

_SPACES_KEPT = 3
"""The active space and the previous ones, so that going back embeds nothing."""

_FOREMOST = 2**63 - 1


class IndexRun:
    """One run under the writer's lock: ``open`` or ``resume``, then the updates, then ``finish``."""

    def __init__(
        self,
        folder: Path,
        store: IndexStore,
        cache: EmbeddingCache,
        reader: FileReader,
        scan: ScanConfig,
        chunking: ChunkingConfig,
        on_progress: ProgressCallback,
        cancel: CancelToken,
    ) -> None:
        self._folder = folder
        self._store = store
        self._cache = cache
        self._reader = reader
        self._scan_config = scan
        self._chunking = chunking
        self._on_progress = on_progress
        self._cancel = cancel
        self._manifest = Manifest()
        self._started = time.perf_counter()
        self._is_full = False
        self.report = IndexReport(folder=str(folder))

    def open(self, *, force: bool) -> None:
        """Continue from what the last run left, or start from scratch if it cannot be used; reads all tables."""
        index_version = self._index_version()
        manifest = read_manifest(self._store.directory)
        if force or (manifest is not None and manifest.index_version != index_version):
            if not force:
                self.report.notices.append(
                    "The index was made with other settings or by another version, so it was rebuilt."
                )
            self._store.clear()
            manifest = None
        self._manifest = manifest or Manifest()
        damaged = self._store.verify()
        self._store.forget_set_aside()
        for table in damaged:
            kept = self._store.set_aside(table)
            self._manifest.tidied = 0
            self.report.notices.append(
                f"The table '{table}' was damaged: it was rebuilt, and is kept as {kept} until the next run."
            )
        self._is_full = True
        self._manifest.folder = str(self._folder)
        self._manifest.index_version = index_version

    def resume(self) -> bool:
        """Continue from what the last run left, as it is; returns whether that is possible."""
        index_version = self._index_version()
        manifest = read_manifest(self._store.directory)
        self._manifest = manifest or Manifest(folder=str(self._folder), index_version=index_version)
        return (
            manifest is not None
            and manifest.index_version == index_version
            and (self._store.exists() or not manifest.files)
        )

    def update_text(self, scope: Scope, first: Collection[str]) -> Scope:
        """Make the files in ``scope`` searchable by keyword, those in ``first`` before the others.

        Returns the scope that was really scanned, which may be wider.
        """
        self._on_progress(Progress("scanning", 0, 0))
        read_at_ns = time.time_ns()
        with _timed(self.report, "scan_seconds"):
            scan, scope = self._scan(scope)
        self.report.notices += scan.notes
        with _timed(self.report, "text_seconds"):
            indexed = {path: held for path, held in self._store.file_digests().items() if scope.covers(path)}
            manifest = self._manifest
            files, held_back = without_skipped(
                scan.files, manifest.quarantined, manifest.skipped_stamps, manifest.read_at_ns
            )
            changes = find_changes(files, self._manifest.files, indexed, self._manifest.read_at_ns, frozenset(first))
            stage = ChunkStage(self._store, self._reader, self._chunking, self._on_progress, self._cancel)
            self._store.remove_files(changes.removed)
            try:
                stage.run(changes.to_read, indexed)
            finally:
                held_paths = {entry.path for entry in held_back}
                self._record(
                    scope,
                    changes.unchanged | stage.stamps,
                    [*scan.skipped, *held_back, *stage.skipped],
                    {path: entry for path, entry in self._manifest.quarantined.items() if path in held_paths}
                    | stage.quarantined,
                )
                if scope.is_whole:
                    self._manifest.read_at_ns = read_at_ns
                self.report.files_written = stage.written
                if stage.first_committed_at is not None:
                    self.report.first_seconds = stage.first_committed_at - self._started
                self.report.files_removed = len(changes.removed)
        if scope.is_whole and self._store.text_version() != self._manifest.tidied:
            self._store.optimize(thorough=True)
            self._manifest.tidied = self._store.text_version()
        elif stage.written or changes.removed:
            self._store.optimize()
        self._save()
        return scope

    def update_vectors(
        self,
        provider: EmbeddingProvider,
        scope: Scope = WHOLE_FOLDER,
        *,
        first: Collection[str] = (),
        activate: bool = True,
    ) -> None:
        """Give the chunks in ``scope`` the vectors that the provider's space lacks, those in ``first`` first."""
        self._on_progress(Progress("loading model", 0, 0))
        provider.initialize()
        spaces = self._manifest.spaces
        self._manifest.use_space(provider.space.space_id, keep=_SPACES_KEPT, activate=activate)
        if self._manifest.spaces != spaces:
            self._save()
        self.report.adapter = str(provider.adapter.path) if provider.adapter else None
        for space_id in set(self._store.space_ids()).difference(self._manifest.spaces):
            self._store.drop_space(space_id)
        with _timed(self.report, "embed_seconds"):
            catalogue = self._store.catalogue()
            stage = EmbedStage(self._store, self._cache, provider, self._on_progress, self._cancel)
            try:
                stage.run(self._hashes_in_order(catalogue, scope, first), set(catalogue["content_hash"].to_pylist()))
            finally:
                self.report.chunks_embedded = stage.embedded
                self.report.chunks_reused = stage.reused
        if stage.embedded or stage.reused:
            self._store.optimize()
            self._cache.trim()

    def finish(self) -> IndexReport:
        """Record what the index holds now, and report it."""
        report, manifest = self.report, self._manifest
        hashes = self._store.catalogue()["content_hash"].to_pylist()
        vectors = self._store.vector_hashes(manifest.spaces[0]) if manifest.spaces else set()
        report.files = len(manifest.files)
        report.chunks = len(hashes)
        report.coverage = share_covered(sum(value in vectors for value in hashes), len(hashes))
        report.skipped = dict(Counter(item.reason for item in manifest.skipped).most_common())
        report.space_id = manifest.spaces[0] if manifest.spaces else ""
        self._save()
        report.seconds = time.perf_counter() - self._started
        return report

    def _index_version(self) -> str:
        """Digest of everything that decides how a file becomes rows; each release may chunk files differently."""
        chunking = self._chunking.model_dump_json()
        return content_digest(str(SCHEMA_VERSION), __version__, CHUNK_FORMAT, chunking)

    def _scan(self, scope: Scope) -> tuple[ScanResult, Scope]:
        """What is in ``scope``, widened to the folders that were or are skipped as a whole around its paths."""
        scope = scope.widened(item.path for item in self._manifest.skipped)
        while True:
            scan = scan_scope(self._folder, self._scan_config, scope, self._cancel)
            wider = scope.widened(entry.path for entry in scan.skipped)
            if wider == scope:
                return scan, scope
            scope = wider

    def _record(
        self,
        scope: Scope,
        stamps: dict[str, FileStamp],
        skipped: list[Skipped],
        quarantined: dict[str, QuarantinedFile],
    ) -> None:
        """Replace what the manifest says about the files in ``scope``."""
        manifest = self._manifest
        manifest.files = {path: stamp for path, stamp in manifest.files.items() if not scope.covers(path)} | stamps
        manifest.quarantined = {
            path: entry for path, entry in manifest.quarantined.items() if not scope.covers(path)
        } | quarantined
        entries = [item for item in manifest.skipped if not scope.covers(item.path)]
        entries += [SkippedFile(path=item.path, reason=item.reason.value, detail=item.detail) for item in skipped]
        manifest.skipped = sorted(entries, key=lambda item: item.path)
        manifest.skipped_stamps = {
            path: stamp for path, stamp in manifest.skipped_stamps.items() if not scope.covers(path)
        } | {
            item.path: SkippedStamp(
                size=item.size, changed_ns=item.changed_ns, reason=item.reason.value, detail=item.detail
            )
            for item in skipped
            if item.size is not None and item.changed_ns is not None
        }

    def _hashes_in_order(self, catalogue: pa.Table, scope: Scope, first: Collection[str]) -> list[str]:
        """Content hashes of the chunks in ``scope``, those of recently changed files first."""
        if not scope.is_whole:
            catalogue = catalogue.filter(pc.is_in(catalogue["path"], pa.array(self._paths_in(scope), pa.string())))
        stamps, foremost = self._manifest.files, frozenset(first)
        ranks = [
            _FOREMOST if path in foremost else stamps[path].changed_ns if path in stamps else 0
            for path in catalogue["path"].to_pylist()
        ]
        in_order = catalogue.append_column("rank", pa.array(ranks, pa.int64())).sort_by([("rank", "descending")])
        hashes: list[str] = in_order["content_hash"].to_pylist()
        return hashes

    def _paths_in(self, scope: Scope) -> list[str]:
        return [path for path in self._manifest.files if scope.covers(path)]

    def _save(self) -> None:
        if self._is_full:
            self._manifest.notices = self.report.notices
        write_manifest(self._store.directory, self._manifest)


@contextmanager
def _timed(report: IndexReport, name: str) -> Iterator[None]:
    started = time.perf_counter()
    try:
        yield
    finally:
        setattr(report, name, time.perf_counter() - started)
