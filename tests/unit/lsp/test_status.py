"""What the status says, and when it is sent."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, cast

import pytest

from codecontext.engine.folder_state import ActiveAdapter, FolderState, Health, Phase, Problem, ProblemKind, Stage
from codecontext.lsp.folders import Folder
from codecontext.lsp.protocol import EngineStatus, Status
from codecontext.lsp.status import NO_FOLDER, StatusPublisher, status_of
from codecontext.rpc.client import EngineClient
from codecontext.rpc.messages import EngineState

Report = Callable[..., None]


@dataclass
class Engine:
    """What a client knows of its engine without asking, which is all that the status needs."""

    states: dict[str, FolderState] = field(default_factory=dict)
    state: EngineState = EngineState.READY
    message: str = ""
    pid: int | None = 1
    memory_bytes: int | None = 2
    restarts: int = 3


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def other(folder: Folder) -> Folder:
    return Folder("file:///other", folder.path.parent / "other", "other")


@pytest.fixture
def report(engine: Engine) -> Report:
    """Let the engine say something of a folder."""

    def say(folder: Folder, **fields: Any) -> None:
        engine.states[folder.key] = FolderState(folder=folder.key, **{"watched": True, "indexed": True} | fields)

    return say


def problems(health: Health, message: str) -> tuple[Problem, ...]:
    """The problems of a folder that is so."""
    kind = {Health.WARNING: ProblemKind.ADAPTER, Health.ERROR: ProblemKind.INDEX}.get(health)
    return (Problem(kind=kind, message=message),) if kind else ()


def status_with(engine: Engine, *folders: Folder) -> Status:
    return status_of(cast("EngineClient", engine), folders, "1.0")


def test_without_a_folder_it_says_so(engine: Engine) -> None:
    status = status_with(engine)
    assert (status.health, status.message, status.quiescent) == (Health.OK, NO_FOLDER, True)
    assert (status.version, status.folders, status.engine.state) == ("1.0", [], EngineState.READY)


def test_a_folder_that_the_engine_has_not_spoken_of_is_not_at_rest(engine: Engine, folder: Folder) -> None:
    status = status_with(engine, folder)
    assert (status.health, status.quiescent) == (Health.UNKNOWN, False)
    assert status.message == "The engine has not opened this folder yet."
    assert status.folders[0].stage is Stage.NOT_SERVED


@pytest.mark.parametrize(
    ("state", "health"),
    [
        (EngineState.STARTING, Health.UNKNOWN),
        (EngineState.DEGRADED, Health.WARNING),
        (EngineState.RESTARTING, Health.WARNING),
        (EngineState.FAILED, Health.ERROR),
    ],
)
def test_what_the_engine_says_of_itself_comes_first(
    engine: Engine, folder: Folder, report: Report, state: EngineState, health: Health
) -> None:
    report(folder)
    engine.state, engine.message = state, "It has not answered for 12 seconds."
    status = status_with(engine, folder)
    assert (status.health, status.message) == (health, engine.message)


def test_a_folder_that_is_not_watched_is_a_warning_unless_something_worse_is_wrong(
    engine: Engine, folder: Folder, other: Folder, report: Report
) -> None:
    report(folder)
    report(other, problems=(Problem(kind=ProblemKind.AWAY, message="It is not there."),))
    unwatched = {folder.key: "Not watched.", other.key: "Not watched either."}
    status = status_of(cast("EngineClient", engine), [folder, other], "1.0", unwatched)
    assert [(each.health, each.message, [str(problem) for problem in each.problems]) for each in status.folders] == [
        (Health.WARNING, "Not watched.", ["Not watched."]),
        (Health.ERROR, "It is not there.", ["It is not there.", "Not watched either."]),
    ]
    assert (status.folders[0].uri, status.folders[0].name, status.folders[0].ready) == (folder.uri, "project", False)


def test_everything_that_the_engine_says_of_a_folder_is_passed_on(
    engine: Engine, folder: Folder, report: Report
) -> None:
    adapter = ActiveAdapter(
        name="a",
        path="/a",
        fingerprint="f",
        rank=8,
        alpha=16,
        side="both",
        base_model="m",
        size_bytes=1,
        loaded_at=2.0,
        load_milliseconds=3.0,
    )
    said: dict[str, Any] = {
        "indexed": True,
        "watched": True,
        "problems": (Problem(kind=ProblemKind.ADAPTER, message="m"),),
        "queued": True,
        "idle_minutes": 9.0,
        "log_level": "debug",
        "ready": True,
        "keyword_only": True,
        "model": "x",
        "backend": "y",
        "current_adapter_path": "/a",
        "wanted_adapter_path": "/b",
        "pending_adapter": "/b",
        "pending_coverage": 0.5,
        "space": "s",
        "files": 1,
        "chunks": 2,
        "coverage": 0.25,
        "done": 3,
        "total": 4,
        "eta_seconds": 5.0,
        "paused": True,
        "skipped": 6,
        "notices": ("n",),
    }
    report(folder, phase=Phase.LOADING_MODEL, adapter=adapter, **said)
    (shown,) = status_with(engine, folder).folders
    assert {name: getattr(shown, name) for name in said} == said
    assert set(FolderState.model_fields) - set(said) == {"folder", "phase", "adapter", "revision"}
    assert (shown.health, shown.message, shown.phase) == (Health.WARNING, "m", Phase.LOADING_MODEL)
    assert shown.adapter is not None
    assert shown.adapter.model_dump() == adapter.model_dump()


@pytest.mark.parametrize(
    ("first", "second", "health", "message"),
    [
        ((Health.OK, ""), (Health.OK, ""), Health.OK, ""),
        ((Health.OK, ""), (Health.WARNING, "w"), Health.WARNING, "w"),
        ((Health.WARNING, "w"), (Health.ERROR, "e"), Health.ERROR, "e"),
        ((Health.ERROR, "e"), (Health.WARNING, "w"), Health.ERROR, "e"),
        ((Health.WARNING, "first"), (Health.WARNING, "second"), Health.WARNING, "first"),
    ],
    ids=str,
)
def test_the_worst_is_said(
    first: tuple[Health, str],
    second: tuple[Health, str],
    health: Health,
    message: str,
    engine: Engine,
    folder: Folder,
    other: Folder,
    report: Report,
) -> None:
    report(folder, chunks=1, coverage=1.0, problems=problems(*first))
    report(other, chunks=1, coverage=1.0, problems=problems(*second))
    status = status_with(engine, folder, other)
    assert (status.health, status.message) == (health, message)


@pytest.mark.parametrize(
    ("fields", "quiescent"),
    [
        ({}, True),
        ({"paused": True}, True),
        ({"queued": True}, False),
        ({"phase": Phase.EMBEDDING}, False),
        ({"phase": Phase.WAITING}, False),
    ],
    ids=str,
)
def test_it_is_at_rest_when_no_folder_has_work(
    fields: dict[str, Any], quiescent: bool, engine: Engine, folder: Folder, other: Folder, report: Report
) -> None:
    report(folder)
    report(other, **fields)
    assert status_with(engine, folder, other).quiescent == quiescent


@pytest.mark.parametrize(
    ("state", "health", "message", "quiescent"),
    [
        (EngineState.FAILED, Health.ERROR, "engine", True),
        (EngineState.RESTARTING, Health.ERROR, "folder", False),
        (EngineState.STARTING, Health.ERROR, "folder", False),
        (EngineState.BUSY, Health.ERROR, "folder", False),
        (EngineState.DEGRADED, Health.ERROR, "folder", True),
        (EngineState.IDLE, Health.ERROR, "folder", True),
    ],
)
def test_an_engine_that_cannot_start_is_worse_than_any_folder(
    state: EngineState, health: Health, message: str, quiescent: bool, engine: Engine, folder: Folder, report: Report
) -> None:
    engine.state, engine.message = state, "engine"
    report(folder, problems=problems(Health.ERROR, "folder"))
    status = status_with(engine, folder)
    assert (status.health, status.message, status.quiescent) == (health, message, quiescent)
    assert status.engine == EngineStatus(state=state, message="engine", pid=1, memory_bytes=2, restarts=3)


def test_an_engine_that_is_started_again_is_a_warning(engine: Engine, folder: Folder, report: Report) -> None:
    engine.state, engine.message = EngineState.RESTARTING, "It ended; it restarting it."
    report(folder)
    status = status_with(engine, folder)
    assert (status.health, status.message) == (Health.WARNING, "It ended; it restarting it.")


# -- when it is sent -----------------------------------------------------------------------------------------


class Patience(selectors.SelectSelector):
    """Waits in no time: a clock of its own says that it has passed."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now += timeout or 0.0
        return super().select(0)


