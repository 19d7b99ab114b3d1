"""The engine's process: ``EngineService`` behind JSON-RPC on stdin and stdout.

It ends by itself when whoever started it is gone, since then stdin ends.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pydantic import BaseModel
from pygls.exceptions import JsonRpcException
from pygls.protocol import default_converter
from pygls.server import JsonRPCServer

from codecontext.core.errors import CodeContextError
from codecontext.core.printable import PrintableFormatter
from codecontext.core.startup import claim_stdio, limit_malloc_arenas
from codecontext.indexing.reader_process import ReaderProcess
from codecontext.rpc.messages import (
    Configure,
    FilesChanged,
    FolderOnly,
    FolderReport,
    Method,
    Opened,
    Pause,
    Pulse,
    Reindex,
    Search,
    Similar,
)
from codecontext.rpc.transport import REQUEST_FAILED, EngineProtocol, error_data
from codecontext.service.self_watch import watch_over_itself

logger = logging.getLogger(__name__)

_QUESTION_THREADS = 4
_REPORT_SECONDS = 0.1
"""A folder is reported on at most once in this time; the last report always goes out."""
_FAREWELL_SECONDS = 1.0


class EngineServer(JsonRPCServer):
    """Answers the language server. Questions run in threads; the loop only passes messages on."""

    def __init__(self, reader: ReaderProcess) -> None:
        from codecontext.service.service import EngineService

        super().__init__(EngineProtocol, default_converter)
        self._reports = reports = ReportPublisher(self._send_report)
        self.service = service = EngineService(reports.note, reader)
        reports.start(service.report)
        self._running = running = RunningRequests()

        @self.feature(Method.PULSE)
        async def pulse(_params: Any) -> Any:
            return _plain(Pulse(longest_seconds=running.longest_seconds(), stalled_seconds=service.stalled_seconds()))

        questions = ThreadPoolExecutor(_QUESTION_THREADS, thread_name_prefix="question")
        self._answer(Method.SEARCH, Search, service.search, questions)
        self._answer(Method.SIMILAR, Similar, service.similar, questions)
        self._answer(Method.ADAPTERS, FolderOnly, lambda request: service.adapters(request.folder), questions)
        self._answer(Method.SKIPPED, FolderOnly, lambda request: service.skipped(request.folder), questions)
        self._answer(Method.SHUTDOWN, FolderOnly, lambda _request: service.close(), questions)

        # One thread: what changes something takes effect in the order in which it was said.
        orders = ThreadPoolExecutor(1, thread_name_prefix="order")
        self._answer(Method.CONFIGURE, Configure, self._configure, orders)
        self._answer(Method.RELOAD_ADAPTER, FolderOnly, lambda request: service.reload_adapter(request.folder), orders)
        self._answer(Method.REINDEX, Reindex, service.reindex, orders)
        self._answer(Method.PAUSE, Pause, service.pause, orders)
        self._answer(Method.OPENED, Opened, service.opened, orders)
        self._answer(Method.FILES_CHANGED, FilesChanged, service.files_changed, orders)
        self._answer(
            Method.ADAPTER_TOUCHED, FolderOnly, lambda request: service.adapter_touched(request.folder), orders
        )

    def _answer(
        self, method: Method, model: type[BaseModel], call: Callable[[Any], Any], threads: ThreadPoolExecutor
    ) -> None:
        """Let ``call`` answer ``method``, in one of the threads."""

        @self.feature(method)
        async def handle(params: Any) -> Any:
            try:
                request = model.model_validate(params)
                result = await asyncio.get_running_loop().run_in_executor(threads, self._running.run, call, request)
            except CodeContextError as error:
                raise JsonRpcException(error.message, REQUEST_FAILED, error_data(error)) from error
            except Exception as error:
                logger.exception("%s failed.", method)
                raise JsonRpcException(f"{method} failed: {error}") from error
            return _plain(result)

    def _configure(self, request: Configure) -> None:
        self.service.configure(request)
        self._reports.repeat(setup.folder for setup in request.folders)

    def _send_report(self, report: FolderReport) -> None:
        self.protocol.notify(Method.FOLDER_CHANGED, report.model_dump(mode="json"))


class RunningRequests:
    """Knows how long the requests that threads work on have been going on, for whoever looks whether they hang."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._started: dict[int, float] = {}

    def run(self, call: Callable[[Any], Any], request: Any) -> Any:
        """``call`` with ``request``, in the calling thread."""
        thread = threading.get_ident()
        with self._lock:
            self._started[thread] = time.monotonic()
        try:
            return call(request)
        finally:
            with self._lock:
                del self._started[thread]

    def longest_seconds(self) -> float:
        """Age of the oldest of them; 0 while there is none."""
        with self._lock:
            return time.monotonic() - min(self._started.values()) if self._started else 0.0


