"""The service process: ``EngineService`` behind JSON-RPC on stdin and stdout.

It exits by itself when the process that started it is gone, since stdin ends then.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from codecontext.core.errors import CodeContextError
from codecontext.core.printable import PrintableFormatter
from codecontext.core.priority import lower_thread_priority
from codecontext.core.startup import claim_stdio, limit_malloc_arenas
from codecontext.engine.folder_state import FolderState
from codecontext.indexing.reader_pool import ReaderPool
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
from codecontext.rpc.server import RequestServer
from codecontext.service.self_watch import watch_over_itself

logger = logging.getLogger(__name__)

_QUERY_THREADS = 4
_REPORT_SECONDS = 0.1
"""The state of a folder is sent at most once in this time; the last one is always sent."""
_FAREWELL_SECONDS = 1.0


class EngineServer(RequestServer):
    """Answers the language server with ``EngineService``."""

    def __init__(self, reader: ReaderPool) -> None:
        from codecontext.service.service import EngineService

        super().__init__()
        self._reports = reports = ReportPublisher(lambda state: self.notify(Method.FOLDER_CHANGED, state))
        self.service = service = EngineService(reports.note, reader)
        reports.start(service.state)
        self.register_at_once(
            Method.PULSE,
            lambda: Pulse(longest_seconds=self.longest_seconds(), stalled_seconds=service.stalled_seconds()),
        )

        queries = ThreadPoolExecutor(_QUERY_THREADS, thread_name_prefix="query")
        self.register(Method.SEARCH, Search, service.search, queries)
        self.register(Method.SIMILAR, Similar, service.similar, queries)
        self.register(Method.ADAPTERS, FolderOnly, lambda request: service.adapters(request.folder), queries)
        self.register(Method.SKIPPED, FolderOnly, lambda request: service.skipped(request.folder), queries)
        self.register(Method.SHUTDOWN, FolderOnly, lambda _request: service.close(), queries)

        # One thread, so that mutations take effect in the order in which they were sent.
        mutations = ThreadPoolExecutor(1, thread_name_prefix="mutation")
        self.register(Method.CONFIGURE, Configure, self._configure, mutations)
        self.register(
            Method.RELOAD_ADAPTER, FolderOnly, lambda request: service.reload_adapter(request.folder), mutations
        )
        self.register(Method.REINDEX, Reindex, service.reindex, mutations)
        self.register(Method.PAUSE, Pause, service.pause, mutations)
        self.register(Method.OPENED, Opened, service.opened, mutations)
        self.register(Method.FILES_CHANGED, FilesChanged, service.files_changed, mutations)
        self.register(
            Method.ADAPTER_TOUCHED, FolderOnly, lambda request: service.adapter_touched(request.folder), mutations
        )

    def _configure(self, request: Configure) -> None:
        self.service.configure(request)
        self._reports.repeat(setup.folder for setup in request.folders)


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
    reader_pool = ReaderPool()
    # The child imports what it needs while this process imports the database, which takes a second.
    threading.Thread(target=_prepare, args=(reader_pool,), name="prepare", daemon=True).start()
    server = EngineServer(reader_pool)
    server.start_io(reader, writer)
    closing = threading.Thread(target=server.service.close, daemon=True)
    closing.start()
    closing.join(_FAREWELL_SECONDS)
    # Whatever is still running may be killed at any time anyway; nobody is left to wait for it.
    os._exit(0)


def _prepare(reader: ReaderPool) -> None:
    lower_thread_priority()  # the children inherit it, from their first import on
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
