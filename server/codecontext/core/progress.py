"""How long work says how far it is, and is told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from codecontext.core.errors import OperationCancelled


@dataclass(frozen=True, slots=True)
class Progress:
    """One report: ``done`` of ``total`` units of ``stage``; ``total`` is 0 while it is unknown."""

    stage: str
    done: int
    total: int
    detail: str = ""


ProgressCallback = Callable[[Progress], None]
"""Called often and from any thread of the work; it must be quick."""


def ignore_progress(_progress: Progress) -> None:
    """Report to nobody."""


class CancelToken:
    """Set from any thread; checked between batches by whoever does the work."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask the work to stop at its next safe point."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether cancellation was requested."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise ``OperationCancelled`` if cancellation was requested."""
        if self.cancelled:
            raise OperationCancelled("Stopped on request.", "Completed work is kept.")

    def wait(self, seconds: float) -> bool:
        """Sleep for up to ``seconds``, or until cancellation is requested; returns whether it was."""
        return self._event.wait(seconds)
