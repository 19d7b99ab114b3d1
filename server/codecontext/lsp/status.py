"""The status that editors show: what there is to say, and when to say it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from codecontext.lsp.folders import Folder
from codecontext.lsp.protocol import (
    ActiveAdapter,
    EngineStatus,
    FolderStatus,
    Status,
)
from codecontext.rpc.client import EngineClient
from codecontext.rpc.messages import EngineState, FolderReport, Health, Phase

_AT_REST = frozenset({EngineState.READY, EngineState.DEGRADED, EngineState.IDLE})
_SEVERITY = {Health.OK: 0, Health.WARNING: 1, Health.ERROR: 2}
_ENGINE_HEALTH = {
    EngineState.FAILED: Health.ERROR,
    EngineState.RESTARTING: Health.WARNING,
    EngineState.DEGRADED: Health.WARNING,
    EngineState.STARTING: Health.OK,
}
"""How bad it is what the engine has to say of itself."""
NOT_SERVED = "The engine does not serve this folder yet."
NO_FOLDER = "No folder is open, so there is nothing to index and search."


def status_of(
    engine: EngineClient,
    folders: Iterable[Folder],
    version: str,
    unwatched: Mapping[str, str] = MappingProxyType({}),
    faults: Iterable[str] = (),
) -> Status:
    """All there is to show now.

    ``unwatched`` holds what is wrong with watching, by the folders' keys; ``faults`` are sentences of the language
    server's own.
    """
    reports = {folder: engine.reports.get(folder.key) for folder in folders}
    opened = [
        _with_fault(_folder_status(folder, report), unwatched.get(folder.key)) for folder, report in reports.items()
    ]
    health, message = _worst(engine, opened, " ".join(faults))
    return Status(
        health=health,
        message=message,
        quiescent=engine.state is EngineState.FAILED
        or (engine.state in _AT_REST and not any(map(_is_working, reports.values()))),
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


def _worst(engine: EngineClient, folders: list[FolderStatus], faults: str) -> tuple[Health, str]:
    """The most serious of all that is wrong; of equals the first."""
    known = [(folder.health, folder.message) for folder in folders] or [(Health.OK, NO_FOLDER)]
    if engine.message and engine.state in _ENGINE_HEALTH:
        known.insert(0, (_ENGINE_HEALTH[engine.state], engine.message))
    if faults:
        known.append((Health.WARNING, faults))
    return max(known, key=lambda each: _SEVERITY[each[0]])


def _is_working(report: FolderReport | None) -> bool:
    return report is None or report.queued or report.phase is not Phase.IDLE


def _with_fault(folder: FolderStatus, fault: str | None) -> FolderStatus:
    """With what is wrong with watching it, which is the least of all that can be wrong."""
    if fault is None:
        return folder
    if folder.health is Health.OK:
        return folder.model_copy(update={"health": Health.WARNING, "message": fault})
    return folder.model_copy(update={"notices": [*folder.notices, fault]})


def _folder_status(folder: Folder, report: FolderReport | None) -> FolderStatus:
    if report is None:
        return FolderStatus(uri=folder.uri, name=folder.name, health=Health.OK, message=NOT_SERVED)
    said = report.model_dump(exclude={"folder", "health", "adapter", "queued", "settings", "phase"})
    return FolderStatus(
        uri=folder.uri,
        name=folder.name,
        health=report.health,
        adapter=ActiveAdapter(**report.adapter.model_dump()) if report.adapter else None,
        phase=report.phase.value,
        **said,
    )


class StatusPublisher:
    """Sends the status when it changed: at most once in ``pause`` seconds, and always the last one."""

    def __init__(self, look: Callable[[], Status], send: Callable[[Status], None], *, pause: float = 0.25) -> None:
        self._look = look
        self._send = send
        self._pause = pause
        self._sent: Status | None = None
        self._sent_at = float("-inf")
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def changed(self) -> None:
        """Something may have changed. To be called on the event loop, as often as one likes."""
        if self._timer is None and not self._closed:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(loop.time(), self._sent_at + self._pause), self._publish, loop)

    def close(self) -> None:
        """Send nothing any more."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()

    def _publish(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        status = self._look()
        if status != self._sent:
            self._sent, self._sent_at = status, loop.time()
            self._send(status)
