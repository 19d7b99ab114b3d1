"""``EngineClient``: the engine in a process of its own, kept alive, as seen by the language server."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Any

from lsprotocol.types import CANCEL_REQUEST, CancelParams
from pydantic import BaseModel
from pygls.client import JsonRPCClient
from pygls.exceptions import JsonRpcException

from codecontext.core.errors import CodeContextError, EngineUnavailable
from codecontext.core.process_tree import kill_with_children, resident_bytes
from codecontext.rpc.messages import (
    Answer,
    Configure,
    EngineState,
    FilesChanged,
    FolderOnly,
    FolderReport,
    FolderSetup,
    FoundAdapter,
    Health,
    Method,
    Opened,
    Pause,
    Phase,
    Pulse,
    Reindex,
    Search,
    Similar,
    SkippedPath,
)
from codecontext.rpc.transport import EngineProtocol, error_from

logger = logging.getLogger(__name__)

# -P: nothing is imported from the folder that the editor happened to start in.
COMMAND = (sys.executable, "-P", "-m", "codecontext.service")

# Threads that wait for work must sleep: a spinning one takes a core from the user (OpenMP 5.2, 21.7; KMP_BLOCKTIME
# is the same in Intel's library). The tokenizer stays in the thread that asks, at that thread's priority.
ENVIRONMENT = {
    "OMP_WAIT_POLICY": "PASSIVE",
    "KMP_BLOCKTIME": "0",
    "TOKENIZERS_PARALLELISM": "false",
    "PYTHONUTF8": "1",
    "PYTHONUNBUFFERED": "1",
}

_FIRST_DELAY = 0.5
_LONGEST_DELAY = 30.0
_MAX_FAILURES = 5
_HEALTHY_SECONDS = 60.0
"""An engine that lived so long did not fail at once; the delays begin anew."""
_START_SECONDS = 120.0
"""Until a new process serves its folders: two seconds on an idle machine, some twenty from a cold disk under load."""
_TICK_SECONDS = 1.0
_HEARTBEAT_SECONDS = 5.0
_SAID_SECONDS = 10.0
"""So long an engine may be silent before the status says so."""
_SILENCE_SECONDS = 30.0
"""An engine that answers no heartbeat for so long is replaced.

