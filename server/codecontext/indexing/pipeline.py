"""Brings the index of a folder up to date: scan, diff by content, chunk and write, embed.

Text comes before vectors: after the first stage every chunk can be found by keyword. Each batch is committed on its
own, so stopping or a crash loses at most the batch in flight.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from codecontext.chunking import ChunkingConfig
from codecontext.core.errors import OperationCancelled
from codecontext.core.private import tighten
from codecontext.core.progress import CancelToken, ProgressCallback, ignore_progress
from codecontext.embeddings.base import EmbeddingProvider
from codecontext.indexing.reader import FileReader, InProcessReader
from codecontext.indexing.report import IndexReport
from codecontext.indexing.run import IndexRun
from codecontext.indexing.scan import ScanConfig
from codecontext.indexing.scope import WHOLE_FOLDER, scope_of_changes
from codecontext.store.embedding_cache import EmbeddingCache
from codecontext.store.index_store import IndexStore
from codecontext.store.lock import writer_lock
from codecontext.store.snapshot import Snapshot


@dataclass(slots=True)
class Indexer:
    """Writes the index of one folder. One run at a time, over all processes.

    Each method holds the writer's lock while it runs. When cancelled, what was finished is kept and the report
    says so. Each raises ``IndexLocked`` while another process writes, ``StoreError`` when the disk refuses, and
    whatever the provider raises. Paths are relative to the folder, with ``/``; those in ``first``, such as files open
    in an editor, are processed before the others, then the most recently changed ones.
    """

    folder: Path
    store: IndexStore
    cache: EmbeddingCache
    provider: EmbeddingProvider
    scan: ScanConfig = field(default_factory=ScanConfig)
    chunking: ChunkingConfig = field(default_factory=ChunkingConfig)
    reader: FileReader = field(default_factory=InProcessReader)
    known: Snapshot | None = None
    """Some earlier state of the index, which spares the end of a run to read all of it."""

    def run(
        self,
        *,
        force: bool = False,
        first: Collection[str] = (),
        on_progress: ProgressCallback = ignore_progress,
        cancel: CancelToken | None = None,
    ) -> IndexReport:
        """Bring text and vectors of the whole folder up to date; ``force`` rebuilds from scratch."""

        def steps(run: IndexRun) -> None:
            run.open(force=force)
            run.update_text(WHOLE_FOLDER, first)
            run.update_vectors(self.provider, first=first)

        return self._execute(steps, on_progress, cancel)

    def update(
        self,
        paths: Collection[str],
        *,
        vectors: bool = True,
        on_progress: ProgressCallback = ignore_progress,
        cancel: CancelToken | None = None,
    ) -> IndexReport:
        """Bring only ``paths`` up to date: files, or whole folders, that were added, changed or removed.

        It scans the whole folder where that is quicker, where a path affects others (an ignore file), and where
        there is no index to continue from. Paths outside the folder are dropped. Without ``vectors`` they become
        searchable by keyword only, and no model is needed.
        """
        changes = scope_of_changes(paths)

        def steps(run: IndexRun) -> None:
            scope = changes
            if scope.is_whole or not run.resume():
                run.open(force=False)
                scope = WHOLE_FOLDER
            scope = run.update_text(scope, first=paths)
            if vectors:
                run.update_vectors(self.provider, scope, first=paths)

        return self._execute(steps, on_progress, cancel)

    def update_text(
        self,
        *,
        force: bool = False,
        first: Collection[str] = (),
        on_progress: ProgressCallback = ignore_progress,
        cancel: CancelToken | None = None,
    ) -> IndexReport:
        """Make the whole folder searchable by keyword, without a model; ``force`` rebuilds from scratch."""

        def steps(run: IndexRun) -> None:
            run.open(force=force)
            run.update_text(WHOLE_FOLDER, first)

        return self._execute(steps, on_progress, cancel)

    def update_vectors(
        self,
        provider: EmbeddingProvider | None = None,
        *,
        first: Collection[str] = (),
        activate: bool = True,
        on_progress: ProgressCallback = ignore_progress,
        cancel: CancelToken | None = None,
    ) -> IndexReport:
        """Embed the text in the index that has no vector yet.

        A ``provider`` other than the indexer's fills its own space. Without ``activate`` that space is kept
        next to the active one, and becomes active only if there is none.
        """
        chosen = provider or self.provider

        def steps(run: IndexRun) -> None:
            run.resume()
            run.update_vectors(chosen, first=first, activate=activate)

        return self._execute(steps, on_progress, cancel)

    def _execute(
        self, steps: Callable[[IndexRun], None], on_progress: ProgressCallback, cancel: CancelToken | None
    ) -> IndexReport:
        with writer_lock(self.store.directory):
            run = IndexRun(
                self.folder,
                self.store,
                self.cache,
                self.reader,
                self.scan,
                self.chunking,
                on_progress,
                cancel or CancelToken(),
                self.known,
            )
            try:
                try:
                    steps(run)
                except OperationCancelled:
                    run.report.cancelled = True
                return run.finish()
            finally:
                self.store.release()
                tighten(self.store.directory)
