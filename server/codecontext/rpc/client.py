"""``EngineClient``: keeps the engine process alive for the language server, and talks to it."""

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
from codecontext.engine.folder_state import FolderState
from codecontext.rpc.messages import (
    Configure,
    EngineState,
    FilesChanged,
    FolderOnly,
    FolderSetup,
    FoundAdapter,
    Method,
    Opened,
    Pause,
    Pulse,
    Reindex,
    Search,
    Similar,
)
from codecontext.rpc.tasks import BackgroundTasks
from codecontext.rpc.transport import EngineProtocol, error_from
from codecontext.search.results import SearchResponse
from codecontext.store.records import SkippedFile

logger = logging.getLogger(__name__)

# -P: nothing is imported from the folder that the editor happened to start in.
COMMAND = (sys.executable, "-P", "-m", "codecontext.service")

# Threads that wait for work must sleep: a spinning one takes a core from the user (OpenMP 5.2, 21.7; KMP_BLOCKTIME
# is the same in Intel's library). The tokenizer stays in the calling thread, at that thread's priority.
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
"""An engine that lived this long did not fail at once; the delays start over."""
_START_SECONDS = 120.0
"""Until a new process has opened its folders: 2 s on an idle machine, some 20 from a cold disk under load."""
_TICK_SECONDS = 1.0
_HEARTBEAT_SECONDS = 5.0
_REPORTED_SILENCE_SECONDS = 10.0
"""How long an engine may be silent before the status says so."""
_SILENCE_SECONDS = 30.0
"""An engine that answers no heartbeat for this long is replaced.

The longest gaps of a sound one come from libraries that are loaded under the interpreter's lock, a second or two, some
ten from a cold disk. Only ticks of this process count, not time: while the machine sleeps or swaps so much that this
process gets no turn, the engine does not count as silent. Where that is not enough, see ``_PATIENCE``.
"""
_REQUEST_SECONDS = 180.0
"""An engine with a thread that works on one request for this long is replaced, too; editors give up after 45 s."""
_STALL_SECONDS = 1800.0
"""So is one whose background work makes no progress for this long; it does every second or two, except in a step that
rewrites a large table or lists a large folder."""
_PATIENCE = (1, 2, 4, 8)
"""Factors for these limits: each replacement gets more time than the last, so that a machine that really is that slow
gets its engine in the end."""
_DEATH_SECONDS = 10.0
"""A killed process is gone in a moment, unless the system waits for a device on its behalf."""
_FAREWELL_SECONDS = 1.0
_LAST_WORDS_SECONDS = 1.0
_LINES_KEPT = 20
_IDLE_CHECKS = 10
_IDLE_CHECK_SECONDS = 5.0


_ONCE_ONLY = frozenset({Method.OPENED})
"""Requests that are not repeated when the engine exits while handling them: they may be done already."""


class _EngineGone(Exception):
    """The process exited while handling a request."""


