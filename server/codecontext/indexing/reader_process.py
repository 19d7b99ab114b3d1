"""Reads files in a child process, for a caller that answers queries meanwhile.

A parser holds the interpreter's lock while it works, and a crafted file can make it take gigabytes within one
call, or crash. In a child of low priority with a bound on its memory neither reaches the caller: a file that
ends the child again and again is quarantined, and everything else goes on.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait

from codecontext.chunking import ChunkingConfig
from codecontext.core.errors import CodeContextError
from codecontext.core.progress import CancelToken
from codecontext.indexing.files import SkipReason
from codecontext.indexing.reader import FileReading, ReadRequest, read_file, without_rows

logger = logging.getLogger(__name__)

MEMORY_BYTES = 2_000_000_000
"""Data memory of the child: some ten times what the largest files that people write take."""

_FILES_PER_MESSAGE = 16
_TRIES_ALONE = 2
_NICENESS = 10
_OUT_OF_MEMORY = 3

ReadFunction = Callable[[ReadRequest, ChunkingConfig], FileReading]


class ReaderProcess:
    """A child process that reads files one after the other; it starts with the first file.

    Any thread may call; one call is served at a time. ``memory_bytes`` bounds the child's data where the system
    can do that (not on Windows and macOS). ``read`` is what the child runs for each file.
    """

    def __init__(self, *, memory_bytes: int = MEMORY_BYTES, read: ReadFunction = read_file) -> None:
        self._memory_bytes = memory_bytes
        self._read_function = read
        self._executor: ProcessPoolExecutor | None = None
        self._lock = threading.Lock()

    def prepare(self) -> None:
        """Start the child now, so that the first file need not wait for it. Raises ``CodeContextError``."""
        with self._lock:
            if self._executor is None:
                self._executor = self._start()

    def read(self, requests: Sequence[ReadRequest], config: ChunkingConfig, cancel: CancelToken) -> list[FileReading]:
        """One reading for each request, in their order.

        When the child dies, the files that it had not finished are read one by one by another; a file that ends
        two of them on its own is skipped as quarantined. Raises ``OperationCancelled``, and ``CodeContextError``
        if a child cannot even start.
        """
        with self._lock:
            readings = self._read_together(requests, config, cancel)
            for request in requests[len(readings) :]:
                cancel.check()
                readings.append(self._read_alone(request, config))
            return readings

    def close(self) -> None:
        """End the child, once it is through with what it reads; the next call starts another."""
        with self._lock:
            self._stop()

    def _read_together(
        self, requests: Sequence[ReadRequest], config: ChunkingConfig, cancel: CancelToken
    ) -> list[FileReading]:
        """The readings of the first files: of all, unless the child dies."""
        readings: list[FileReading] = []
        waiting: list[Future[list[FileReading]]] = []
        try:
            waiting.extend(self._submit(batch, config) for batch in _batches(requests))
            for future in waiting:
                cancel.check()
                readings += future.result()
        except BrokenProcessPool:
            logger.warning("The process that reads files ended unexpectedly; another one takes over.")
            self._stop()
        finally:
            for future in waiting:
                future.cancel()
        return readings

    def _read_alone(self, request: ReadRequest, config: ChunkingConfig) -> FileReading:
        for _ in range(_TRIES_ALONE):
            try:
                return self._submit([request], config).result()[0]
            except BrokenProcessPool:
                self._stop()
        logger.warning("%s ends the process that reads it, and is quarantined.", request.file.path)
        return without_rows(
            request.file, SkipReason.QUARANTINED, "reading it crashed or took too much memory, several times"
        )

    def _submit(self, requests: Sequence[ReadRequest], config: ChunkingConfig) -> Future[list[FileReading]]:
        if self._executor is None:
            self._executor = self._start()
        return self._executor.submit(_read_files, self._read_function, requests, config)

    def _start(self) -> ProcessPoolExecutor:
        """A child that is known to run, so that a death after that is the fault of a file."""
        executor = ProcessPoolExecutor(
            max_workers=1,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_prepare_child,
            initargs=(self._memory_bytes,),
        )
        try:
            executor.submit(os.getpid).result()
        except (BrokenProcessPool, OSError) as error:
            executor.shutdown()
            raise CodeContextError(
                f"The process that reads files cannot start: {error}", "Free some memory and try again."
            ) from error
        return executor

    def _stop(self) -> None:
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)
            self._executor = None


def _batches(requests: Sequence[ReadRequest]) -> Iterator[Sequence[ReadRequest]]:
    return (requests[start : start + _FILES_PER_MESSAGE] for start in range(0, len(requests), _FILES_PER_MESSAGE))


def _read_files(read: ReadFunction, requests: Sequence[ReadRequest], config: ChunkingConfig) -> list[FileReading]:
    """In the child: read some files. Without memory it ends, as it would inside the parser."""
    try:
        return [read(request, config) for request in requests]
    except MemoryError:
        os._exit(_OUT_OF_MEMORY)


def _prepare_child(memory_bytes: int) -> None:
    """In the child: stay out of everybody's way."""
    os.dup2(2, 1)  # standard output belongs to the parent, which may speak a protocol over it
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in a terminal reaches both; the parent decides
    _lower_priority()
    _bound_memory(memory_bytes)
    threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()


def _lower_priority() -> None:
    if sys.platform == "win32":
        import psutil

        psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
    else:
        os.nice(_NICENESS)


def _bound_memory(memory_bytes: int) -> None:
    if sys.platform == "win32":
        return
    import resource

    # Not the address space: libraries and reserved arenas count there, used or not.
    _lower_limit(resource.RLIMIT_DATA, memory_bytes)
    _lower_limit(resource.RLIMIT_CORE, 0)


def _lower_limit(limit: int, value: int) -> None:
    import resource

    _, hard = resource.getrlimit(limit)
    allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (allowed, hard))


def _end_with_parent() -> None:
    """Wait for the parent's end: a pool's child does not notice by itself when its parent is killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(0)
