"""Reads files in child processes, as many as there is work and cores for.

Each child gets a few files at a time and always has some more waiting, so that it need not wait for the caller, who
writes meanwhile. A child that dies, or that hangs and is killed, is replaced. The files it was reading are read
one by one then, so that the one that ends its reader again and again is quarantined, and everything else continues.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent import futures
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from typing import Any

from codecontext.chunking import ChunkingConfig
from codecontext.core.errors import CodeContextError
from codecontext.core.progress import CancelToken
from codecontext.indexing.files import SkipReason
from codecontext.indexing.reader import FileReading, ReadBatch, ReadRequest, read_file, without_rows
from codecontext.indexing.reader_process import MEMORY_BYTES, ReaderProcess, ReadFunction

logger = logging.getLogger(__name__)

FILE_SECONDS = 120.0
"""Until a child that does not respond is killed. Parsing stops after a second or two of processor time, so even at the
lowest priority on a busy machine only a file that hangs takes so long: on a disk that does not answer, or in C code."""

_START_SECONDS = 60.0
_CLOSING_SECONDS = 5.0
_LOOK_SECONDS = 0.5
_TRIES_ALONE = 2
_MOST_PROCESSES = 4
"""More would wait for the one process that writes."""
_FILES_PER_MESSAGE = 16
_BYTES_PER_MESSAGE = 200_000
_MESSAGES_AHEAD = 8
"""Messages that a child holds: a fifth of a second of work, for when the caller is busy with something else."""
_MESSAGES_WORTH_A_PROCESS = 8
"""How many must wait until another child is worth its start, which takes as long as some hundred files."""
_BATCHES_AHEAD = 3
_BYTES_OF_A_CHILD = 30_000_000
"""Source that a child reads until another takes its place: tree-sitter's parser keeps about four times of what it reads
(py-tree-sitter 0.26.1 never lets go of what its read callback returned)."""


def usual_processes() -> int:
    """How many children read a large folder: they leave a core to whoever writes, except where there are only two."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores if cores <= 2 else cores - 1, _MOST_PROCESSES)


class ReaderPool:
    """Child processes that read files; the first starts with the first batch, others where there is much to read.

    Any thread may call; one call is served at a time. ``processes`` is the most that run at once, ``memory_bytes``
    bounds the data of each where the system can do that, ``file_seconds`` says how long one file may take. ``read`` is
    what a child runs for each file.
    """

    def __init__(
        self,
        *,
        processes: int | None = None,
        memory_bytes: int = MEMORY_BYTES,
        file_seconds: float = FILE_SECONDS,
        start_seconds: float = _START_SECONDS,
        read: ReadFunction = read_file,
    ) -> None:
        self._file_seconds = file_seconds
        self._workers = _Workers(processes or usual_processes(), memory_bytes, start_seconds, read)
        self._lock = threading.Lock()

    def prepare(self) -> None:
        """Start a child now, so that the first file need not wait for it. Raises ``CodeContextError``."""
        with self._lock:
            self._workers.prepare()

    def read(
        self, batches: Iterable[Sequence[ReadRequest]], config: ChunkingConfig, cancel: CancelToken
    ) -> Generator[ReadBatch, None, None]:
        """See ``FileReader.read``; the next batches are taken and read while the caller has one.

        When a child dies, or hangs and is killed, the files that it was reading are read one by one; a file over which
        two children end on its own is skipped as quarantined. Raises ``CodeContextError`` if no child can even start.
        """
        with self._lock:
            try:
                yield from _Job(self._workers, config, cancel, self._file_seconds).run(batches)
            finally:
                self._workers.end_job()

    def close(self) -> None:
        """End the children, whatever they read; the next call starts others."""
        if self._lock.acquire(timeout=_CLOSING_SECONDS):
            try:
                self._workers.close()
            finally:
                self._lock.release()
        else:
            self._workers.kill()


@dataclass(slots=True, eq=False)
class _Batch:
    """Files that are given back together; ``readings`` are filled in as they come."""

    requests: Sequence[ReadRequest]
    readings: dict[int, FileReading] = field(default_factory=dict)

    @property
    def is_read(self) -> bool:
        return len(self.readings) == len(self.requests)

    def result(self) -> ReadBatch:
        return [(request, self.readings[place]) for place, request in enumerate(self.requests)]


