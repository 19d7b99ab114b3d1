"""The steps of a run over one index, which share a report."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from codecontext import __version__
from codecontext.chunking import CHUNK_FORMAT, ChunkingConfig
from codecontext.core.hashing import content_digest
from codecontext.core.progress import CancelToken, Progress, ProgressCallback
from codecontext.embeddings.base import EmbeddingProvider
from codecontext.indexing.chunk_stage import FIRST_FILES, ChunkStage
from codecontext.indexing.diff import Changes, find_changes, without_skipped
from codecontext.indexing.embed_stage import EmbedStage
from codecontext.indexing.files import Skipped, SourceFile
from codecontext.indexing.reader import FileReader
from codecontext.indexing.report import IndexReport
from codecontext.indexing.scan import ScanConfig, ScanResult, scan_in_steps, scan_scope
from codecontext.indexing.scope import WHOLE_FOLDER, Scope
from codecontext.store.embedding_cache import EmbeddingCache
from codecontext.store.index_reader import IndexedFile
from codecontext.store.index_store import IndexStore
from codecontext.store.records import SkippedEntry
from codecontext.store.schema import SCHEMA_VERSION
from codecontext.store.snapshot import Snapshot, coverage_of

_SPACES_KEPT = 3
"""The active space and the previous ones, so that going back embeds nothing."""


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
        known: Snapshot | None = None,
    ) -> None:
        self._known = known
        self._folder = folder
        self._store = store
        self._cache = cache
        self._reader = reader
        self._scan_config = scan
        self._chunking = chunking
        self._on_progress = on_progress
        self._cancel = cancel
        self._started = time.perf_counter()
        self._is_full = False
        self.report = IndexReport(folder=str(folder))

    def open(self, *, force: bool) -> None:
        """Continue from what the last run left, or start from scratch if it cannot be used; checks all of it."""
        self.report.notices += self._store.repair(self._cancel.check)
        index_version = self._index_version()
        known = self._store.state().index_version
        if force or known not in ("", index_version):
            if not force:
                self.report.notices.append(
                    "The index was made with other settings or by another version, so it was rebuilt."
                )
            self._store.clear()
        self._is_full = True
        self._store.set_facts(folder=str(self._folder), index_version=index_version)

    def resume(self) -> bool:
        """Continue from what the last run left, as it is; returns whether that is possible."""
        if self._store.state().index_version != self._index_version():
            return False
        self._store.catch_up_words(self._cancel.check)
        return True

    def update_text(self, scope: Scope, first: Collection[str]) -> Scope:
        """Make the files in ``scope`` searchable by keyword, those in ``first`` before the others.

        Returns the scope that was really scanned, which may be wider.
        """
        self._on_progress(Progress("scanning", 0, 0))
        stage = ChunkStage(self._store, self._reader, self._chunking, time.time_ns(), self._on_progress, self._cancel)
        with _timed(self.report, "scan_seconds"):
            if scope.is_whole and not self._store.state().files and not self._store.skipped_by_reason():
                scan = self._scan_while_reading(stage, first)
            else:
                scan, scope = self._scan(scope)
        self.report.notices += scan.notes
        with _timed(self.report, "text_seconds"):
            stamps = self._store.stamps(scope.paths)
            files, held = without_skipped(scan.files, self._store.skipped(scope.paths))
            changes = find_changes(files, stamps, frozenset(first))
            try:
                stage.run([file for file in changes.to_read if file.path not in stage.read], stamps)
                # After what is new, so that a file that moved keeps its vectors.
                self._store.remove_files(changes.removed)
            finally:
                self._record_skipped(scope, [*map(_entry, scan.skipped), *held, *stage.skipped], changes, stage.read)
                self.report.files_written = stage.written
                if stage.first_committed_at is not None:
                    self.report.first_seconds = stage.first_committed_at - self._started
                self.report.files_removed = len(changes.removed)
        self._store.tidy(self._cancel.check, thorough=scope.is_whole)
        self._finish_facts()
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
        space_id = provider.space.space_id
        state = self._store.state()
        spaces = state.with_space(space_id, keep=_SPACES_KEPT, activate=activate)
        if spaces != state.spaces:
            self._store.set_spaces(spaces)
        self.report.adapter = str(provider.adapter.path) if provider.adapter else None
        with _timed(self.report, "embed_seconds"):
            stage = EmbedStage(self._store, self._cache, provider, self._on_progress, self._cancel)
            try:
                stage.run(self._files_in_order(scope, first))
            finally:
                self.report.chunks_embedded = stage.embedded
                self.report.chunks_reused = stage.reused
        if stage.embedded or stage.reused:
            self._cache.trim()

    def finish(self) -> IndexReport:
        """Record what the index holds now, and report it."""
        report = self.report
        self._finish_facts()
        state = self._store.state()
        report.files = state.files
        report.chunks = state.chunks
        report.coverage = coverage_of(self._store, next(iter(state.spaces), ""), self._known)
        report.skipped = self._store.skipped_by_reason()
        report.space_id = state.spaces[0] if state.spaces else ""
        report.seconds = time.perf_counter() - self._started
        return report

    def _index_version(self) -> str:
        """Digest of everything that decides how a file becomes rows; each release may chunk files differently."""
        chunking = self._chunking.model_dump_json()
        return content_digest(str(SCHEMA_VERSION), __version__, CHUNK_FORMAT, chunking)

    def _scan(self, scope: Scope) -> tuple[ScanResult, Scope]:
        """What is in ``scope``, widened to the folders that were or are skipped as a whole around its paths."""
        scope = scope.widened(self._store.skipped_among(scope.above))
        while True:
            scan = scan_scope(self._folder, self._scan_config, scope, self._cancel)
            wider = scope.widened(entry.path for entry in scan.skipped)
            if wider == scope:
                return scan, scope
            scope = wider

    def _scan_while_reading(self, stage: ChunkStage, first: Collection[str]) -> ScanResult:
        """What is in the folder, of which there is no index yet; some of it can be found before the scan is over."""
        result: list[ScanResult] = []

        def found() -> Iterator[list[SourceFile]]:
            yield []  # the reader gets ready meanwhile
            steps = scan_in_steps(self._folder, self._scan_config, cancel=self._cancel, first=first, early=FIRST_FILES)
            result.append((yield from steps))

        stage.run_as_found(found(), {})
        return result[0]

    def _record_skipped(
        self, scope: Scope, entries: list[SkippedEntry], changes: Changes, read: Collection[str]
    ) -> None:
        """Replace what is skipped in ``scope``; files that a stopped run did not come to stay as they were."""
        unread = {file.path for file in changes.to_read if file.path not in read}
        kept = [entry for entry in self._store.skipped(scope.paths) if entry.path in unread] if unread else []
        self._store.set_skipped(scope.paths, [*entries, *kept])

    def _files_in_order(self, scope: Scope, first: Collection[str]) -> list[IndexedFile]:
        """The files in ``scope`` that have chunks, the recently changed ones first."""
        foremost = frozenset(first)
        return sorted(
            self._store.files(scope.paths), key=lambda file: (file.path in foremost, file.changed_ns), reverse=True
        )

    def _finish_facts(self) -> None:
        self._store.set_facts(finished=True, notices=self.report.notices if self._is_full else None)


def _entry(skipped: Skipped) -> SkippedEntry:
    return SkippedEntry(skipped.path, skipped.reason.value, skipped.detail)


@contextmanager
def _timed(report: IndexReport, name: str) -> Iterator[None]:
    started = time.perf_counter()
    try:
        yield
    finally:
        setattr(report, name, time.perf_counter() - started)
