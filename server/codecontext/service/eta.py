"""Time left, as an estimate that never runs backwards."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

_MEMORY_SECONDS = 20.0
"""The rate is averaged over about this long; earlier work says little about the work to come."""
_NEEDED_SECONDS = 1.0


class Eta:
    """Estimates the end of one kind of work from its progress. Thread-safe.

    The estimate comes from the recent rate. An announced time is only ever counted down: when work turns out to be
    slower, the estimate stands still until reality has caught up. Stopped work that resumes with what is left is the
    same work; more than was left starts a new estimate.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._total = self._done = 0
        self._rate = 0.0
        self._announced = math.inf
        self._begin(0)

    def resume(self) -> None:
        """Work starts, or resumes after a break that says nothing about its rate."""
        with self._lock:
            self._begin(self._done)

    def seconds_left(self, done: int, total: int) -> float | None:
        """Seconds until ``done`` is ``total``; None while unknown."""
        with self._lock:
            self._see(done, total)
            if not self._rate or not total:
                return None
            left = max(0.0, (total - done) / self._rate - (self._clock() - self._at))
            self._announced = min(left, self._announced)
            return round(self._announced, 1)

    def _see(self, done: int, total: int) -> None:
        if total - done > self._total - self._done:
            self._rate, self._announced = 0.0, math.inf
        if total != self._total or done < self._done:
            self._total = total
            self._begin(done)
        if done > self._done:
            self._learn(done, self._clock())

    def _begin(self, done: int) -> None:
        self._begun = self._at = self._clock()
        self._first = self._done = done

    def _learn(self, done: int, now: float) -> None:
        if not self._rate:
            if now - self._begun < _NEEDED_SECONDS:
                return
            self._rate = (done - self._first) / (now - self._begun)
        else:
            seconds = max(now - self._at, 1e-3)
            weight = min(1.0, seconds / _MEMORY_SECONDS)
            self._rate += weight * ((done - self._done) / seconds - self._rate)
        self._done, self._at = done, now