class EngineClient:
    """Starts the engine, sends requests to it, and restarts it when it exits. Belongs to one event loop.

    ``on_change`` is called on that loop, often, whenever the state of the engine or of a folder changed.
    """

    def __init__(self, on_change: Callable[[], None], *, command: Sequence[str] = COMMAND) -> None:
        self._on_change = on_change
        self._command = tuple(command)
        self._setup = Configure(folders=())
        self._states: dict[str, FolderState] = {}
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
        self._open_requests = 0
        self._memory: tuple[float, int | None] = (0.0, None)
        self._stopped = False
        self._tasks = BackgroundTasks()

    # -- what is known without a request -------------------------------------------------------------------

    @property
    def state(self) -> EngineState:
        """What the process is doing."""
        if self._phase is not EngineState.READY:
            return self._phase
        states = self._states.values()
        if self._is_silent or any(state.problems for state in states):
            return EngineState.DEGRADED
        return EngineState.BUSY if any(state.is_at_work for state in states) else EngineState.READY

    @property
    def message(self) -> str:
        """What happened to the process last, where that is not plainly good."""
        return self._message

    @property
    def pid(self) -> int | None:
        """Process id; None while it does not run."""
        return self._connection.pid if self._connection else None

    @property
    def restarts(self) -> int:
        """How often it had to be restarted."""
        return self._restarts

    @property
    def memory_bytes(self) -> int | None:
        """Resident memory of the engine and of its children, at most a second old; None while it does not run."""
        measured_at, size = self._memory
        if self.pid is None or size is None or time.monotonic() - measured_at > 1.0:
            self._memory = (time.monotonic(), resident_bytes(self.pid))
        return self._memory[1]

    @property
    def states(self) -> MappingProxyType[str, FolderState]:
        """The last known state of each folder; until the engine sends one, that of a folder that is not open yet."""
        return MappingProxyType(self._states)

    # -- requests ------------------------------------------------------------------------------------------

    async def configure(self, folders: Sequence[FolderSetup]) -> None:
        """Serve exactly these folders; repeated to each new process. Starts the engine if there are any."""
        self._setup = Configure(folders=tuple(folders))
        self._states = {
            setup.folder: self._states.get(setup.folder) or FolderState(folder=setup.folder, queued=True)
            for setup in folders
        }
        self._used_at = time.monotonic()
        if not folders and self._up is None:
            return
        try:
            await self._send_setup(await self._connected())
        except _EngineGone:
            await self._connected()  # whoever starts a process tells it
        self._on_change()

    async def search(self, request: Search) -> SearchResponse:
        """Run a search. Raises what the engine raises, and ``EngineUnavailable``."""
        return SearchResponse.model_validate(await self._request(Method.SEARCH, request))

    async def similar(self, request: Similar) -> SearchResponse:
        """Find code similar to that at a place. Raises as ``search``."""
        return SearchResponse.model_validate(await self._request(Method.SIMILAR, request))

    async def adapters(self, folder: str) -> list[FoundAdapter]:
        """Adapters that a folder could use."""
        found = await self._request(Method.ADAPTERS, FolderOnly(folder=folder))
        return [FoundAdapter.model_validate(item) for item in found]

    async def skipped(self, folder: str) -> list[SkippedFile]:
        """Files of a folder that are not indexed."""
        found = await self._request(Method.SKIPPED, FolderOnly(folder=folder))
        return [SkippedFile.model_validate(item) for item in found]

    async def opened(self, request: Opened) -> bool:
        """Report that a hit was opened; whether that was logged, which the folder's settings decide."""
        return bool(await self._request(Method.OPENED, request))

    async def reload_adapter(self, folder: str) -> None:
        """Read a folder's settings and adapter again."""
        await self._request(Method.RELOAD_ADAPTER, FolderOnly(folder=folder))

    async def reindex(self, request: Reindex) -> None:
        """Rescan every file."""
        await self._request(Method.REINDEX, request)

    async def pause(self, request: Pause) -> None:
        """Pause or resume background work for a folder; kept over restarts."""
        folders = (
            setup.model_copy(update={"paused": request.paused}) if setup.folder == request.folder else setup
            for setup in self._setup.folders
        )
        self._setup = Configure(folders=tuple(folders))
        await self._request(Method.PAUSE, request)

    def files_changed(self, change: FilesChanged) -> None:
        """Files may have changed. Wakes an idle engine."""
        self._notify(Method.FILES_CHANGED, change)

    def adapter_touched(self, folder: str) -> None:
        """The files of a folder's adapter may have changed. Wakes an idle engine."""
        self._notify(Method.ADAPTER_TOUCHED, FolderOnly(folder=folder))

    async def stop(self) -> None:
        """End the process: gracefully if it is quick, else at once."""
        self._stopped = True
        self._tasks.cancel()
        if self._up is not None and not self._up.done():
            self._up.set_exception(EngineUnavailable("The language server is shutting down."))
            self._up.exception()
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.end()

    # -- internals -----------------------------------------------------------------------------------------

    async def _request(self, method: Method, request: BaseModel) -> Any:
        """One request; repeated once if the engine exited while handling it, which may have had another cause."""
        self._open_requests += 1
        try:
            for _attempt in range(1 if method in _ONCE_ONLY else 2):
                connection = await self._connected()
                with suppress(_EngineGone):
                    return await connection.request(method, request)
        finally:
            self._open_requests -= 1
            self._used_at = time.monotonic()
        raise EngineUnavailable("The engine exited while handling the request.", "Try again; see the server log.")

    def _notify(self, method: Method, message: BaseModel) -> None:
        self._used_at = time.monotonic()
        if self._connection is not None:
            self._connection.notify(method, message)
        elif self._phase is EngineState.IDLE and self._setup.folders and not self._stopped:
            # A new process rescans everything anyway.
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
                raise EngineUnavailable(_cannot_be_ended(connection), "End it yourself, or restart the machine.")

    def _awaited(self) -> asyncio.Future[_Connection]:
        """The future of the next connection, or of the present one."""
        if self._up is None:
            self._up = asyncio.get_running_loop().create_future()
        return self._up

    def _start(self, phase: EngineState, *, delay: float = 0.0) -> None:
        if self._up is not None and self._up.done():
            self._up = None
        self._forget_what_is_served()
        if phase is EngineState.STARTING:
            self._message = "The engine is starting."
        self._set_phase(phase)
        self._tasks.start(self._bring_up(self._awaited(), delay))

    async def _send_setup(self, connection: _Connection) -> None:
        """Send the folders, and send them again if they changed while the engine was busy with the previous ones."""
        while connection.setup is not self._setup:
            connection.setup = self._setup
            await connection.request(Method.CONFIGURE, self._setup)

    async def _bring_up(self, up: asyncio.Future[_Connection], delay: float) -> None:
        await asyncio.sleep(delay)
        before = self._newest
        if before is not None and not await before.is_over(_DEATH_SECONDS):  # one process at a time
            self._give_up(_cannot_be_ended(before))
            return
        connection = self._newest = _Connection(self._received, self._ended)
        try:
            await connection.start(self._command)
        except (OSError, ValueError) as error:
            connection.over.set()
            self._give_up(f"The engine cannot be started: {error}.")
            return
        limit = self._patient(_START_SECONDS)
        try:
            async with asyncio.timeout(limit):
                # From the next step on changes are sent: the folders go out before anything else can.
                self._connection = connection
                await self._send_setup(connection)
        except _EngineGone:
            return
        except TimeoutError:
            await self._replace(connection, f"did not start within {limit:.0f} seconds")
            return
        except Exception as error:  # whatever it is, it is reported, and tried again
            logger.exception("The engine does not start.")
            await self._replace(connection, f"does not start: {error}")
            return
        self._used_at = connection.started_at = time.monotonic()
        self._message = ""
        self._set_phase(EngineState.READY)
        if not up.done():
            up.set_result(connection)
        self._tasks.start(self._watch_idleness(connection))
        self._tasks.start(self._watch_heartbeat(connection))

    async def _watch_heartbeat(self, connection: _Connection) -> None:
        """Replace a process that hangs: stopped, its loop or its interpreter's lock held, or a request without end.

        The heartbeat is answered in the engine's event loop, so by a Python thread that needs the lock.
        """
        while self._connection is connection and not connection.is_wanted_end:
            limit, silent = self._patient(_SILENCE_SECONDS), 0.0
            beat = asyncio.ensure_future(connection.request(Method.PULSE, FolderOnly(folder="")))
            beat.add_done_callback(_ignore)
            while not (await asyncio.wait([beat], timeout=_TICK_SECONDS))[0]:
                silent += _TICK_SECONDS
                if connection.is_wanted_end:
                    return
                if silent >= limit:
                    beat.cancel()
                    await self._replace(connection, f"did not respond for {silent:.0f} seconds")
                    return
                if silent >= _REPORTED_SILENCE_SECONDS:
                    self._say_silent(f"The engine has not responded for {silent:.0f} seconds; it may hang.")
            if beat.exception() is not None:  # it exited, which is handled there, or is no engine of this version
                return
            self._say_silent("")
            pulse = Pulse.model_validate(beat.result())
            if pulse.longest_seconds > (most := self._patient(_REQUEST_SECONDS)):
                await self._replace(connection, f"worked on one request for more than {most:.0f} seconds")
                return
            if pulse.stalled_seconds > (most := self._patient(_STALL_SECONDS)):
                await self._replace(connection, f"made no progress with indexing for more than {most:.0f} seconds")
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
        logger.error("The engine %s: restarting it.", verdict)
        self._hangs += 1
        self._is_silent = False
        self._message = f"The engine {verdict}; restarting it."
        self._set_phase(EngineState.RESTARTING)
        connection.kill(verdict)
        if not await connection.is_over(_DEATH_SECONDS):  # when it exits after all, another one is started all the same
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
        self._message = f"The engine {how}; restarting it."
        delay = min(_LONGEST_DELAY, _FIRST_DELAY * 2 ** (self._failures - 1))
        self._start(EngineState.RESTARTING, delay=delay)

    def _give_up(self, message: str) -> None:
        self._message = message
        logger.error("%s", message)
        self._forget_what_is_served()
        self._set_phase(EngineState.FAILED)
        if self._up is not None and not self._up.done():
            self._up.set_exception(EngineUnavailable(message, "The next request tries again."))
            self._up.exception()  # there may be nobody waiting

    async def _watch_idleness(self, connection: _Connection) -> None:
        """End a process that has been idle for the configured time."""
        while self._connection is connection:
            limit = self._idle_limit()
            await asyncio.sleep(min(_IDLE_CHECK_SECONDS, (limit or _IDLE_CHECK_SECONDS) / _IDLE_CHECKS))
            if self._open_requests:
                self._used_at = time.monotonic()
            # Work is not use: the regular rescans would keep the engine for ever.
            is_at_work = any(state.is_at_work for state in self._states.values())
            if limit is not None and time.monotonic() - self._used_at > limit and not is_at_work:
                await self._put_to_sleep(connection)

    def _idle_limit(self) -> float | None:
        """Idle seconds after which the process ends; None for never, or while that is unknown."""
        if not self._setup.folders:
            return _IDLE_CHECK_SECONDS
        minutes = [state.idle_minutes for state in self._states.values()]
        return 60.0 * min(minutes) if minutes and all(minutes) else None

    async def _put_to_sleep(self, connection: _Connection) -> None:
        logger.info("Engine stopped after being idle.")
        connection.is_wanted_end = True
        self._up, self._connection = None, None
        self._message = "Engine stopped after being idle; it restarts on the next search."
        self._set_phase(EngineState.IDLE)
        await connection.end()

    def _received(self, state: FolderState) -> None:
        if any(setup.folder == state.folder for setup in self._setup.folders):
            self._states[state.folder] = state
            self._on_change()

    def _forget_what_is_served(self) -> None:
        self._states = {name: state.unwatched() for name, state in self._states.items()}

    def _set_phase(self, phase: EngineState) -> None:
        if phase is not self._phase:
            self._phase = phase
            self._on_change()