The longest gaps of a sound one come from libraries that are loaded under the interpreter's lock, a second or two, some
ten from a cold disk. Only ticks of this process count, not time: while the machine sleeps or swaps so much that this
process gets no turn, the engine is not taken for silent. Where that is not enough, see ``_PATIENCE``.
"""
_REQUEST_SECONDS = 180.0
"""An engine with a thread that works on one request for so long is replaced, too; editors give up after 45 seconds."""
_STALL_SECONDS = 1800.0
"""So is one whose background work does not get on for so long; it does every second or two, but for a step that
rewrites a large table or lists a large folder."""
_PATIENCE = (1, 2, 4, 8)
"""Factors for these limits: each replaced engine gives the next one more time, so that a machine that really is so slow
gets its engine in the end."""
_DEATH_SECONDS = 10.0
"""A killed process is gone in a moment, unless the system waits for a device on its behalf."""
_FAREWELL_SECONDS = 1.0
_LAST_WORDS_SECONDS = 1.0
_LINES_KEPT = 20
_IDLE_CHECKS = 10
_IDLE_CHECK_SECONDS = 5.0


_ONCE_ONLY = frozenset({Method.OPENED})
"""Requests that are not repeated when the engine died over them: it may have done them already."""


class _EngineGone(Exception):
    """The process ended while it was asked."""


class EngineClient:
    """Starts the engine, asks it, and starts it again when it dies. Belongs to one event loop.

    ``on_change`` is called on that loop, often, whenever the state or the report of a folder changed.
    """

    def __init__(self, on_change: Callable[[], None], *, command: Sequence[str] = COMMAND) -> None:
        self._on_change = on_change
        self._command = tuple(command)
        self._setup = Configure(folders=())
        self._reports: dict[str, FolderReport] = {}
        self._connection: _Connection | None = None
        self._newest: _Connection | None = None
        """The process that was started last, be it on its way up, at work or on its way out."""
        self._up: asyncio.Future[_Connection] | None = None
        self._phase = EngineState.IDLE
        self._message = ""
        self._restarts = 0
        self._failures = 0
        self._hangs = 0
        self._is_silent = False
        self._used_at = time.monotonic()
        self._open_questions = 0
        self._memory: tuple[float, int | None] = (0.0, None)
        self._stopped = False
        self._tasks: set[asyncio.Task[None]] = set()

    # -- what is known without asking ------------------------------------------------------------------------

    @property
    def state(self) -> EngineState:
        """What the process does."""
        if self._phase is not EngineState.READY:
            return self._phase
        reports = self._reports.values()
        if self._is_silent or any(report.health is not Health.OK for report in reports):
            return EngineState.DEGRADED
        return EngineState.BUSY if any(map(_is_at_work, reports)) else EngineState.READY

    @property
    def message(self) -> str:
        """What happened last to the process, where that is not plainly good."""
        return self._message

    @property
    def pid(self) -> int | None:
        """Process id; None while it does not run."""
        return self._connection.pid if self._connection else None

    @property
    def restarts(self) -> int:
        """How often it had to be started again."""
        return self._restarts

    @property
    def memory_bytes(self) -> int | None:
        """Resident memory of the engine and of its children, at most a second old; None while it does not run."""
        measured_at, size = self._memory
        if self.pid is None or size is None or time.monotonic() - measured_at > 1.0:
            self._memory = (time.monotonic(), resident_bytes(self.pid))
        return self._memory[1]

    @property
    def reports(self) -> MappingProxyType[str, FolderReport]:
        """The last report of each folder; before the first one says that there is work to do."""
        return MappingProxyType(self._reports)

    # -- asking ----------------------------------------------------------------------------------------------

    async def configure(self, folders: Sequence[FolderSetup]) -> None:
        """Serve exactly these folders; said again to each new process. Starts the engine if there are any."""
        self._setup = Configure(folders=tuple(folders))
        self._reports = {
            setup.folder: self._reports.get(setup.folder) or FolderReport(folder=setup.folder, queued=True)
            for setup in folders
        }
        self._used_at = time.monotonic()
        if not folders and self._up is None:
            return
        try:
            await self._send_setup(await self._connected())
        except _EngineGone:
            await self._connected()  # who starts a process tells it
        self._on_change()

    async def search(self, request: Search) -> Answer:
        """Ask a question. Raises what the engine raises, and ``EngineUnavailable``."""
        return Answer.model_validate(await self._ask(Method.SEARCH, request))

    async def similar(self, request: Similar) -> Answer:
        """Code like that at a place. Raises as ``search``."""
        return Answer.model_validate(await self._ask(Method.SIMILAR, request))

    async def adapters(self, folder: str) -> list[FoundAdapter]:
        """Adapters that a folder could use."""
        found = await self._ask(Method.ADAPTERS, FolderOnly(folder=folder))
        return [FoundAdapter.model_validate(item) for item in found]

    async def skipped(self, folder: str) -> list[SkippedPath]:
        """Files of a folder that are not indexed."""
        found = await self._ask(Method.SKIPPED, FolderOnly(folder=folder))
        return [SkippedPath.model_validate(item) for item in found]

    async def opened(self, request: Opened) -> bool:
        """Say that somebody opened a hit; whether that was kept, which the folder's settings decide."""
        return bool(await self._ask(Method.OPENED, request))

    async def reload_adapter(self, folder: str) -> None:
        """Read a folder's settings and adapter again."""
        await self._ask(Method.RELOAD_ADAPTER, FolderOnly(folder=folder))

    async def reindex(self, request: Reindex) -> None:
        """Look at every file again."""
        await self._ask(Method.REINDEX, request)

    async def pause(self, request: Pause) -> None:
        """Stop working in the background for a folder, or go on; kept over restarts."""
        folders = (
            setup.model_copy(update={"paused": request.paused}) if setup.folder == request.folder else setup
            for setup in self._setup.folders
        )
        self._setup = Configure(folders=tuple(folders))
        await self._ask(Method.PAUSE, request)

    def files_changed(self, change: FilesChanged) -> None:
        """Files may have changed. Wakes an idle engine."""
        self._tell(Method.FILES_CHANGED, change)

    def adapter_touched(self, folder: str) -> None:
        """The files of a folder's adapter may have changed. Wakes an idle engine."""
        self._tell(Method.ADAPTER_TOUCHED, FolderOnly(folder=folder))

    async def stop(self) -> None:
        """End the process: gracefully if it is quick, else at once."""
        self._stopped = True
        for task in list(self._tasks):
            task.cancel()
        if self._up is not None and not self._up.done():
            self._up.set_exception(EngineUnavailable("The language server is shutting down."))
            self._up.exception()
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.end()

    # -- inside ----------------------------------------------------------------------------------------------

    async def _ask(self, method: Method, request: BaseModel) -> Any:
        """One request; once more if the engine died over it, which need not have been its fault."""
        self._open_questions += 1
        try:
            for _attempt in range(1 if method in _ONCE_ONLY else 2):
                connection = await self._connected()
                with suppress(_EngineGone):
                    return await connection.ask(method, request)
        finally:
            self._open_questions -= 1
            self._used_at = time.monotonic()
        raise EngineUnavailable("The engine ended while it was asked.", "See the server's log; ask again.")

    def _tell(self, method: Method, message: BaseModel) -> None:
        self._used_at = time.monotonic()
        if self._connection is not None:
            self._connection.tell(method, message)
        elif self._phase is EngineState.IDLE and self._setup.folders and not self._stopped:
            # A new process compares everything anyway.
            self._failures = 0
            self._start(EngineState.STARTING)

    async def _connected(self) -> _Connection:
        """The running engine, started if need be. Raises ``EngineUnavailable``."""
        while True:
            if self._stopped:
                raise EngineUnavailable("The language server is shutting down.")
            if self._up is None or (self._up.done() and self._phase in {EngineState.IDLE, EngineState.FAILED}):
                self._failures = 0
                self._start(EngineState.STARTING)
            connection = await asyncio.shield(self._awaited())
            if not connection.stopped and not connection.verdict:
                return connection
            if not await connection.is_over(_DEATH_SECONDS):
                raise EngineUnavailable(_cannot_be_ended(connection), "End it by hand, or restart the machine.")

    def _awaited(self) -> asyncio.Future[_Connection]:
        """What gets the next connection, or has the present one."""
        if self._up is None:
            self._up = asyncio.get_running_loop().create_future()
        return self._up

    def _start(self, phase: EngineState, *, delay: float = 0.0) -> None:
        if self._up is not None and self._up.done():
            self._up = None
        self._reports = {name: _stale(report) for name, report in self._reports.items()}
        if phase is EngineState.STARTING:
            self._message = "The engine is being started."
        self._set_phase(phase)
        self._run(self._bring_up(self._awaited(), delay))

    async def _send_setup(self, connection: _Connection) -> None:
        """Tell the folders, and again those that came while the engine was busy with the ones before."""
        while connection.setup is not self._setup:
            connection.setup = self._setup
            await connection.ask(Method.CONFIGURE, self._setup)

    async def _bring_up(self, up: asyncio.Future[_Connection], delay: float) -> None:
        await asyncio.sleep(delay)
        before = self._newest
        if before is not None and not await before.is_over(_DEATH_SECONDS):  # one process at a time
            self._give_up(_cannot_be_ended(before))
            return
        connection = self._newest = _Connection(self._reported, self._ended)
        try:
            await connection.start(self._command)
        except (OSError, ValueError) as error:
            connection.over.set()
            self._give_up(f"The engine cannot be started: {error}.")
            return
        limit = self._patient(_START_SECONDS)
        try:
            async with asyncio.timeout(limit):
                # From the next step on changes are told: the folders go out before anything else can.
                self._connection = connection
                await self._send_setup(connection)
        except _EngineGone:
            return
        except TimeoutError:
            await self._replace(connection, f"did not start within {limit:.0f} seconds")
            return
        except Exception as error:  # whatever it is, it is said, and tried again
            logger.exception("The engine does not start.")
            await self._replace(connection, f"does not start: {error}")
            return
        self._used_at = connection.started_at = time.monotonic()
        self._message = ""
        self._set_phase(EngineState.READY)
        if not up.done():
            up.set_result(connection)
        self._run(self._watch_idleness(connection))
        self._run(self._watch_heartbeat(connection))

    async def _watch_heartbeat(self, connection: _Connection) -> None:
        """Replace a process that hangs: stopped, its loop or its interpreter's lock held, or a request without end.

        The heartbeat is answered in the engine's event loop, so by a Python thread that needs the lock.
        """
        while self._connection is connection and not connection.is_wanted_end:
            limit, silent = self._patient(_SILENCE_SECONDS), 0.0
            beat = asyncio.ensure_future(connection.ask(Method.PULSE, FolderOnly(folder="")))
            beat.add_done_callback(_ignore)
            while not (await asyncio.wait([beat], timeout=_TICK_SECONDS))[0]:
                silent += _TICK_SECONDS
                if connection.is_wanted_end:
                    return
                if silent >= limit:
                    beat.cancel()
                    await self._replace(connection, f"did not answer for {silent:.0f} seconds")
                    return
                if silent >= _SAID_SECONDS:
                    self._say_silent(f"The engine has not answered for {silent:.0f} seconds; it may hang.")
            if beat.exception() is not None:  # it ended, which is dealt with there, or is no engine of this version
                return
            self._say_silent("")
            pulse = Pulse.model_validate(beat.result())
            if pulse.longest_seconds > (most := self._patient(_REQUEST_SECONDS)):
                await self._replace(connection, f"worked on one request for more than {most:.0f} seconds")
                return
            if pulse.stalled_seconds > (most := self._patient(_STALL_SECONDS)):
                await self._replace(connection, f"did not get on with indexing for more than {most:.0f} seconds")
                return
            await asyncio.sleep(_HEARTBEAT_SECONDS)

    def _say_silent(self, message: str) -> None:
        if message or self._is_silent:
            self._is_silent, self._message = bool(message), message
            self._on_change()

    def _patient(self, seconds: float) -> float:
        return seconds * _PATIENCE[min(self._hangs, len(_PATIENCE) - 1)]

    async def _replace(self, connection: _Connection, verdict: str) -> None:
        """End a process that hangs. Its end starts another, so that there is never more than one."""
        if self._stopped or connection.is_wanted_end:
            return
        logger.error("The engine %s: it is ended and started again.", verdict)
        self._hangs += 1
        self._is_silent = False
        self._message = f"The engine {verdict}; it is ended and started again."
        self._set_phase(EngineState.RESTARTING)
        connection.kill(verdict)
        if not await connection.is_over(_DEATH_SECONDS):  # when it ends after all, another is started all the same
            self._give_up(_cannot_be_ended(connection))

    def _ended(self, connection: _Connection, status: int) -> None:
        """The process is gone, wanted or not."""
        self._is_silent = False
        if self._connection is connection:
            self._connection = None
        if self._stopped or connection.is_wanted_end:
            return
        lived = time.monotonic() - connection.started_at if connection.started_at else 0.0
        self._failures = 1 if lived > _HEALTHY_SECONDS else self._failures + 1
        self._restarts += 1
        how = connection.verdict or _how_it_ended(status)
        logger.warning("The engine %s.", how)
        if self._failures >= _MAX_FAILURES:
            self._give_up(f"The engine {how}, {self._failures} times in a row. {connection.last_words()}".strip())
            return
        self._message = f"The engine {how}; it is started again."
        delay = min(_LONGEST_DELAY, _FIRST_DELAY * 2 ** (self._failures - 1))
        self._start(EngineState.RESTARTING, delay=delay)

    def _give_up(self, message: str) -> None:
        self._message = message
        logger.error("%s", message)
        self._set_phase(EngineState.FAILED)
        if self._up is not None and not self._up.done():
            self._up.set_exception(EngineUnavailable(message, "The next request tries again."))
            self._up.exception()  # somebody may not be waiting

    async def _watch_idleness(self, connection: _Connection) -> None:
        """End a process that nobody has needed for the configured time."""
        while self._connection is connection:
            limit = self._idle_limit()
            await asyncio.sleep(min(_IDLE_CHECK_SECONDS, (limit or _IDLE_CHECK_SECONDS) / _IDLE_CHECKS))
            if self._open_questions:
                self._used_at = time.monotonic()
            # Work is not use: the regular look at the folders would keep the engine for ever.
            is_at_work = any(_is_at_work(report) for report in self._reports.values())
            if limit is not None and time.monotonic() - self._used_at > limit and not is_at_work:
                await self._put_to_sleep(connection)

    def _idle_limit(self) -> float | None:
        """After how many seconds without use the process ends; None for never, or while that is not known."""
        if not self._setup.folders:
            return _IDLE_CHECK_SECONDS
        minutes = [report.settings.get("idle_minutes", 0.0) for report in self._reports.values()]
        return 60.0 * min(minutes) if minutes and all(minutes) else None

    async def _put_to_sleep(self, connection: _Connection) -> None:
        logger.info("Nobody asked for a while: the engine ends until it is needed.")
        connection.is_wanted_end = True
        self._up, self._connection = None, None
        self._message = "Nobody asked for a while; the next question starts the engine."
        self._set_phase(EngineState.IDLE)
        await connection.end()

    def _reported(self, report: FolderReport) -> None:
        if any(setup.folder == report.folder for setup in self._setup.folders):
            self._reports[report.folder] = report
            self._on_change()

    def _set_phase(self, phase: EngineState) -> None:
        if phase is not self._phase:
            self._phase = phase
            self._on_change()

    def _run(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(_log_fault)


class _Connection(JsonRPCClient):
    """One process of the engine."""

    def __init__(self, on_report: Callable[[FolderReport], None], on_end: Callable[[_Connection, int], None]) -> None:
        super().__init__(EngineProtocol)
        self._on_end = on_end
        self._lines: deque[str] = deque(maxlen=_LINES_KEPT)
        self._stderr: asyncio.Task[None] | None = None
        self.setup: Configure | None = None
        """The folders that it was told last."""
        self.verdict = ""
        """Why it was killed, as what the engine did; empty unless it hung."""
        self.started_at = 0.0
        self.is_wanted_end = False
        self.over = asyncio.Event()
        """Set when its end has been dealt with."""

        def reported(params: Any) -> None:
            on_report(FolderReport.model_validate(params))

        self.feature(Method.FOLDER_CHANGED)(reported)

    @property
    def pid(self) -> int | None:
        """Process id."""
        return self._server.pid if self._server else None

    async def start(self, command: Sequence[str]) -> None:
        """Start the process. Raises ``OSError``."""
        program, *arguments = command
        await self.start_io(program, *arguments, env=os.environ | ENVIRONMENT)
        self._stderr = asyncio.create_task(self._pass_on_stderr())

    async def ask(self, method: Method, request: BaseModel) -> Any:
        """One request. Raises ``CodeContextError`` for what the engine refused, ``_EngineGone``."""
        if self.stopped:
            raise _EngineGone
        id_ = str(uuid.uuid4())
        answer = asyncio.wrap_future(self.protocol.send_request(method, request.model_dump(mode="json"), msg_id=id_))
        try:
            return await asyncio.shield(answer)
        except asyncio.CancelledError:
            answer.add_done_callback(_ignore)  # it comes all the same
            if not self.stopped:
                self.protocol.notify(CANCEL_REQUEST, CancelParams(id=id_))
            raise
        except JsonRpcException as error:
            raise error_from(error.data, error.message) from error
        except RuntimeError as error:  # what pygls puts into every open request when the process ends
            raise _EngineGone from error

    def tell(self, method: Method, message: BaseModel) -> None:
        """One notification."""
        if not self.stopped:
            self.protocol.notify(method, message.model_dump(mode="json"))

    async def end(self) -> None:
        """Let the process finish its step, but not for long."""
        self.is_wanted_end = True
        process = self._server
        if process is None or process.returncode is not None:
            return
        try:
            async with asyncio.timeout(_FAREWELL_SECONDS):
                await self.ask(Method.SHUTDOWN, FolderOnly(folder=""))
                if process.stdin is not None:
                    process.stdin.close()
                await process.wait()
        except (TimeoutError, CodeContextError, _EngineGone, OSError):
            pass
        finally:
            self.kill()
        if not await self.is_over(_DEATH_SECONDS):
            logger.error("%s", _cannot_be_ended(self))

    async def is_over(self, seconds: float) -> bool:
        """Whether its end has been dealt with, which is waited for up to ``seconds``."""
        try:
            async with asyncio.timeout(seconds):
                await self.over.wait()
        except TimeoutError:
            return False
        return True

    def kill(self, verdict: str = "") -> None:
        """End the process and its children at once. With a ``verdict`` nobody waits for its answers any more."""
        self.verdict = self.verdict or verdict
        if self._server is not None and self._server.returncode is None:
            kill_with_children(self._server.pid)
        if verdict:
            for answer in list(self.protocol._request_futures.values()):
                if not answer.done():
                    answer.set_exception(RuntimeError(verdict))

    def last_words(self) -> str:
        """The end of what it wrote to stderr."""
        return "It last said: " + " | ".join(list(self._lines)[-3:]) if self._lines else ""

    async def server_exit(self, server: asyncio.subprocess.Process) -> None:
        """React to the end of the process, as pygls saw it."""
        self._stop_event.set()
        if self._stderr is not None:
            # A child of the process may outlive it a little and hold its stderr.
            await asyncio.wait([self._stderr], timeout=_LAST_WORDS_SECONDS)
            self._stderr.cancel()
        self.over.set()
        self._on_end(self, server.returncode or 0)

    async def _pass_on_stderr(self) -> None:
        stream = self._server.stderr if self._server else None
        while stream is not None:
            try:
                line = await stream.readline()
            except ValueError:  # a line beyond the reader's limit; what follows is read again
                continue
            if not line:
                return
            self._log(line.decode("utf-8", "replace").rstrip())

    def _log(self, line: str) -> None:
        """A record of the engine's, or a line that some library printed."""
        level, _, message = line.partition(" ")
        number = logging.getLevelNamesMapping().get(level)
        if number is None:
            self._lines.append(line)
            logger.debug("%s", line)
        else:
            name, _, text = message.partition(": ")
            if number >= logging.WARNING:
                self._lines.append(text)
            logging.getLogger(name).log(number, "%s", text)


def _is_at_work(report: FolderReport) -> bool:
    return report.queued or report.phase is not Phase.IDLE


def _stale(report: FolderReport) -> FolderReport:
    """What a report still says once the process that made it is gone: nothing is loaded, and all is to be looked at."""
    return report.model_copy(update={"ready": False, "queued": True, "phase": Phase.IDLE, "eta_seconds": None})


def _cannot_be_ended(connection: _Connection) -> str:
    return f"The engine's process {connection.pid} hangs and cannot be ended, so that no other one is started."


def _ignore(answer: asyncio.Future[Any]) -> None:
    """Have looked at an answer that nobody waits for."""
    if not answer.cancelled():
        answer.exception()


def _how_it_ended(status: int) -> str:
    if status >= 0:
        return f"ended unexpectedly (exit code {status})"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = str(-status)
    return f"was killed ({name})"


def _log_fault(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("Background task failed.", exc_info=error)
