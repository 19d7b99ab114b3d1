"""First stage: files become chunks that full-text search can find."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from codecontext.chunking import ChunkingConfig
from codecontext.core.progress import CancelToken, Progress, ProgressCallback
from codecontext.indexing.files import Skipped, SkipReason, SourceFile
from codecontext.indexing.reader import FileReader, FileReading, ReadRequest
from codecontext.store.index_store import FileRows, IndexStore
from codecontext.store.manifest import FileStamp, QuarantinedFile

_FIRST_FILES = 100
_FILES_PER_COMMIT = 200
_BYTES_PER_COMMIT = 4_000_000


@dataclass(slots=True)
class ChunkStage:
    """Has files read and writes them batch by batch; ``stamps``, ``skipped`` and the others grow with each commit."""

    store: IndexStore
    reader: FileReader
    config: ChunkingConfig
    on_progress: ProgressCallback
    cancel: CancelToken
    stamps: dict[str, FileStamp] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    quarantined: dict[str, QuarantinedFile] = field(default_factory=dict)
    written: int = 0
    first_committed_at: float | None = None
    """Clock time (``time.perf_counter``) of the first commit."""

    def run(self, files: Sequence[SourceFile], indexed: dict[str, set[str]]) -> None:
        """Bring the rows of ``files`` up to date; ``indexed`` has the digests held of each path."""
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="commit") as writer:
            committing: Future[None] | None = None
            for done, batch in _batches(files):
                self.cancel.check()
                requests = [ReadRequest(file, frozenset(indexed.get(file.path, ()))) for file in batch]
                read = list(zip(batch, self.reader.read(requests, self.config, self.cancel), strict=True))
                if committing is not None:
                    committing.result()
                # The database writes in its own threads, so the next batch is cut meanwhile.
                committing = writer.submit(self._commit, read, indexed, Progress("reading", done, len(files)))
            if committing is not None:
                committing.result()

    def _commit(
        self, batch: Sequence[tuple[SourceFile, FileReading]], indexed: Collection[str], progress: Progress
    ) -> None:
        changed = [
            FileRows(file.path, reading.rows)
            for file, reading in batch
            # A file that was skipped before is read again, and has no rows to remove.
            if reading.rows or (reading.rows is not None and file.path in indexed)
        ]
        if changed:
            self.store.replace_files(changed)
            self.store.ensure_text_index()
            self.written += sum(bool(file.rows) for file in changed)
            self.first_committed_at = self.first_committed_at or time.perf_counter()
        for file, reading in batch:
            if reading.skipped is not None:
                self._skip(file, reading.skipped)
            if reading.stamp is not None:
                self.stamps[file.path] = reading.stamp
        self.on_progress(progress)

    def _skip(self, file: SourceFile, skipped: Skipped) -> None:
        self.skipped.append(skipped)
        if skipped.reason is SkipReason.QUARANTINED:
            self.quarantined[file.path] = QuarantinedFile(
                size=file.size, changed_ns=file.changed_ns, detail=skipped.detail
            )


def _batches(files: Sequence[SourceFile]) -> Iterator[tuple[int, list[SourceFile]]]:
    """Batches of files, each with the number of files up to its end; the first is small, to be searchable soon."""
    batch: list[SourceFile] = []
    size = 0
    most = _FIRST_FILES
    for done, file in enumerate(files, start=1):
        batch.append(file)
        size += file.size
        if len(batch) >= most or size >= _BYTES_PER_COMMIT:
            yield done, batch
            batch, size, most = [], 0, _FILES_PER_COMMIT
    if batch:
        yield len(files), batch
