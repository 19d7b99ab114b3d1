"""Reads files and cuts them into rows: one function without side effects, and who calls it.

The function and its values can be pickled, so that other processes can do the work (``reader_pool``).
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from codecontext.chunking import ChunkingConfig, chunk_source
from codecontext.core.hashing import content_digest
from codecontext.core.progress import CancelToken
from codecontext.core.reading import FileTooLarge
from codecontext.indexing.classify import classify_content
from codecontext.indexing.files import Skipped, SkipReason, SourceFile
from codecontext.indexing.rows import rows_of_chunks
from codecontext.store.records import FileStamp

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A file to read; ``digests`` are those of the contents that the index holds of it."""

    file: SourceFile
    digests: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class FileReading:
    """What came of a file.

    ``rows`` is None where the index is right already, and empty where it must forget the file. ``stamp`` is
    None for a file that is ``skipped``.
    """

    rows: list[dict[str, Any]] | None = None
    stamp: FileStamp | None = None
    skipped: Skipped | None = None


ReadBatch = list[tuple[ReadRequest, FileReading]]


class FileReader(Protocol):
    """Whoever reads files for an index."""

    def read(
        self, batches: Iterable[Sequence[ReadRequest]], config: ChunkingConfig, cancel: CancelToken
    ) -> Generator[ReadBatch, None, None]:
        """Each batch with its readings, in their order; one without requests gives nothing and says that more may come.

        Further batches may be taken before the first is given. Raises ``OperationCancelled``. Whoever stops in between
        closes the iterator.
        """


class InProcessReader:
    """Reads in the calling thread."""

    def read(
        self, batches: Iterable[Sequence[ReadRequest]], config: ChunkingConfig, cancel: CancelToken
    ) -> Generator[ReadBatch, None, None]:
        """See ``FileReader.read``."""
        for requests in batches:
            readings: ReadBatch = []
            for request in requests:
                cancel.check()
                readings.append((request, self._read(request, config)))
            if readings:
                yield readings

    def _read(self, request: ReadRequest, config: ChunkingConfig) -> FileReading:
        try:
            return read_file(request, config)
        except MemoryError:
            return without_rows(request.file, SkipReason.UNREADABLE, "not enough memory to cut it into chunks")


def read_file(request: ReadRequest, config: ChunkingConfig) -> FileReading:
    """Cut one file, unless the index holds just this content already. Raises ``MemoryError`` only."""
    file = request.file
    try:
        data = file.read()
    except FileTooLarge as error:
        return without_rows(file, SkipReason.TOO_LARGE, error.strerror or "")
    except OSError as error:
        return without_rows(file, SkipReason.UNREADABLE, error.strerror or str(error))
    verdict = classify_content(file.path, data)
    if verdict is not None:
        return without_rows(file, verdict.reason, verdict.detail)
    digest = content_digest(data)
    try:
        chunks = chunk_source(file.path, data, config)
    except MemoryError:
        raise
    except Exception as error:  # one file that cannot be cut must not stop the others
        logger.exception("%s cannot be cut into chunks and is skipped.", file.path)
        return without_rows(file, SkipReason.UNREADABLE, f"cannot be cut into chunks: {error}")
    stamp = FileStamp(size=file.size, changed_ns=file.changed_ns, digest=digest, chunks=len(chunks))
    if request.digests == {digest}:
        return FileReading(stamp=stamp)
    return FileReading(rows=rows_of_chunks(chunks), stamp=stamp)


def without_rows(file: SourceFile, reason: SkipReason, detail: str = "") -> FileReading:
    """The reading of a file that does not belong in the index."""
    return FileReading(rows=[], skipped=Skipped(file.path, reason, detail))
