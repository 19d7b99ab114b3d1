"""First stage: files become chunks that full-text search can find."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace

from codecontext.chunking import ChunkingConfig
from codecontext.core.progress import CancelToken, Progress, ProgressCallback
from codecontext.indexing.diff import RACY_NS
from codecontext.indexing.files import Skipped, SkipReason, SourceFile
from codecontext.indexing.reader import FileReader, ReadBatch, ReadRequest
from codecontext.store.index_store import IndexStore
from codecontext.store.records import FileRows, FileStamp, SkippedEntry

FIRST_FILES = 100
_FILES_PER_COMMIT = 200
_BYTES_PER_COMMIT = 4_000_000


@dataclass(slots=True)
class ChunkStage:
    """Has files read and writes them batch by batch; ``skipped`` and ``written`` grow with each commit."""

    store: IndexStore
    reader: FileReader
    config: ChunkingConfig
    read_at_ns: int
    """When the files were listed."""
    on_progress: ProgressCallback
    cancel: CancelToken
    skipped: list[SkippedEntry] = field(default_factory=list)
    read: set[str] = field(default_factory=set)
    """Paths of the files that are done."""
    written: int = 0
    first_committed_at: float | None = None
    """Clock time (``time.perf_counter``) of the first commit."""

    def run(self, files: Sequence[SourceFile], stamps: Mapping[str, FileStamp]) -> None:
        """Bring the rows of ``files`` up to date; ``stamps`` are those of what the index holds."""
        if files:
            self.run_as_found([files], stamps, total=len(files))

    def run_as_found(
        self, found: Iterable[Sequence[SourceFile]], stamps: Mapping[str, FileStamp], total: int = 0
    ) -> None:
        """As ``run``, with files that are still being looked for; ``total`` is 0 while nobody knows how many.

        Between two of ``found``, which may be empty, what is read is written.
        """
        requests = (
            [ReadRequest(file, _digests(stamps.get(file.path))) for file in batch]
            for files in found
            for batch in _batches(files)
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
                committing = writer.submit(self._commit, batch, stamps, Progress("reading", done, total))
            if committing is not None:
                committing.result()

    def _commit(self, batch: ReadBatch, stamps: Mapping[str, FileStamp], progress: Progress) -> None:
        changed = [
            FileRows(request.file.path, reading.rows, self._settled(reading.stamp))
            for request, reading in batch
            if reading.stamp is not None and reading.rows is not None
        ]
        if changed:
            self.store.replace_files(changed)
            self.written += sum(bool(file.rows) or file.path in stamps for file in changed)
            self.first_committed_at = self.first_committed_at or time.perf_counter()
        skipped = [
            self._entry(request.file, reading.skipped) for request, reading in batch if reading.skipped is not None
        ]
        gone = [entry.path for entry in skipped if entry.path in stamps]
        self.store.remove_files(gone)
        self.store.stamp_files(
            {
                request.file.path: self._settled(reading.stamp)
                for request, reading in batch
                if reading.stamp is not None and reading.rows is None
            }
        )
        self.skipped += skipped
        self.read.update(request.file.path for request, _reading in batch)
        self.on_progress(progress)

    def _settled(self, stamp: FileStamp) -> FileStamp:
        return replace(stamp, settled=self._is_at_rest(stamp.changed_ns))

    def _entry(self, file: SourceFile, skipped: Skipped) -> SkippedEntry:
        return SkippedEntry(
            skipped.path,
            skipped.reason.value,
            skipped.detail,
            file.size,
            file.changed_ns,
            self._is_at_rest(file.changed_ns) and skipped.reason is not SkipReason.UNREADABLE,
        )

    def _is_at_rest(self, changed_ns: int) -> bool:
        return changed_ns < self.read_at_ns - RACY_NS


def _digests(stamp: FileStamp | None) -> frozenset[str]:
    return frozenset() if stamp is None else frozenset({stamp.digest})


def _batches(files: Sequence[SourceFile]) -> Iterator[list[SourceFile]]:
    """Files to commit together; the first batch is small, to be searchable soon. One empty batch for no files."""
    batch: list[SourceFile] = []
    size = 0
    most = FIRST_FILES
    for file in files:
        batch.append(file)
        size += file.size
        if len(batch) >= most or size >= _BYTES_PER_COMMIT:
            yield batch
            batch, size, most = [], 0, _FILES_PER_COMMIT
    if batch or not files:
        yield batch
