"""Indexing as work-done progress, which editors show and let the user cancel."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from lsprotocol.types import WorkDoneProgressBegin, WorkDoneProgressEnd, WorkDoneProgressReport
from pygls.exceptions import JsonRpcException

from codecontext.engine.folder_state import Phase
from codecontext.lsp.protocol import FolderStatus, Status

if TYPE_CHECKING:
    from concurrent.futures import Future

    from pygls.progress import Progress

_LEAST_UNITS = 50
"""Work on fewer files or chunks is over before anyone could read about it."""
_ANSWER_SECONDS = 30.0
"""An editor that has not accepted the progress by then shows nothing; it may have to open a window first."""
_SHOWN = frozenset({Phase.SCANNING, Phase.READING, Phase.LOADING_MODEL, Phase.EMBEDDING})
_PERCENT = {Phase.READING: (0, 10), Phase.EMBEDDING: (10, 100)}
"""Where a phase with known work begins and ends; percentages must only rise (LSP 3.17), and reading is quick."""


class IndexingProgress:
    """One progress per folder, from the start of long work until the folder is at rest.

    ``on_cancel`` is called with the URI of a folder whose progress the user cancelled.
    """

    def __init__(
        self,
        progress: Progress,
        run: Callable[[Coroutine[Any, Any, None]], None],
        on_cancel: Callable[[str], None],
    ) -> None:
        self._progress = progress
        self._run = run
        self._on_cancel = on_cancel
        self._shown: dict[str, _Shown] = {}

    def follow(self, status: Status) -> None:
        """Show what the status says."""
        folders = {folder.uri: folder for folder in status.folders}
        for uri, folder in folders.items():
            if folder.phase in _SHOWN and not folder.paused:
                self._show(folder)
            elif folder.phase is Phase.IDLE or folder.paused:
                self._end(uri)
        for uri in self._shown.keys() - folders.keys():
            self._end(uri)

    def _show(self, folder: FolderStatus) -> None:
        shown = self._shown.get(folder.uri)
        if shown is not None:
            shown.report(folder)
        elif folder.total >= _LEAST_UNITS:
            started = self._shown[folder.uri] = _Shown(self._progress, folder)
            self._run(started.begin(lambda: self._on_cancel(folder.uri)))

    def _end(self, uri: str) -> None:
        if (shown := self._shown.pop(uri, None)) is not None:
            shown.end()


class _Shown:
    """One progress in the editor. A token is used only once."""

    def __init__(self, progress: Progress, folder: FolderStatus) -> None:
        self._progress = progress
        self._folder = folder
        self._token = str(uuid.uuid4())
        self._percentage = 0
        self._begun = False
        self._ended = False

    async def begin(self, on_cancel: Callable[[], None]) -> None:
        """Create the progress; an editor that refuses shows nothing."""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await self._progress.create_async(self._token)
        except (TimeoutError, JsonRpcException):
            return
        if self._ended:
            self._forget()
            return
        cancelled: Future[Any] = self._progress.tokens[self._token]

        def ended(future: Future[Any]) -> None:
            if future.cancelled():
                on_cancel()

        cancelled.add_done_callback(ended)
        self._begun = True
        title = f"Indexing {self._folder.name}"
        self._percentage = _percentage(self._folder)
        message = _message(self._folder)
        begin = WorkDoneProgressBegin(title, cancellable=True, message=message, percentage=self._percentage)
        self._progress.begin(self._token, begin)

    def report(self, folder: FolderStatus) -> None:
        """Update the progress."""
        if self._begun and folder != self._folder:
            self._percentage = max(self._percentage, _percentage(folder))
            report = WorkDoneProgressReport(message=_message(folder), percentage=self._percentage)
            self._progress.report(self._token, report)
        self._folder = folder

    def end(self) -> None:
        """The work is over."""
        self._ended = True
        if self._begun:
            self._progress.end(self._token, WorkDoneProgressEnd(message=f"{self._folder.chunks:,} chunks"))
            self._forget()

    def _forget(self) -> None:
        """Pygls keeps tokens for ever."""
        self._progress.tokens.pop(self._token, None)


def _message(folder: FolderStatus) -> str:
    amount = f" {folder.done:,} of {folder.total:,}" if folder.total else ""
    return f"{folder.phase}{amount}{_time_left(folder.eta_seconds)}"


def _time_left(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f", {seconds / 60:.0f} min left" if seconds >= 90 else f", {seconds:.0f} s left"


def _percentage(folder: FolderStatus) -> int:
    first, last = _PERCENT.get(folder.phase, (0, 0))
    done = min(folder.done, folder.total) / folder.total if folder.total else 0.0
    return first + int((last - first) * done)
