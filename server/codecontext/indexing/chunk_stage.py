"""First stage: files become chunks that full-text search can find."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field

from codecontext.chunking import ChunkingConfig
from codecontext.core.progress import CancelToken, Progress, ProgressCallback
from codecontext.indexing.files import Skipped, SkipReason, SourceFile
from codecontext.indexing.reader import FileReader, ReadBatch, ReadRequest
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
        requests = (
            [ReadRequest(file, frozenset(indexed.get(file.path, ()))) for file in batch] for batch in _batches(files)
        )
        done = 0
        with (
            ThreadPoolExecutor(max_workers=1, thread_name_prefix="commit") as writer,
            closing(self.reader.read(requests, self.config, self.cancel)) as batches,
        ):
            committing: Future[None] | None = None
            for batch in batches:
                self.cancel.check()
                if committing is not None:
                    committing.result()
                done += len(batch)
                # The readers go on meanwhile.
                committing = writer.submit(self._commit, batch, indexed, Progress("reading", done, len(files)))
            if committing is not None:
                committing.result()

    def _commit(self, batch: ReadBatch, indexed: Collection[str], progress: Progress) -> None:
        changed = [
            FileRows(request.file.path, reading.rows)
            for request, reading in batch
            # A file that was skipped before is read again, and has no rows to remove.
            if reading.rows or (reading.rows is not None and request.file.path in indexed)
        ]
        if changed:
            self.store.replace_files(changed)
            self.store.ensure_text_index()
            self.written += sum(bool(file.rows) for file in changed)
            self.first_committed_at = self.first_committed_at or time.perf_counter()
        for request, reading in batch:
            if reading.skipped is not None:
                self._skip(request.file, reading.skipped)
            if reading.stamp is not None:
                self.stamps[request.file.path] = reading.stamp
        self.on_progress(progress)

    def _skip(self, file: SourceFile, skipped: Skipped) -> None:
        self.skipped.append(skipped)
        if skipped.reason is SkipReason.QUARANTINED:
            self.quarantined[file.path] = QuarantinedFile(
                size=file.size, changed_ns=file.changed_ns, detail=skipped.detail
            )


def _batches(files: Sequence[SourceFile]) -> Iterator[list[SourceFile]]:
    """Files to commit together; the first batch is small, to be searchable soon."""
    batch: list[SourceFile] = []
    size = 0
    most = _FIRST_FILES
    for file in files:
        batch.append(file)
        size += file.size
        if len(batch) >= most or size >= _BYTES_PER_COMMIT:
            yield batch
            batch, size, most = [], 0, _FILES_PER_COMMIT
    if batch:
        yield batch
