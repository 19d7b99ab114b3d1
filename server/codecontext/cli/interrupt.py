"""Ctrl-C: once to stop at the next safe point, twice to stop now."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from codecontext.core.progress import CancelToken


@contextmanager
def stop_on_interrupt(announce: Callable[[], None]) -> Iterator[CancelToken]:
    """Give a token that the first Ctrl-C sets, after which ``announce`` is called.

    The second one raises ``KeyboardInterrupt``, as without this. Signals reach the main thread only, so this
    must run there.
    """
    token = CancelToken()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        token.cancel()
        # Whatever this handler interrupts may be writing to the same stream, so it must not write itself.
        threading.Thread(target=announce).start()

    previous = signal.signal(signal.SIGINT, stop)
    try:
        yield token
    finally:
        signal.signal(signal.SIGINT, previous)
