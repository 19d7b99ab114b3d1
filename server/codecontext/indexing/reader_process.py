"""A child process that reads files, for a caller that serves queries meanwhile.

A parser holds the interpreter's lock while it works, and a crafted file can make it take gigabytes within one
call, or crash. In a child of low priority with a bound on its memory neither reaches the caller.
"""

from __future__ import annotations

import faulthandler
import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

from codecontext.chunking import ChunkingConfig
from codecontext.indexing.reader import FileReading, ReadRequest, read_file

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

MEMORY_BYTES = 2_000_000_000
"""Data memory of the child: some ten times what the largest files that people write take."""

_ORPHAN_SECONDS = 300.0
"""After so long the child ends by itself, for when nobody is left to end it and C code keeps Python from noticing."""
_NICENESS = 10
_OUT_OF_MEMORY = 3
_OBJECTS_BETWEEN_COLLECTIONS = 50_000
"""What is made of a file goes by reference counts alone, so looking for cycles finds next to nothing."""

ReadFunction = Callable[[ReadRequest, ChunkingConfig], FileReading]


class ReaderProcess:
    """A child process that reads files one after the other, in the order in which they are submitted.

    ``memory_bytes`` bounds its data where the system can do that (not on Windows and macOS); ``read`` is what it runs
    for each file. ``started`` is done once it is known to run, so that a death after that is the fault of a file.
    """

    def __init__(self, memory_bytes: int = MEMORY_BYTES, read: ReadFunction = read_file) -> None:
        self._read = read
        others = set(multiprocessing.active_children())
        self._executor = ProcessPoolExecutor(
            max_workers=1,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_prepare_child,
            initargs=(memory_bytes,),
        )
        self._child: BaseProcess | None = None
        try:
            self.started = self._executor.submit(os.getpid)
        except OSError as error:  # the system makes no process now
            self.started = Future()
            self.started.set_exception(error)
        else:
            self._child = next(iter(set(multiprocessing.active_children()) - others), None)

    def submit(self, requests: Sequence[ReadRequest], config: ChunkingConfig) -> Future[list[FileReading]]:
        """Have files read; the readings come in their order. Its end is a ``BrokenProcessPool`` here or there."""
        return self._executor.submit(_read_files, self._read, requests, config)

    def kill(self) -> None:
        """End the child, whatever it does, and wait for nothing."""
        child, self._child = self._child, None
        if child is not None and child.is_alive():
            child.kill()

    def close(self) -> None:
        """End the child. What it was reading has no effects, so nobody waits for that."""
        self.kill()
        self._executor.shutdown(cancel_futures=True)


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
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
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
