"""Log records of server and engine: lines on stderr, and messages in the editor's own log."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable

from lsprotocol.types import LogMessageParams, MessageType

from codecontext.core.printable import PrintableFormatter

_PACKAGE = logging.getLogger("codecontext")
_TYPES = [
    (logging.ERROR, MessageType.Error),
    (logging.WARNING, MessageType.Warning),
    (logging.INFO, MessageType.Info),
]


def log_to_stderr() -> None:
    """Start to log. pygls would log every message in full, so it is silenced."""
    logging.getLogger("pygls").setLevel(logging.CRITICAL)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PrintableFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    _PACKAGE.setLevel(logging.INFO)


def set_level(level: str) -> None:
    """Log our own records from this level up."""
    _PACKAGE.setLevel(level.upper())


class EditorLog(logging.Handler):
    """Sends records to the editor (``window/logMessage``), from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, send: Callable[[LogMessageParams], None]) -> None:
        super().__init__()
        self.setFormatter(PrintableFormatter())
        self._loop = loop
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record; without an event loop there is no editor left."""
        if record.name.startswith("pygls"):
            return
        kind = next((kind for level, kind in _TYPES if record.levelno >= level), MessageType.Log)
        message = LogMessageParams(kind, self.format(record))
        try:
            self._loop.call_soon_threadsafe(self._send, message)
        except RuntimeError:
            return
