"""What a service at work costs another program: a job on two cores alone, and beside it."""

from __future__ import annotations

import asyncio
import os
import resource
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.common import Context
from benchmarks.results import Figure, Result, at_most
from codecontext.engine.folder_state import FolderState, Phase
from codecontext.rpc.client import COMMAND, EngineClient
from codecontext.rpc.messages import FolderSetup, Pause, Reindex

RATIO = at_most(1.1)
SHARE = at_most(10)

_CORES = 2
_ROUNDS = 5
_STEPS = 15_000_000
_QUICK_STEPS = 2_000_000
_PROGRAM = """
import sys
number = 1
for _ in range(int(sys.argv[1])):
    number = number * 1664525 + 1013904223 & 0xFFFFFFFF
"""
_PATIENCE = 300.0
"""Seconds in which the service must have done what is waited for."""


def run(context: Context) -> Result:
    """Measure in turn, so that what else the machine does falls on all alike."""
    return asyncio.run(_run(context))


@dataclass(frozen=True, slots=True)
class _JobRun:
    """One run of the foreign job."""

    seconds: float
    share: float
    """CPU time of the service while it ran, in terms of its own."""


async def _run(context: Context) -> Result:
    rounds = 1 if context.quick else _ROUNDS
    steps = _QUICK_STEPS if context.quick else _STEPS
    environment = context.environment() | {"CODECONTEXT_HOME": str(context.fresh_folder("manners"))}
    jobs: dict[Phase | None, list[_JobRun]] = {None: [], Phase.READING: [], Phase.EMBEDDING: []}
    async with _service(context.folder, environment) as served:
        await served.until_ready()
        for phase in (Phase.READING, Phase.EMBEDDING):
            for _ in range(rounds):
                await served.pause(paused=True)
                jobs[None].append(await _job(served, steps))
                await served.pause(paused=False)
                if phase is Phase.READING:
                    await served.client.reindex(Reindex(folder=served.folder, force=True))
                await served.until_in(phase)
                jobs[phase].append(await _job(served, steps))
    alone = statistics.median(job.seconds for job in jobs[None])
    return Result(
        title="Manners",
        figures=[
            Figure(f"job on {_CORES} cores, alone", alone, "s"),
            *_beside("files are read", jobs[Phase.READING], alone),
            *_beside("they are embedded", jobs[Phase.EMBEDDING], alone),
        ],
        notes=[
            f"Medians of {rounds} runs, those alone in between; the job is {_CORES} processes that compute.",
            f"A job that has all {os.cpu_count()} cores is longer by the service's share of its CPU time.",
        ],
        details={phase.value if phase else "alone": [asdict(job) for job in runs] for phase, runs in jobs.items()},
    )


def _beside(work: str, jobs: list[_JobRun], alone: float) -> list[Figure]:
    return [
        Figure(f"… while {work}: its time", statistics.median(job.seconds for job in jobs) / alone, "x", RATIO),
        Figure(f"… while {work}: CPU of the service", 100 * statistics.median(job.share for job in jobs), "%", SHARE),
    ]


async def _job(served: _Served, steps: int) -> _JobRun:
    started, own, foreign = time.perf_counter(), served.cpu_seconds(), _cpu_seconds_of_ended_children()
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", _PROGRAM, str(steps)) for _ in range(_CORES)
    ]
    await asyncio.gather(*(process.wait() for process in processes))
    seconds = time.perf_counter() - started
    return _JobRun(seconds, (served.cpu_seconds() - own) / (_cpu_seconds_of_ended_children() - foreign))


def _cpu_seconds_of_ended_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class _Served:
    """A service with one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)
        self._news = asyncio.Event()
        self.client = EngineClient(self._news.set, command=COMMAND)

    def cpu_seconds(self) -> float:
        """What the service and its children have used."""
        service = psutil.Process(self.client.pid)
        times = [process.cpu_times() for process in (service, *service.children(recursive=True))]
        return sum(each.user + each.system for each in times)

    async def until_ready(self) -> None:
        """Wait until the model is loaded."""
        await self._until(lambda state: state.ready)

    async def until_in(self, phase: Phase) -> None:
        """Wait until it does this for the folder."""
        await self._until(lambda state: state.phase is phase)

    async def pause(self, *, paused: bool) -> None:
        """Pause or resume its work; returns when it has."""
        await self.client.pause(Pause(folder=self.folder, paused=paused))
        await self._until(lambda state: state.paused is paused and not (paused and state.is_at_work))

    async def _until(self, condition: Callable[[FolderState], bool]) -> None:
        async with asyncio.timeout(_PATIENCE):
            while not ((state := self.client.states.get(self.folder)) and condition(state)):
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def _service(folder: Path, environment: dict[str, str]) -> AsyncIterator[_Served]:
    before: dict[str, Any] = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    served = _Served(folder)
    try:
        await served.client.configure([FolderSetup(folder=served.folder, trusted=True)])
        yield served
    finally:
        await served.client.stop()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