class ReportPublisher:
    """Sends the reports of folders that changed, not too often.

    A report is made when it is sent, so that none is older than the change it was sent for.
    """

    def __init__(self, send: Callable[[FolderReport], None]) -> None:
        self._send = send
        self._changed = threading.Condition()
        self._folders: set[str] = set()
        self._unsaid: set[str] = set()

    def start(self, report: Callable[[str], FolderReport | None]) -> None:
        """Begin to send what ``report`` says of folders."""
        threading.Thread(target=self._run, args=(report,), name="reports", daemon=True).start()

    def note(self, folder: str) -> None:
        """Something about the folder changed."""
        with self._changed:
            self._folders.add(folder)
            self._changed.notify()

    def repeat(self, folders: Iterable[str]) -> None:
        """Send the reports of these folders even if they are what was sent before: somebody forgot them."""
        with self._changed:
            self._unsaid.update(folders)
            self._folders |= self._unsaid
            self._changed.notify()

    def _run(self, report: Callable[[str], FolderReport | None]) -> None:
        sent: dict[str, FolderReport] = {}
        pause = threading.Event()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._folders)  # for ever where nothing happens; a daemon
                folders, self._folders = self._folders, set()
                unsaid, self._unsaid = self._unsaid, set()
            for name in folders:
                try:
                    newest = report(name)
                    if newest is not None and (name in unsaid or sent.get(name) != newest):
                        self._send(newest)
                        sent[name] = newest
                except Exception:  # one report that cannot be made or sent must not end the others
                    logger.exception("The report of %s was not sent.", name)
            pause.wait(_REPORT_SECONDS)


def main() -> None:
    """Serve until stdin ends.

    SIGTERM keeps its default, which ends the process whatever it does: what is half written is made good by the next
    one, and children end by themselves.
    """
    reader, writer = claim_stdio()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in a terminal reaches the parent, too, which decides
    watch_over_itself()
    limit_malloc_arenas()
    warnings.simplefilter("ignore")
    _log_to_stderr()
    reader_process = ReaderProcess()
    # The child imports what it needs while this process imports the database, which takes a second.
    threading.Thread(target=_prepare, args=(reader_process,), daemon=True).start()
    server = EngineServer(reader_process)
    server.start_io(reader, writer)
    closing = threading.Thread(target=server.service.close, daemon=True)
    closing.start()
    closing.join(_FAREWELL_SECONDS)
    # Whatever still runs may be killed at any time anyway; nobody is left to wait for it.
    os._exit(0)


def _prepare(reader: ReaderProcess) -> None:
    try:
        reader.prepare()
    except CodeContextError as error:  # who reads the first file is told again
        logger.warning("%s", error)


def _log_to_stderr() -> None:
    """One line a record, its level first, for whoever reads stderr; pygls would log every message."""
    handler = logging.StreamHandler()
    handler.setFormatter(PrintableFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.getLogger("codecontext").setLevel(logging.DEBUG)
    logging.getLogger("pygls").setLevel(logging.CRITICAL)


def _plain(result: Any) -> Any:
    if isinstance(result, BaseModel):
        return result.model_dump(mode="json")
    if isinstance(result, list):
        return [_plain(item) for item in result]
    return result