class PatientLoop(asyncio.SelectorEventLoop):
    """An event loop in which time passes only while nothing is to be done."""

    def __init__(self) -> None:
        self.patience = Patience()
        super().__init__(self.patience)

    def time(self) -> float:
        return self.patience.now


class Board:
    """A status that changes, and what was sent of it, with the time."""

    def __init__(self, loop: PatientLoop) -> None:
        self.loop = loop
        self.message = ""
        self.sent: list[tuple[float, str]] = []
        self.publisher = StatusPublisher(self.look, self.keep)

    def look(self) -> Status:
        engine = EngineStatus(state=EngineState.READY)
        return Status(health=Health.OK, message=self.message, quiescent=True, version="1.0", engine=engine, folders=[])

    def keep(self, status: Status) -> None:
        self.sent.append((round(self.loop.time(), 3), status.message))

    async def say(self, message: str, *, then_wait: float = 0.0) -> None:
        self.message = message
        self.publisher.changed()
        await asyncio.sleep(then_wait)

    def run(self, *changes: tuple[str, float]) -> list[tuple[float, str]]:
        """Say all messages, each with the pause after it, and wait for long."""

        async def go() -> None:
            for message, pause in changes:
                await self.say(message, then_wait=pause)
            await asyncio.sleep(10)

        self.loop.run_until_complete(go())
        return self.sent


