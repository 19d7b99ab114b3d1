"""The status that editors show: what it says, and when it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from codecontext.engine.folder_state import FolderState, Health, Problem, ProblemKind
from codecontext.lsp.folders import Folder
from codecontext.lsp.protocol import EngineStatus, FolderStatus, Status
from codecontext.rpc.client import EngineClient
from codecontext.rpc.messages import EngineState

_AT_REST = frozenset({EngineState.READY, EngineState.DEGRADED, EngineState.IDLE})
_ENGINE_HEALTH = {
    EngineState.FAILED: Health.ERROR,
    EngineState.RESTARTING: Health.WARNING,
    EngineState.DEGRADED: Health.WARNING,
    EngineState.STARTING: Health.UNKNOWN,
}
"""How serious it is what the engine says about itself."""
NO_FOLDER = "No folder is open, so there is nothing to index and search."


def status_of(
    engine: EngineClient,
    folders: Iterable[Folder],
    version: str,
    unwatched: Mapping[str, str] = MappingProxyType({}),
    problems: Iterable[str] = (),
) -> Status:
    """All there is to show now.

    ``unwatched`` holds what is wrong with watching, by the folders' keys; ``problems`` are sentences about the
    language server itself.
    """
    opened = [_folder_status(folder, engine.states.get(folder.key), unwatched.get(folder.key)) for folder in folders]
    health, message = _worst(engine, opened, " ".join(problems))
    return Status(
        health=health,
        message=message,
        quiescent=engine.state is EngineState.FAILED
        or (engine.state in _AT_REST and not any(folder.is_at_work for folder in opened)),
        version=version,
        engine=EngineStatus(
            state=engine.state,
            message=engine.message,
            pid=engine.pid,
            memory_bytes=engine.memory_bytes,
            restarts=engine.restarts,
        ),
        folders=opened,
    )


def _worst(engine: EngineClient, folders: list[FolderStatus], problems: str) -> tuple[Health, str]:
    """The most serious of all problems; of equals the first."""
    known = [(folder.health, folder.message) for folder in folders] or [(Health.OK, NO_FOLDER)]
    if engine.message and engine.state in _ENGINE_HEALTH:
        known.insert(0, (_ENGINE_HEALTH[engine.state], engine.message))
    if problems:
        known.append((Health.WARNING, problems))
    return max(known, key=lambda each: each[0].rank)


def _folder_status(folder: Folder, known: FolderState | None, unwatched: str | None) -> FolderStatus:
    """The engine's state of a folder, with what is wrong with watching it; before the first, that it is not open."""
    state = known or FolderState(folder=folder.key, queued=True)
    if unwatched is not None:
        state = state.with_problem(Problem(kind=ProblemKind.WATCHING, message=unwatched))
    return FolderStatus(uri=folder.uri, name=folder.name, **dict(state))


class StatusPublisher:
    """Sends the status when it has changed: at most once in ``pause`` seconds, and always the last one."""

    def __init__(self, current: Callable[[], Status], send: Callable[[Status], None], *, pause: float = 0.25) -> None:
        self._current = current
        self._send = send
        self._pause = pause
        self._sent: Status | None = None
        self._sent_at = float("-inf")
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def changed(self) -> None:
        """Something may have changed. To be called on the event loop, as often as needed."""
        if self._timer is None and not self._closed:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(loop.time(), self._sent_at + self._pause), self._publish, loop)

    def close(self) -> None:
        """Stop sending."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()

    def _publish(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        status = self._current()
        if status != self._sent:
            self._sent, self._sent_at = status, loop.time()
            self._send(status)
