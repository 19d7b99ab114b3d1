"""A thread that does one job at a time, the most urgent first, and never the same one twice."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from codecontext.core.priority import lower_thread_priority
from codecontext.core.progress import CancelToken

logger = logging.getLogger(__name__)

_SAFE_POINT_SECONDS = 30.0
"""Much more than there is between two safe points of a job: a batch of vectors, or a few files."""

Run = Callable[[CancelToken], bool]
"""Does a job. False means that it was stopped before its end; it is then queued again."""


@dataclass(slots=True)
class _Job:
    key: Hashable
    urgency: int
    run: Run
    due: float


class Worker:
    """Jobs by key: a job that is waiting already is not queued again, only made more urgent.

    A job is asked to stop when a more urgent one arrives, and is queued again. ``after`` is called with the key of each
    job that ended or was stopped.
    """

    def __init__(self, name: str, after: Callable[[Hashable], None]) -> None:
        self._after = after
        self._changed = threading.Condition()
        self._waiting: dict[Hashable, _Job] = {}
        self._running: tuple[_Job, CancelToken] | None = None
        self._closed = False
        self._alive_at = 0.0
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def put(self, key: Hashable, urgency: int, run: Run, *, delay: float = 0.0) -> None:
        """Do a job, after ``delay`` seconds; the lower ``urgency``, the sooner."""
        with self._changed:
            if self._closed:
                return
            job = _Job(key, urgency, run, time.monotonic() + delay)
            known = self._waiting.get(key)
            if known is not None:
                job.urgency, job.due = min(job.urgency, known.urgency), min(job.due, known.due)
            self._waiting[key] = job
            if self._running and not delay and urgency < self._running[0].urgency:
                self._running[1].cancel()
            self._changed.notify_all()

    def drop(self, concerns: Callable[[Hashable], bool], *, wait: bool = False) -> None:
        """Drop the jobs whose key ``concerns`` selects, and stop the running one; ``wait`` until it has stopped.

        For ``_SAFE_POINT_SECONDS`` at most: a job that hangs must not block whoever closes a folder.
        """
        with self._changed:
            for key in [key for key in self._waiting if concerns(key)]:
                del self._waiting[key]
            running = self._running
            if running is None or not concerns(running[0].key):
                return
            running[0].run = _nothing
            running[1].cancel()
            if not wait or threading.current_thread() is self._thread:
                return
            if not self._changed.wait_for(lambda: self._running is not running, _SAFE_POINT_SECONDS):
                logger.warning("A job does not stop: %s", running[0].key)

    def beat(self) -> None:
        """Called by a job that makes progress."""
        self._alive_at = time.monotonic()

    def stalled_seconds(self) -> float:
        """How long ago the running job made progress; 0 while none runs."""
        with self._changed:
            return time.monotonic() - self._alive_at if self._running else 0.0

    def has(self, concerns: Callable[[Hashable], bool]) -> bool:
        """Whether a job whose key ``concerns`` selects is running or due, not waiting for a later time."""
        with self._changed:
            now = time.monotonic()
            waiting = (job.key for job in self._waiting.values() if job.due <= now)
            return any(map(concerns, waiting)) or (self._running is not None and concerns(self._running[0].key))

    def close(self, timeout: float = 5.0) -> None:
        """Stop the running job at its next safe point, and end the thread."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            if self._running:
                self._running[1].cancel()
            self._changed.notify_all()
        self._thread.join(timeout)

    def _work(self) -> None:
        lower_thread_priority()
        while (turn := self._next()) is not None:
            job, token = turn
            try:
                done = job.run(token)
            except Exception:  # an error in one job must not stop the others
                logger.exception("Background work failed: %s", job.key)
                done = True
            with self._changed:
                self._running = None
                if not done and not self._closed and job.run is not _nothing:
                    self._waiting.setdefault(job.key, job)
                self._changed.notify_all()
            try:
                self._after(job.key)
            except Exception:  # nor must an error in the callback
                logger.exception("The end of background work cannot be reported: %s", job.key)

    def _next(self) -> tuple[_Job, CancelToken] | None:
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                due = [job for job in self._waiting.values() if job.due <= now]
                if due:
                    job = min(due, key=lambda job: job.urgency)
                    del self._waiting[job.key]
                    self._running = job, CancelToken()
                    self.beat()
                    return self._running
                soonest = min((job.due for job in self._waiting.values()), default=None)
                # Without a limit where there is nothing to do: ``put`` wakes it.
                self._changed.wait(None if soonest is None else soonest - now)
            return None


def _nothing(_cancel: CancelToken) -> bool:
    return True
