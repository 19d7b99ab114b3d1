"""The language server: what its features share, and how it starts and ends."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from io import BufferedReader, BufferedWriter
from typing import Any, TypeVar

from lsprotocol.types import INITIALIZED
from pygls.exceptions import FeatureRequestError, JsonRpcException
from pygls.io_ import run_async
from pygls.lsp.server import LanguageServer

from codecontext import __version__
from codecontext.lsp import logs
from codecontext.lsp.configuration import Configuration
from codecontext.lsp.documents import Comparisons, Documents
from codecontext.lsp.editor_process import EditorProcess
from codecontext.lsp.folders import Folder, Folders
from codecontext.lsp.framing import FrameReader
from codecontext.lsp.outgoing import Outgoing
from codecontext.lsp.progress import IndexingProgress
from codecontext.lsp.protocol import InitializationOptions, Method, Status
from codecontext.lsp.status import StatusPublisher, status_of
from codecontext.lsp.transport import ServerProtocol
from codecontext.lsp.watching import ChangedFiles, Watching
from codecontext.rpc.client import EngineClient
from codecontext.rpc.messages import FolderSetup, Pause
from codecontext.rpc.tasks import BackgroundTasks

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

ANSWER_SECONDS = 5.0
"""How long an editor is waited for that does not respond to a request."""
_CHECK_SECONDS = 2.0
INITIALIZED_SECONDS = 10.0
"""After ``initialize``; an editor that does not say ``initialized`` by then never will."""
_FAREWELL_SECONDS = 3.0
_SIGNALS = [signal.SIGINT, signal.SIGTERM, *([] if sys.platform == "win32" else [signal.SIGHUP])]


class NoAnswer(JsonRpcException):
    """The editor did not respond to a request of the server in time."""


class CodeContextServer(LanguageServer):
    """What the features share. Holds no model and no index: the engine process does.

    Made before the event loop runs; ``begin`` is called when the editor sends ``initialized``.
    """

    protocol: ServerProtocol

    def __init__(self) -> None:
        super().__init__("codecontext", __version__, protocol_cls=ServerProtocol)
        self.protocol.report_problem = self.report_problem
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
        self.editor_process: EditorProcess | None = None
        """The editor, where it named its process."""
        self.initialized_by: float | None = None
        """When the editor should have sent ``initialized`` (``time.monotonic``)."""
        self._problems: dict[str, str] = {}
        self._comparisons = Comparisons()
        self._has_begun = False
        self._over: asyncio.Future[int] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._publisher = StatusPublisher(self.status, self._send_status)
        self._progress: IndexingProgress | None = None
        self._tasks = BackgroundTasks()
        self._applying = asyncio.Lock()
        self._log: logs.EditorLog | None = None

    # -- life ------------------------------------------------------------------------------------------------

    async def talk(self, stdin: BufferedReader, stdout: BufferedWriter) -> int:
        """Serve one editor until it sends ``exit``, is gone, or a signal arrives; returns the exit code.

        That is 0 after ``shutdown``, else 1 (LSP 3.17), and for a signal 128 plus its number, as in shells.
        """
        loop = asyncio.get_running_loop()
        self._over = loop.create_future()
        outgoing = Outgoing(stdout, self._cannot_write)
        self.protocol.set_writer(outgoing)
        for number in _SIGNALS:
            signal.signal(number, self._signalled)
        reading = loop.create_task(self._read(stdin))
        watching = loop.create_task(self._watch_editor(outgoing))
        code = await self._over
        reading.cancel()
        watching.cancel()
        was_shut_down = self.was_shut_down
        with suppress(TimeoutError):
            await asyncio.wait_for(self.end(), _FAREWELL_SECONDS)
        outgoing.close()
        return 0 if was_shut_down else code

    def leave(self, code: int, reason: str = "") -> None:
        """Exit soon, with this code unless the editor sent ``shutdown`` before."""
        if self._over is not None and not self._over.done():
            if reason and not self.was_shut_down:
                logger.warning("%s The server exits.", reason)
            self._over.set_result(code)

    def begin(self) -> bool:
        """The editor is ready: start to log there, to watch, and to show progress where it can be shown.

        Returns whether this is the first call.
        """
        if self._has_begun:
            return False
        self._has_begun = True
        self._log = logs.EditorLog(asyncio.get_running_loop(), self.window_log_message)
        logging.getLogger().addHandler(self._log)
        try:
            self.watching = Watching(self.engine, self.changed_files, lambda: self.folders, self.changed)
        except OSError as error:
            self.report_problem(
                "watch", f"Changes outside the editor are noticed late, as files cannot be watched: {error}."
            )
        window = self.client_capabilities.window
        if window is not None and window.work_done_progress:
            self._progress = IndexingProgress(self.work_done_progress, self.run, self._progress_cancelled)
        return True

    async def end(self) -> None:
        """Stop everything that runs for this server."""
        if self._ending is None:
            self._ending = asyncio.get_running_loop().create_task(self._end())
        await asyncio.shield(self._ending)

    async def _end(self) -> None:
        self.was_shut_down = True
        self._publisher.close()
        if self._log is not None:
            logging.getLogger().removeHandler(self._log)
        self._tasks.cancel()
        watching, self.watching = self.watching, None
        closing = asyncio.to_thread(watching.close) if watching is not None else asyncio.sleep(0)
        await asyncio.gather(closing, self.engine.stop())

    async def _read(self, stdin: BufferedReader) -> None:
        reader = FrameReader(stdin, self.thread_pool, self.protocol.refuse_frame)
        self._stop_event = threading.Event()
        try:
            await run_async(self._stop_event, reader, self.protocol, error_handler=self.report_server_error)
        except SystemExit as end:  # the editor sent exit
            self.leave(end.code if isinstance(end.code, int) else 1)
        else:
            self.leave(1)

    async def _watch_editor(self, outgoing: Outgoing) -> None:
        """Notice what the editor does not report: that it is gone, that it is ready."""
        while True:
            await asyncio.sleep(_CHECK_SECONDS)
            if not outgoing.has_reader():
                self.leave(1, "The editor's end of stdout is closed.")
            elif self.editor_process is not None and not self.editor_process.is_alive():
                self.leave(1, f"The editor's process {self.editor_process.pid} is gone.")
            elif self.initialized_by is not None and time.monotonic() > self.initialized_by and not self._has_begun:
                self.protocol.handle_message({"jsonrpc": "2.0", "method": INITIALIZED})
                self.report_problem("initialized", "The editor did not send initialized; the server starts anyway.")

    def _cannot_write(self, reason: str) -> None:
        """Called from any thread."""
        if self._over is not None:
            self._over.get_loop().call_soon_threadsafe(self.leave, 1, reason)

    def _signalled(self, number: int, _frame: object) -> None:
        """Called between any two steps of this thread; a second signal ends the process by default."""
        signal.signal(number, signal.SIG_DFL)
        if self._over is not None:
            self._over.get_loop().call_soon_threadsafe(
                self.leave, 128 + number, f"Received {signal.Signals(number).name}."
            )

    async def ask_editor(self, method: str, answer: Awaitable[Answer]) -> Answer:
        """The editor's response. Raises ``JsonRpcException`` for what it refuses, and ``NoAnswer``."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await answer
        except TimeoutError:
            raise NoAnswer(f"it did not respond to {method} within {ANSWER_SECONDS:.0f} seconds") from None

    async def attempt(self, what: str, work: Callable[[CodeContextServer], Awaitable[None]]) -> None:
        """Do one part of the set-up; if it fails, that is reported and the rest continues."""
        try:
            await work(self)
        except Exception as error:
            logger.exception("%s failed.", what)
            self.report_problem(
                what, f"{what} failed: {error or type(error).__name__}. See the server log for details."
            )

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work`` in the background; its errors are logged."""
        self._tasks.start(work)

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Log it. Showing it would take another message that can fail, and so on without end."""
        if source is JsonRpcException and isinstance(error, ValueError | RecursionError):
            self.protocol.refuse_text()  # which is how pygls reports what it cannot parse
            return
        level = logging.DEBUG if source is FeatureRequestError else logging.WARNING  # the sender was told
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
                open_files=tuple(sorted(path for holder, path in documents if holder.key == folder.key)),
            )
            for folder in self.folders.places()
        ]

    async def apply_folders(self) -> None:
        """Send the open folders and their settings to the engine, one change after the other."""
        async with self._applying:
            setups = self.setups()
            self.paused &= {setup.folder for setup in setups}
            if setups or self.engine.pid is not None:
                await self.engine.configure(setups)
        self.changed()

    async def pause(self, folders: Sequence[Folder], *, paused: bool) -> None:
        """Pause or resume background work for some folders; remembered while a folder is open."""
        keys = {folder.key for folder in folders}
        self.paused = self.paused | keys if paused else self.paused - keys
        await asyncio.gather(*(self.engine.pause(Pause(folder=key, paused=paused)) for key in sorted(keys)))
        self.changed()

    def documents(self) -> Documents:
        """What is open in the editor, at this moment."""
        return Documents(self.workspace, self.folders, self._comparisons)

    # -- what is shown -----------------------------------------------------------------------------------------

    def status(self) -> Status:
        """All there is to show."""
        unwatched = self.watching.problems if self.watching is not None else {}
        return status_of(self.engine, self.folders, __version__, unwatched, self._problems.values())

    def report_problem(self, about: str, sentence: str) -> None:
        """Show a problem of the server itself in log and status, until it is ``settled``."""
        if self._problems.get(about) != sentence:
            logger.warning("%s", sentence)
            self._problems[about] = sentence
            self.changed()

    def settled(self, about: str) -> None:
        """A problem is over."""
        if self._problems.pop(about, None) is not None:
            self.changed()

    def changed(self) -> None:
        """Something that the status shows may have changed."""
        if self._has_begun:
            self._publisher.changed()

    def _send_status(self, status: Status) -> None:
        self.protocol.notify(Method.STATUS_CHANGED, status.model_dump(mode="json", by_alias=True))
        if self._progress is not None:
            self._progress.follow(status)
        if self.watching is not None:
            self.watching.watch_adapters()
        levels = {state.log_level for state in self.engine.states.values()}
        logs.set_level(min(levels, key=lambda level: logging.getLevelNamesMapping()[level.upper()], default="info"))

    def _progress_cancelled(self, uri: str) -> None:
        folder = self.folders.by_uri(uri)
        if folder is not None:
            logger.info("Indexing of %s is paused, as its progress was cancelled.", folder.name)
            self.run(self.pause([folder], paused=True))
