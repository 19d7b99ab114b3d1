"""The service process: ``EngineService`` behind JSON-RPC on stdin and stdout.

It exits by itself when the process that started it is gone, since stdin ends then.
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
from codecontext.engine.folder_state import FolderState
from codecontext.indexing.reader_process import ReaderProcess
from codecontext.rpc.messages import (
    Configure,
    FilesChanged,
    FolderOnly,
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

_QUERY_THREADS = 4
_REPORT_SECONDS = 0.1
"""The state of a folder is sent at most once in this time; the last one is always sent."""
_FAREWELL_SECONDS = 1.0


class EngineServer(JsonRPCServer):
    """Answers the language server. Requests run in threads; the loop only passes messages on."""

    def __init__(self, reader: ReaderProcess) -> None:
        from codecontext.service.service import EngineService

        super().__init__(EngineProtocol, default_converter)
        self._reports = reports = ReportPublisher(self._send_state)
        self.service = service = EngineService(reports.note, reader)
        reports.start(service.state)
        self._running = running = RunningRequests()

        @self.feature(Method.PULSE)
        async def pulse(_params: Any) -> Any:
            return _plain(Pulse(longest_seconds=running.longest_seconds(), stalled_seconds=service.stalled_seconds()))

        queries = ThreadPoolExecutor(_QUERY_THREADS, thread_name_prefix="query")
        self._register(Method.SEARCH, Search, service.search, queries)
        self._register(Method.SIMILAR, Similar, service.similar, queries)
        self._register(Method.ADAPTERS, FolderOnly, lambda request: service.adapters(request.folder), queries)
        self._register(Method.SKIPPED, FolderOnly, lambda request: service.skipped(request.folder), queries)
        self._register(Method.SHUTDOWN, FolderOnly, lambda _request: service.close(), queries)

        # One thread, so that mutations take effect in the order in which they were sent.
        mutations = ThreadPoolExecutor(1, thread_name_prefix="mutation")
        self._register(Method.CONFIGURE, Configure, self._configure, mutations)
        self._register(
            Method.RELOAD_ADAPTER, FolderOnly, lambda request: service.reload_adapter(request.folder), mutations
        )
        self._register(Method.REINDEX, Reindex, service.reindex, mutations)
        self._register(Method.PAUSE, Pause, service.pause, mutations)
        self._register(Method.OPENED, Opened, service.opened, mutations)
        self._register(Method.FILES_CHANGED, FilesChanged, service.files_changed, mutations)
        self._register(
            Method.ADAPTER_TOUCHED, FolderOnly, lambda request: service.adapter_touched(request.folder), mutations
        )

    def _register(
        self, method: Method, model: type[BaseModel], call: Callable[[Any], Any], threads: ThreadPoolExecutor
    ) -> None:
        """Handle ``method`` with ``call``, in one of the threads."""

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

    def _send_state(self, state: FolderState) -> None:
        self.protocol.notify(Method.FOLDER_CHANGED, state.model_dump(mode="json"))


class RunningRequests:
    """Knows how long the requests that threads work on have been running, for the check whether one hangs."""

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
    """Sends the states of folders that changed, not too often.

    A state is made when it is sent, so that none is older than the change it was sent for.
    """

    def __init__(self, send: Callable[[FolderState], None]) -> None:
        self._send = send
        self._changed = threading.Condition()
        self._folders: set[str] = set()
        self._repeated: set[str] = set()

    def start(self, state_of: Callable[[str], FolderState | None]) -> None:
        """Start to send what ``state_of`` says of folders."""
        threading.Thread(target=self._run, args=(state_of,), name="reports", daemon=True).start()

    def note(self, folder: str) -> None:
        """Something about the folder changed."""
        with self._changed:
            self._folders.add(folder)
            self._changed.notify()

    def repeat(self, folders: Iterable[str]) -> None:
        """Send the states of these folders even if they were sent before: the receiver forgot them."""
        with self._changed:
            self._repeated.update(folders)
            self._folders |= self._repeated
            self._changed.notify()

    def _run(self, state_of: Callable[[str], FolderState | None]) -> None:
        sent: dict[str, FolderState] = {}
        pause = threading.Event()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._folders)  # for ever where nothing happens; a daemon
                folders, self._folders = self._folders, set()
                repeated, self._repeated = self._repeated, set()
            for name in folders:
                try:
                    newest = state_of(name)
                    if newest is not None and (name in repeated or sent.get(name) != newest):
                        self._send(newest)
                        sent[name] = newest
                except Exception:  # one state that cannot be made or sent must not stop the others
                    logger.exception("The state of %s was not sent.", name)
            pause.wait(_REPORT_SECONDS)


def main() -> None:
    """Serve until stdin ends.

    SIGTERM keeps its default, which ends the process whatever it does: what is half written is repaired by the next
    one, and children exit by themselves.
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
    # Whatever is still running may be killed at any time anyway; nobody is left to wait for it.
    os._exit(0)


def _prepare(reader: ReaderProcess) -> None:
    try:
        reader.prepare()
    except CodeContextError as error:  # reported again when the first file is read
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