@dataclass(slots=True, eq=False)
class _Message:
    """Files of a batch, by their places in it, that a child reads in one go."""

    batch: _Batch
    places: Sequence[int]
    crashes: int = 0
    """How many children ended over it; counted once it is a single file."""

    @property
    def requests(self) -> list[ReadRequest]:
        return [self.batch.requests[place] for place in self.places]

    def answer(self, readings: Sequence[FileReading]) -> None:
        self.batch.readings.update(zip(self.places, readings, strict=True))


@dataclass(slots=True, eq=False)
class _Worker:
    """A child, and the messages that it works on, the oldest first."""

    process: ReaderProcess
    messages: deque[tuple[_Message, Future[list[FileReading]]]] = field(default_factory=deque)
    bytes_given: int = 0
    """Size of all files that it was given."""
    silent: float = 0.0
    """Seconds for which it was waited for since it last gave an answer or had nothing to do."""

    @property
    def is_started(self) -> bool:
        return self.process.started.done() and self.process.started.exception() is None

    @property
    def may_take_more(self) -> bool:
        return self.is_started and len(self.messages) < _MESSAGES_AHEAD and self.bytes_given < _BYTES_OF_A_CHILD

    @property
    def is_spent(self) -> bool:
        return self.bytes_given >= _BYTES_OF_A_CHILD and not self.messages

    @property
    def awaited(self) -> Future[Any] | None:
        """What it will answer next."""
        if not self.is_started:
            return self.process.started
        return self.messages[0][1] if self.messages else None

    def forget(self) -> None:
        for _, future in self.messages:
            future.cancel()
        self.messages.clear()
        self.silent = 0.0


class _Workers:
    """The children that there are now."""

    def __init__(self, most: int, memory_bytes: int, start_seconds: float, read: ReadFunction) -> None:
        self.running: list[_Worker] = []
        self._most = most
        self._memory_bytes = memory_bytes
        self._start_seconds = start_seconds
        self._read_function = read

    @property
    def may_grow(self) -> bool:
        return len(self.running) < self._most

    def start_one(self) -> None:
        self.running.append(_Worker(ReaderProcess(self._memory_bytes, self._read_function)))

    def prepare(self) -> None:
        """Have a child that runs. Raises ``CodeContextError`` if it does not start, or not in time."""
        if not self.running:
            self.start_one()
        try:
            self.running[0].process.started.result(self._start_seconds)
        except (BrokenProcessPool, OSError) as error:  # TimeoutError is one of these
            self._give_up(self.running[0], str(error))

    def check_start(self, worker: _Worker, waited: float) -> None:
        """Do without a child that did not start. Raises ``CodeContextError`` if there is no other."""
        started = worker.process.started
        worker.silent += waited
        if started.done():
            if error := started.exception():
                self._give_up(worker, str(error))
        elif worker.silent >= self._start_seconds:
            self._give_up(worker, "")

    def dismiss(self, worker: _Worker) -> None:
        worker.process.close()
        self.running.remove(worker)

    def dismiss_spent(self) -> None:
        for worker in [worker for worker in self.running if worker.is_spent]:
            self.dismiss(worker)

    def end_job(self) -> None:
        """Forget what is still being read, and keep one child for the next call."""
        for worker in self.running:
            worker.forget()
        self.dismiss_spent()
        for worker in self.running[1:]:
            self.dismiss(worker)

    def close(self) -> None:
        while self.running:
            self.running.pop().process.close()

    def kill(self) -> None:
        for worker in list(self.running):
            worker.process.kill()

    def _give_up(self, worker: _Worker, reason: str) -> None:
        self.dismiss(worker)
        message = f"The process that reads files cannot start: {reason or 'it does not respond'}."
        if not self.running:
            raise CodeContextError(message, "Free some memory and try again.")
        logger.warning("%s", message)
        self._most = len(self.running)


