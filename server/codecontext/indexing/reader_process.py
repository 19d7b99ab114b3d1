"""Reads files in a child process, for a caller that serves queries meanwhile.

A parser holds the interpreter's lock while it works, and a crafted file can make it take gigabytes within one
call, or crash. In a child of low priority with a bound on its memory neither reaches the caller: a file that
ends the child again and again is quarantined, and everything else continues.
"""

from __future__ import annotations

import faulthandler
import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent import futures
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

from codecontext.chunking import ChunkingConfig
from codecontext.core.batched import batched
from codecontext.core.errors import CodeContextError
from codecontext.core.progress import CancelToken
from codecontext.indexing.files import SkipReason
from codecontext.indexing.reader import FileReading, ReadRequest, read_file, without_rows

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

logger = logging.getLogger(__name__)

MEMORY_BYTES = 2_000_000_000
"""Data memory of the child: some ten times what the largest files that people write take."""

FILE_SECONDS = 120.0
"""Until a child that does not respond is killed. Parsing stops after a second or two of processor time, so even at the
lowest priority on a busy machine only a file that hangs takes so long: on a disk that does not answer, or in C code."""

_START_SECONDS = 60.0
_CLOSING_SECONDS = 5.0
_LOOK_SECONDS = 0.5
_ORPHAN_SECONDS = 300.0
"""After so long the child ends by itself, for when nobody is left to end it and C code keeps Python from noticing."""
_FILES_PER_MESSAGE = 16
_TRIES_ALONE = 2
_NICENESS = 10
_OUT_OF_MEMORY = 3

ReadFunction = Callable[[ReadRequest, ChunkingConfig], FileReading]


class ReaderProcess:
    """A child process that reads files one after the other; it starts with the first file.

    Any thread may call; one call is served at a time. ``memory_bytes`` bounds the child's data where the system
    can do that (not on Windows and macOS), ``file_seconds`` how long one file may take. ``read`` is what the child runs
    for each file.
    """

    def __init__(
        self,
        *,
        memory_bytes: int = MEMORY_BYTES,
        file_seconds: float = FILE_SECONDS,
        start_seconds: float = _START_SECONDS,
        read: ReadFunction = read_file,
    ) -> None:
        self._memory_bytes = memory_bytes
        self._file_seconds = file_seconds
        self._start_seconds = start_seconds
        self._read_function = read
        self._executor: ProcessPoolExecutor | None = None
        self._child: BaseProcess | None = None
        self._lock = threading.Lock()

    def prepare(self) -> None:
        """Start the child now, so that the first file need not wait for it. Raises ``CodeContextError``."""
        with self._lock:
            if self._executor is None:
                self._executor = self._start()

    def read(self, requests: Sequence[ReadRequest], config: ChunkingConfig, cancel: CancelToken) -> list[FileReading]:
        """One reading for each request, in their order.

        When the child dies, or hangs and is ended, the files that it had not finished are read one by one by another; a
        file over which two of them end on its own is skipped as quarantined. Raises ``OperationCancelled``, and
        ``CodeContextError`` if a child cannot even start.
        """
        with self._lock:
            readings = self._read_together(requests, config, cancel)
            for request in requests[len(readings) :]:
                cancel.check()
                readings.append(self._read_alone(request, config, cancel))
            return readings

    def close(self) -> None:
        """End the child, whatever it reads; the next call starts another."""
        if self._lock.acquire(timeout=_CLOSING_SECONDS):
            try:
                self._stop()
            finally:
                self._lock.release()
        else:
            self._kill()

    def _read_together(
        self, requests: Sequence[ReadRequest], config: ChunkingConfig, cancel: CancelToken
    ) -> list[FileReading]:
        """The readings of the first files: of all, unless the child dies."""
        readings: list[FileReading] = []
        waiting: list[Future[list[FileReading]]] = []
        try:
            waiting.extend(self._submit(batch, config) for batch in batched(requests, _FILES_PER_MESSAGE))
            for future in waiting:
                cancel.check()
                readings += self._outcome(future, cancel)
        except BrokenProcessPool:
            logger.warning("The process that reads files exited unexpectedly or hung; it was replaced.")
            self._stop()
        finally:
            for future in waiting:
                future.cancel()
        return readings

    def _read_alone(self, request: ReadRequest, config: ChunkingConfig, cancel: CancelToken) -> FileReading:
        for _ in range(_TRIES_ALONE):
            try:
                return self._outcome(self._submit([request], config), cancel)[0]
            except BrokenProcessPool:
                self._stop()
        logger.warning("%s crashes the process that reads it and was quarantined.", request.file.path)
        return without_rows(
            request.file, SkipReason.QUARANTINED, "reading it repeatedly crashed, hung or ran out of memory"
        )

    def _outcome(self, future: Future[list[FileReading]], cancel: CancelToken) -> list[FileReading]:
        """What the child made of some files. Raises ``BrokenProcessPool`` also when it hung and was ended."""
        left = self._file_seconds
        while not futures.wait([future], timeout=min(left, _LOOK_SECONDS)).done:
            cancel.check()
            left -= _LOOK_SECONDS
            if left <= 0:
                self._kill()
                raise BrokenProcessPool("It timed out.")
        return future.result(timeout=0)

    def _submit(self, requests: Sequence[ReadRequest], config: ChunkingConfig) -> Future[list[FileReading]]:
        if self._executor is None:
            self._executor = self._start()
        return self._executor.submit(_read_files, self._read_function, requests, config)

    def _start(self) -> ProcessPoolExecutor:
        """A child that is known to run, so that a death after that is the fault of a file."""
        others = set(multiprocessing.active_children())
        executor = ProcessPoolExecutor(
            max_workers=1,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_prepare_child,
            initargs=(self._memory_bytes,),
        )
        try:
            started = executor.submit(os.getpid)
            self._child = next(iter(set(multiprocessing.active_children()) - others), None)
            started.result(self._start_seconds)
        except (BrokenProcessPool, OSError) as error:  # TimeoutError is one of these
            self._kill()
            executor.shutdown()
            raise CodeContextError(
                f"The process that reads files cannot start: {str(error) or 'it does not respond'}.",
                "Free some memory and try again.",
            ) from error
        return executor

    def _stop(self) -> None:
        """End the child. What it was reading has no effects, so nobody waits for that."""
        if self._executor is not None:
            self._kill()
            self._executor.shutdown(cancel_futures=True)
            self._executor = None

    def _kill(self) -> None:
        child, self._child = self._child, None
        if child is not None and child.is_alive():
            child.kill()


def _read_files(read: ReadFunction, requests: Sequence[ReadRequest], config: ChunkingConfig) -> list[FileReading]:
    """In the child: read some files. Without memory it ends, as it would inside the parser."""
    faulthandler.dump_traceback_later(_ORPHAN_SECONDS, exit=True)
    try:
        return [read(request, config) for request in requests]
    except MemoryError:
        os._exit(_OUT_OF_MEMORY)
    finally:
        faulthandler.cancel_dump_traceback_later()


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
        wait([parent.sentinel])  # for as long as the parent lives
        os._exit(0)
