"""Writes to the editor without ever waiting for it: a full pipe must not stop the server from reading."""

from __future__ import annotations

import select
import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import BinaryIO

MAX_WAITING_BYTES = 1 << 28
"""Of messages that the editor has not read; one that lets this much wait has stopped reading."""
_FLUSH_SECONDS = 2.0


class Outgoing:
    """A queue of what is to be written, with a thread that writes it in order (a writer as pygls expects it).

    ``on_end`` is called once, from any thread, with the reason why nothing can be written any more.
    """

    def __init__(self, stream: BinaryIO, on_end: Callable[[str], None]) -> None:
        self._stream = stream
        self._on_end = on_end
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._has_ended = False
        self._is_closing = False
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._write_all, name="outgoing", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        """Queue ``data``; dropped when nobody is reading any more."""
        with self._news:
            if self._has_ended or self._is_closing:
                return
            self._waiting.append(data)
            self._waiting_bytes += len(data)
            is_too_much = self._waiting_bytes > MAX_WAITING_BYTES
            self._news.notify()
        if is_too_much:
            self._end("The editor does not read the server's messages.")

    def close(self) -> None:
        """Write what is queued, but not for long, and nothing after that."""
        with self._news:
            self._is_closing = True
            self._news.notify()
        self._thread.join(_FLUSH_SECONDS)

    def has_reader(self) -> bool:
        """Whether somebody may still be reading; known without writing where the system can tell (POSIX)."""
        if self._has_ended:
            return False
        if sys.platform == "win32" or not hasattr(select, "poll"):
            return True
        look = select.poll()
        look.register(self._stream.fileno(), 0)  # errors and hang-ups are reported in any case
        return not look.poll(0)

    def _write_all(self) -> None:
        while (data := self._next()) is not None:
            try:
                self._stream.write(data)
                self._stream.flush()
            except (OSError, ValueError) as error:
                self._end(f"The editor's end of stdout is closed ({error}).")
                return

    def _next(self) -> bytes | None:
        with self._news:
            while not self._waiting:
                if self._is_closing or self._has_ended:
                    return None
                self._news.wait()
            data = self._waiting.popleft()
            self._waiting_bytes -= len(data)
            return data

    def _end(self, reason: str) -> None:
        with self._news:
            if self._has_ended:
                return
            self._has_ended = True
            self._waiting.clear()
            self._news.notify()
        self._on_end(reason)