class _Connection(JsonRPCClient):
    """One process of the engine."""

    def __init__(self, on_state: Callable[[FolderState], None], on_end: Callable[[_Connection, int], None]) -> None:
        super().__init__(EngineProtocol)
        self._on_end = on_end
        self._lines: deque[str] = deque(maxlen=_LINES_KEPT)
        self._stderr: asyncio.Task[None] | None = None
        self.setup: Configure | None = None
        """The folders that it was sent last."""
        self.verdict = ""
        """Why it was killed, as what the engine did; empty unless it hung."""
        self.started_at = 0.0
        self.is_wanted_end = False
        self.over = asyncio.Event()
        """Set when its end has been handled."""

        def received(params: Any) -> None:
            on_state(FolderState.model_validate(params))

        self.feature(Method.FOLDER_CHANGED)(received)

    @property
    def pid(self) -> int | None:
        """Process id."""
        return self._server.pid if self._server else None

    async def start(self, command: Sequence[str]) -> None:
        """Start the process. Raises ``OSError``."""
        program, *arguments = command
        await self.start_io(program, *arguments, env=os.environ | ENVIRONMENT)
        self._stderr = asyncio.create_task(self._pass_on_stderr())

    async def request(self, method: Method, request: BaseModel) -> Any:
        """One request. Raises ``CodeContextError`` for what the engine refused, and ``_EngineGone``."""
        if self.stopped:
            raise _EngineGone
        id_ = str(uuid.uuid4())
        answer = asyncio.wrap_future(self.protocol.send_request(method, request.model_dump(mode="json"), msg_id=id_))
        try:
            return await asyncio.shield(answer)
        except asyncio.CancelledError:
            answer.add_done_callback(_ignore)  # the response comes all the same
            if not self.stopped:
                self.protocol.notify(CANCEL_REQUEST, CancelParams(id=id_))
            raise
        except JsonRpcException as error:
            raise error_from(error.data, error.message) from error
        except RuntimeError as error:  # what pygls puts into every open request when the process ends
            raise _EngineGone from error

    def notify(self, method: Method, message: BaseModel) -> None:
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
                await self.request(Method.SHUTDOWN, FolderOnly(folder=""))
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
        """Whether its end has been handled, after waiting for that up to ``seconds``."""
        try:
            async with asyncio.timeout(seconds):
                await self.over.wait()
        except TimeoutError:
            return False
        return True

    def kill(self, verdict: str = "") -> None:
        """End the process and its children at once. With a ``verdict`` nobody waits for its responses any more."""
        self.verdict = self.verdict or verdict
        if self._server is not None and self._server.returncode is None:
            kill_with_children(self._server.pid)
        if verdict:
            for answer in list(self.protocol._request_futures.values()):
                if not answer.done():
                    answer.set_exception(RuntimeError(verdict))

    def last_words(self) -> str:
        """The end of what it wrote to stderr."""
        return "Last output: " + " | ".join(list(self._lines)[-3:]) if self._lines else ""

    async def server_exit(self, server: asyncio.subprocess.Process) -> None:
        """React to the end of the process, as pygls saw it."""
        self._stop_event.set()
        if self._stderr is not None:
            # A child of the process may outlive it for a moment and hold its stderr.
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
        """A log record of the engine, or a line that some library printed."""
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


def _cannot_be_ended(connection: _Connection) -> str:
    return f"The engine's process {connection.pid} hangs and cannot be ended, so no other one is started."


def _ignore(answer: asyncio.Future[Any]) -> None:
    """Retrieve the result of a response that nobody waits for."""
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