@pytest.fixture
def board() -> Iterator[Board]:
    loop = PatientLoop()
    yield Board(loop)
    loop.close()


def test_a_change_is_sent_at_once(board: Board) -> None:
    assert board.run(("a", 1)) == [(0.0, "a")]


def test_of_many_changes_the_last_is_sent_after_the_pause(board: Board) -> None:
    assert board.run(("a", 0.01), ("b", 0.01), ("c", 0.01), ("d", 1)) == [(0.0, "a"), (0.25, "d")]


def test_a_storm_of_changes_is_four_messages_a_second(board: Board) -> None:
    sent = board.run(*((str(number), 0.01) for number in range(200)))
    times = [time for time, _ in sent]
    assert times == pytest.approx([0.25 * number for number in range(len(times))], abs=0.02)
    assert min(later - time for time, later in pairwise(times)) >= 0.25
    assert sent[-1][1] == "199"


def test_after_a_pause_a_change_is_sent_at_once_again(board: Board) -> None:
    assert board.run(("a", 5), ("b", 1)) == [(0.0, "a"), (5.0, "b")]


def test_what_is_the_same_is_not_sent_twice(board: Board) -> None:
    assert board.run(("a", 1), ("a", 1), ("b", 0), ("a", 1)) == [(0.0, "a")]


def test_nothing_is_sent_once_it_is_closed(board: Board) -> None:
    async def go() -> None:
        await board.say("a", then_wait=0.1)
        await board.say("b")
        board.publisher.close()
        await board.say("c", then_wait=10)

    board.loop.run_until_complete(go())
    assert board.sent == [(0.0, "a")]
