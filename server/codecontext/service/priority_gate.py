"""Priority gate: searches run immediately, background work yields to them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_LONGEST_STOP = 0.5
"""Seconds that background work waits for one gap between queries; a storm of them slows it, but never stops it."""


class PriorityGate:
    """Searches run at once; background work calls ``give_way`` between its small batches."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queries = 0

    @contextmanager
    def query(self) -> Iterator[None]:
        """Run a query inside; any number may run at once."""
        with self._changed:
            self._queries += 1
        try:
            yield
        finally:
            with self._changed:
                self._queries -= 1
                self._changed.notify_all()

    def give_way(self) -> None:
        """Wait while queries are running."""
        with self._changed:
            self._changed.wait_for(lambda: not self._queries, timeout=_LONGEST_STOP)
