"""The language server: what its features share, and how it starts and ends."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Coroutine, Sequence
from typing import Any

import psutil
from pygls.exceptions import FeatureRequestError, JsonRpcException
from pygls.lsp.server import LanguageServer

from codecontext import __version__
from codecontext.engine.client import EngineClient
from codecontext.engine.messages import FolderSetup, Pause
from codecontext.lsp import logs
from codecontext.lsp.configuration import Configuration
from codecontext.lsp.documents import Documents
from codecontext.lsp.folders import Folder, Folders
from codecontext.lsp.progress import IndexingProgress
from codecontext.lsp.protocol import InitializationOptions, Method, Status
from codecontext.lsp.status import StatusPublisher, status_of
from codecontext.lsp.transport import ServerProtocol
from codecontext.lsp.watching import ChangedFiles, Watching

logger = logging.getLogger(__name__)

_PARENT_SECONDS = 5.0


class CodeContextServer(LanguageServer):
    """What the features share. Holds no model and no index: the engine's process does.

    Made before the event loop runs; ``begin`` is called when the editor says ``initialized``.
    """

    protocol: ServerProtocol

    def __init__(self) -> None:
        super().__init__("codecontext", __version__, protocol_cls=ServerProtocol)
        self.options = InitializationOptions()
        self.configuration = Configuration()
        self.folders = Folders()
        self.paused: set[str] = set()
        """Keys of the folders whose background work is paused."""
        self.engine = EngineClient(self.changed)
        self.changed_files = ChangedFiles(self.engine)
        self.watching: Watching | None = None
        self.watches_through_editor = False
        """Whether the editor watches the folders for us."""
        self.was_shut_down = False
        self._publisher = StatusPublisher(self.status, self._send_status)
        self._progress: IndexingProgress | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._applying = asyncio.Lock()
        self._log: logs.EditorLog | None = None

    # -- life ------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """The editor is ready: begin to log there, to watch, and to show progress where it can be shown."""
        self._log = logs.EditorLog(asyncio.get_running_loop(), self.window_log_message)
        logging.getLogger().addHandler(self._log)
        self.watching = Watching(self.engine, self.changed_files, lambda: self.folders, self.changed)
        window = self.client_capabilities.window
        if window is not None and window.work_done_progress:
            self._progress = IndexingProgress(self.work_done_progress, self.run, self._progress_cancelled)
        if self.process_id is not None:
            self.run(_end_with(self.process_id))

    async def end(self) -> None:
        """Stop all that works for this server."""
        self.was_shut_down = True
        self._publisher.close()
        if self._log is not None:
            logging.getLogger().removeHandler(self._log)
        for task in list(self._tasks):
            task.cancel()
        watching, self.watching = self.watching, None
        closing = asyncio.to_thread(watching.close) if watching is not None else asyncio.sleep(0)
        await asyncio.gather(closing, self.engine.stop())

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Let ``work`` run beside everything else; its faults are logged."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(_log_fault)

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Log it. Showing it would be another message that can fail, and so on without end."""
        if source is JsonRpcException and isinstance(error, ValueError | RecursionError):
            self.protocol.refuse_text()  # so pygls reports what it cannot parse
            return
        level = logging.DEBUG if source is FeatureRequestError else logging.WARNING  # who asked was told
        logger.log(level, "A message could not be handled: %s", error)

    # -- folders and settings ----------------------------------------------------------------------------------

    def setups(self) -> list[FolderSetup]:
        """The open folders as the engine is to serve them."""
        documents = [found for path in self.documents().paths() if (found := self.folders.holding(path))]
        return [
            FolderSetup(
                folder=folder.key,
                editor=self.configuration.of(folder),
                trusted=self.options.trusted,
                paused=folder.key in self.paused,
                open_files=tuple(sorted(path for holder, path in documents if holder == folder)),
            )
            for folder in self.folders
        ]

    async def apply_folders(self) -> None:
        """Let the engine serve the open folders with their settings, one change after the other."""
        async with self._applying:
            setups = self.setups()
            self.paused &= {setup.folder for setup in setups}
            if setups or self.engine.pid is not None:
                await self.engine.configure(setups)
        self.changed()

    async def pause(self, folders: Sequence[Folder], *, paused: bool) -> None:
        """Stop working in the background for some folders, or go on; remembered while a folder is open."""
        keys = {folder.key for folder in folders}
        self.paused = self.paused | keys if paused else self.paused - keys
        await asyncio.gather(*(self.engine.pause(Pause(folder=key, paused=paused)) for key in sorted(keys)))
        self.changed()

    def documents(self) -> Documents:
        """What is open in the editor, at this moment."""
        return Documents(self.workspace)

    # -- what is said ------------------------------------------------------------------------------------------

    def status(self) -> Status:
        """All there is to show."""
        unwatched = self.watching.faults if self.watching is not None else {}
        return status_of(self.engine, self.folders, __version__, unwatched)

    def changed(self) -> None:
        """Something that the status shows may have changed."""
        if self.watching is not None:
            self._publisher.changed()

    def _send_status(self, status: Status) -> None:
        self.protocol.notify(Method.STATUS_CHANGED, status.model_dump(mode="json", by_alias=True))
        if self._progress is not None:
            self._progress.follow(status)
        if self.watching is not None:
            self.watching.watch_adapters()
        levels = {str(report.settings.get("log_level", "info")) for report in self.engine.reports.values()}
        logs.set_level(min(levels, key=lambda level: logging.getLevelNamesMapping()[level.upper()], default="info"))

    def _progress_cancelled(self, uri: str) -> None:
        folder = self.folders.by_uri(uri)
        if folder is not None:
            logger.info("Indexing %s is paused, as its progress was cancelled.", folder.name)
            self.run(self.pause([folder], paused=True))


async def _end_with(process_id: int) -> None:
    """End this process when the editor is gone without a word (LSP 3.17, ``processId``)."""
    while psutil.pid_exists(process_id):
        await asyncio.sleep(_PARENT_SECONDS)
    logger.warning("The editor's process %d is gone.", process_id)
    os._exit(1)


def _log_fault(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("Background task failed.", exc_info=error)
