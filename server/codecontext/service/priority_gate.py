"""Who may compute now: questions at once, background work in between."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_LONGEST_STOP = 0.5
"""Seconds that background work waits for one gap between questions; a storm of them slows it, but never stops it."""


class PriorityGate:
    """Searches run at once; background work asks between its small batches whether to give way."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._questions = 0

    @contextmanager
    def question(self) -> Iterator[None]:
        """Answer a question inside; any number may be answered at once."""
        with self._changed:
            self._questions += 1
        try:
            yield
        finally:
            with self._changed:
                self._questions -= 1
                self._changed.notify_all()

    def give_way(self) -> None:
        """Wait while questions are being answered."""
        with self._changed:
            self._changed.wait_for(lambda: not self._questions, timeout=_LONGEST_STOP)