class _Job:
    """One call of ``ReaderPool.read``."""

    def __init__(self, workers: _Workers, config: ChunkingConfig, cancel: CancelToken, file_seconds: float) -> None:
        self._workers = workers
        self._config = config
        self._cancel = cancel
        self._file_seconds = file_seconds
        self._batches: deque[_Batch] = deque()
        self._queue: deque[_Message] = deque()

    def run(self, batches: Iterable[Sequence[ReadRequest]]) -> Iterator[ReadBatch]:
        """See ``ReaderPool.read``."""
        coming = iter(batches)
        ended = False
        while not ended or self._batches:
            self._cancel.check()
            if self._batches and self._batches[0].is_read:
                yield self._batches.popleft().result()
            elif not ended and len(self._batches) < _BATCHES_AHEAD:
                requests = next(coming, None)
                ended = requests is None
                if requests is not None:
                    self._take(requests)
                self._collect(waited=0.0)
            else:
                self._collect(self._wait())
            self._hand_out()

    def _take(self, requests: Sequence[ReadRequest]) -> None:
        if not self._workers.running:
            self._workers.start_one()  # which takes a while, also where the first file is still being looked for
        if requests:
            batch = _Batch(requests)
            self._batches.append(batch)
            self._queue.extend(_Message(batch, places) for places in _parts(requests))

    def _hand_out(self) -> None:
        """Give each child that runs something to do, and start another where much is left."""
        workers = self._workers
        workers.dismiss_spent()
        if self._queue and not workers.running:
            workers.start_one()
        while self._queue:
            ready = [worker for worker in workers.running if worker.may_take_more]
            if not ready:
                break
            self._submit(self._queue.popleft(), min(ready, key=lambda worker: len(worker.messages)))
        if len(self._queue) >= _MESSAGES_WORTH_A_PROCESS and workers.may_grow:
            workers.start_one()

    def _submit(self, message: _Message, worker: _Worker) -> None:
        try:
            worker.messages.append((message, worker.process.submit(message.requests, self._config)))
            worker.bytes_given += sum(request.file.size for request in message.requests)
        except BrokenProcessPool:  # it died while it had nothing to do
            self._queue.appendleft(message)
            self._replace(worker)

    def _wait(self) -> float:
        """Wait a moment for any child; returns the seconds waited."""
        awaited = [future for worker in self._workers.running if (future := worker.awaited) is not None]
        began = time.monotonic()
        futures.wait(awaited, timeout=_LOOK_SECONDS, return_when=futures.FIRST_COMPLETED)
        return min(time.monotonic() - began, _LOOK_SECONDS)

    def _collect(self, waited: float) -> None:
        """Take the answers that are there; ``waited`` counts for the children that gave none."""
        for worker in list(self._workers.running):
            if worker.is_started:
                self._collect_from(worker, waited)
            else:
                self._workers.check_start(worker, waited)

    def _collect_from(self, worker: _Worker, waited: float) -> None:
        worker.silent = worker.silent + waited if worker.messages else 0.0
        while worker.messages and worker.messages[0][1].done():
            message, future = worker.messages[0]
            try:
                message.answer(future.result())
            except (BrokenProcessPool, MemoryError):  # the latter where it had no memory left to answer
                self._replace(worker)
                return
            worker.messages.popleft()
            worker.silent = 0.0
        if worker.silent >= self._file_seconds:
            self._replace(worker)

    def _replace(self, worker: _Worker) -> None:
        """Put what a child that died or hung had not finished back into the queue; another child is started later."""
        logger.warning("The process that reads files exited unexpectedly or hung; it was replaced.")
        unfinished = [message for message, _ in worker.messages]
        self._workers.dismiss(worker)
        # It was reading the first of them.
        again = [*(self._apart(unfinished[0]) if unfinished else ()), *unfinished[1:]]
        self._queue.extendleft(reversed(again))

    def _apart(self, message: _Message) -> list[_Message]:
        """A message over which a child ended, again: file by file; nothing once it was a single file twice."""
        if len(message.places) > 1:
            return [_Message(message.batch, [place]) for place in message.places]
        message.crashes += 1
        if message.crashes < _TRIES_ALONE:
            return [message]
        (request,) = message.requests
        logger.warning("%s crashes the process that reads it and was quarantined.", request.file.path)
        detail = "reading it repeatedly crashed, hung or ran out of memory"
        message.answer([without_rows(request.file, SkipReason.QUARANTINED, detail)])
        return []


def _parts(requests: Sequence[ReadRequest]) -> Iterator[list[int]]:
    """Places of the requests that go into one message each."""
    places: list[int] = []
    size = 0
    for place, request in enumerate(requests):
        places.append(place)
        size += request.file.size
        if len(places) == _FILES_PER_MESSAGE or size >= _BYTES_PER_MESSAGE:
            yield places
            places, size = [], 0
    if places:
        yield places
