"""First stage: files become chunks that full-text search can find."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from codecontext.chunking import ChunkingConfig, chunk_source
from codecontext.core.hashing import content_digest
from codecontext.core.progress import CancelToken, Progress, ProgressCallback
from codecontext.indexing.classify import classify_content
from codecontext.indexing.files import Skipped, SkipReason, SourceFile
from codecontext.indexing.rows import rows_of_chunks
from codecontext.store.index_store import FileRows, IndexStore
from codecontext.store.manifest import FileStamp

logger = logging.getLogger(__name__)

_FIRST_FILES = 100
_FILES_PER_COMMIT = 200
_BYTES_PER_COMMIT = 4_000_000


@dataclass(slots=True)
class ChunkStage:
    """Reads, cuts and writes files batch by batch; ``stamps`` and ``skipped`` grow with each commit."""

    store: IndexStore
    config: ChunkingConfig
    on_progress: ProgressCallback
    cancel: CancelToken
    stamps: dict[str, FileStamp] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    written: int = 0
    first_committed_at: float | None = None
    """Clock time (``time.perf_counter``) of the first commit."""

    def run(self, files: Sequence[SourceFile], indexed: dict[str, set[str]]) -> None:
        """Bring the rows of ``files`` up to date; ``indexed`` has the digests held of each path."""
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="commit") as writer:
            committing: Future[None] | None = None
            for done, batch in _batches(files):
                self.cancel.check()
                read = [self._read(file, indexed.get(file.path, set())) for file in batch]
                if committing is not None:
                    committing.result()
                # The database writes in its own threads, so the next batch is cut meanwhile.
                committing = writer.submit(self._commit, read, Progress("reading", done, len(files)))
            if committing is not None:
                committing.result()

    def _commit(self, batch: list[_ReadFile], progress: Progress) -> None:
        changed = [FileRows(item.file.path, item.rows) for item in batch if item.rows is not None]
        if changed:
            self.store.replace_files(changed)
            self.store.ensure_text_index()
            self.written += sum(bool(file.rows) for file in changed)
            self.first_committed_at = self.first_committed_at or time.perf_counter()
        for item in batch:
            if item.skipped is not None:
                self.skipped.append(item.skipped)
            if item.stamp is not None:
                self.stamps[item.file.path] = item.stamp
        self.on_progress(progress)

    def _read(self, file: SourceFile, digests: set[str]) -> _ReadFile:
        """Cut one file, unless the index holds just this content already."""
        try:
            data = file.absolute.read_bytes()
        except OSError as error:
            skipped = Skipped(file.path, SkipReason.UNREADABLE, error.strerror or str(error))
            return _ReadFile(file, rows=[], skipped=skipped)
        reason = classify_content(file.path, data)
        if reason is not None:
            return _ReadFile(file, rows=[], skipped=Skipped(file.path, reason))
        digest = content_digest(data)
        try:
            chunks = chunk_source(file.path, data, self.config)
        except Exception as error:  # one file that cannot be cut must not stop the others
            logger.exception("%s cannot be cut into chunks and is skipped.", file.path)
            skipped = Skipped(file.path, SkipReason.UNREADABLE, f"cannot be cut into chunks: {error}")
            return _ReadFile(file, rows=[], skipped=skipped)
        stamp = FileStamp(size=file.size, changed_ns=file.changed_ns, digest=digest, chunks=len(chunks))
        if digests == {digest}:
            return _ReadFile(file, stamp=stamp)
        return _ReadFile(file, rows=rows_of_chunks(chunks, digest), stamp=stamp)


@dataclass(frozen=True, slots=True)
class _ReadFile:
    """``rows`` is None where the index is right already, and empty where it must forget the file."""

    file: SourceFile
    rows: list[dict[str, object]] | None = None
    stamp: FileStamp | None = None
    skipped: Skipped | None = None


def _batches(files: Sequence[SourceFile]) -> Iterator[tuple[int, list[SourceFile]]]:
    """Batches of files, each with the number of files up to its end. The first is small: it answers soonest."""
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
