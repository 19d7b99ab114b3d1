"""How long work will still take, as a figure that never runs backwards."""

from __future__ import annotations

import time
from collections.abc import Callable

_MEMORY_SECONDS = 20.0
"""The rate is that of about so long; earlier work says little about the work to come."""
_NEEDED_SECONDS = 1.0


class Eta:
    """Estimates the end of one piece of work from its progress.

    The estimate comes from the recent rate. Time that was announced once is only ever counted down: when work turns
    out to be slower, the figure stands still until the truth has caught up. A new total begins anew.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._total = 0
        self._announced = float("inf")
        self._reset(0)

    def seconds_left(self, done: int, total: int) -> float | None:
        """Seconds until ``done`` is ``total``; None while that cannot be said."""
        if total != self._total or done < self._done:
            self._total = total
            self._reset(done)
        now = self._clock()
        if done > self._done:
            self._learn(done, now)
        if not self._rate or not total:
            return None
        left = max(0.0, (total - done) / self._rate - (now - self._at))
        self._announced = min(left, self._announced)
        return round(self._announced, 1)

    def _reset(self, done: int) -> None:
        self._begun = self._at = self._clock()
        self._first = self._done = done
        self._rate = 0.0
        self._announced = float("inf")

    def _learn(self, done: int, now: float) -> None:
        if now - self._begun < _NEEDED_SECONDS:
            return
        if not self._rate:
            self._rate = (done - self._first) / (now - self._begun)
        else:
            seconds = max(now - self._at, 1e-3)
            weight = min(1.0, seconds / _MEMORY_SECONDS)
            self._rate += weight * ((done - self._done) / seconds - self._rate)
        self._done, self._at = done, now
