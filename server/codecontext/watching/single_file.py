"""Notices changes of a single file, such as the user's settings."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.polling import PollingObserver

from codecontext.core.private import make_private
from codecontext.watching.trees import CHANGES, CLOSING_SECONDS

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver

logger = logging.getLogger(__name__)

_POLL_SECONDS = 5.0
"""How often the file is checked where the system has no watch left for it."""


class FileWatcher(FileSystemEventHandler):
    """Calls ``on_change``, from a thread of its own, when one file was written, replaced or removed.

    The file need not exist; its folder is made, for its owner alone.
    """

    def __init__(self, file: Path, on_change: Callable[[], None]) -> None:
        self._file = str(file)
        self._on_change = on_change
        self._observer: BaseObserver | None = None
        try:
            make_private(file.parent)
            self._observer = self._started(Observer)
        except OSError as error:
            logger.warning(
                "Cannot watch %s (%s); it is checked every %.0f seconds instead.", file, error, _POLL_SECONDS
            )
            with suppress(OSError):
                self._observer = self._started(lambda: PollingObserver(timeout=_POLL_SECONDS))

    def _started(self, make: Callable[[], BaseObserver]) -> BaseObserver:
        """An observer of the file's folder. Raises ``OSError``, also when the system has no more of them."""
        observer = make()
        try:
            observer.schedule(self, str(Path(self._file).parent), event_filter=CHANGES)
            observer.start()
        except OSError:
            observer.stop()
            raise
        return observer

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Pick the events of the file."""
        if self._file in (os.fsdecode(event.src_path), os.fsdecode(event.dest_path)):
            self._on_change()

    def close(self) -> None:
        """Stop watching."""
        if self._observer is not None and self._observer.is_alive():
            self._observer.stop()
            self._observer.join(CLOSING_SECONDS)
