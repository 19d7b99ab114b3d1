"""An engine that hangs, at its start or later, is ended and replaced; there is never more than one."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from codecontext.core.errors import EngineUnavailable
from codecontext.rpc import client as client_module
from codecontext.rpc.messages import EngineState, Opened

from .conftest import Served, command_that, write_files

Start = Callable[..., Served]

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(sys.platform == "win32", reason="stops processes with signals"),
]

SMALL = {"parse.py": "def parse_number(text):\n    return int(text)\n"}


@pytest.fixture(autouse=True)
def _short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a hanging engine reaches soon; a sound one answers its heartbeat in milliseconds."""
    monkeypatch.setattr(client_module, "_TICK_SECONDS", 0.25)
    monkeypatch.setattr(client_module, "_HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr(client_module, "_REPORTED_SILENCE_SECONDS", 1.0)
    monkeypatch.setattr(client_module, "_SILENCE_SECONDS", 4.0)
    monkeypatch.setattr(client_module, "_FIRST_DELAY", 0.01)


async def is_replaced(served: Served, pid: int | None) -> None:
    """Wait for another process than ``pid``."""
    await served.until(lambda: served.client.state is EngineState.READY and served.client.pid not in (None, pid))


async def test_a_stopped_engine_is_replaced_and_its_question_answered(start: Start, project: Path) -> None:
    write_files(project, SMALL)
    served = start()
    await served.serve(project)
    await served.indexed(project)
    pid = served.client.pid
    assert pid is not None
    old = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    os.kill(pid, signal.SIGSTOP)
    questions = [asyncio.create_task(served.paths("parse_number")) for _ in range(3)]
    await served.until(lambda: "has not responded for" in served.client.message)
    assert served.client.state is EngineState.DEGRADED
    await served.until(lambda: served.client.state is EngineState.RESTARTING)
    assert "did not respond for 4 seconds" in served.client.message
    assert await asyncio.gather(*questions) == [["parse.py"]] * 3
    await is_replaced(served, pid)
    assert (served.client.restarts, served.client.message) == (1, "")
    _, alive = await asyncio.to_thread(psutil.wait_procs, old, 20)
    assert not alive


async def test_a_short_stop_costs_nothing(start: Start, project: Path) -> None:
    write_files(project, SMALL)
    served = start()
    await served.serve(project)
    await served.indexed(project)
    pid = served.client.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    await served.until(lambda: "has not responded for" in served.client.message)
    os.kill(pid, signal.SIGCONT)
    await served.until(lambda: served.client.message == "")
    assert await served.paths("parse_number") == ["parse.py"]
    assert (served.client.pid, served.client.restarts) == (pid, 0)


@pytest.mark.parametrize("hangs", ["the lock", "the loop", "one thread"])
async def test_whatever_in_it_hangs(
    start: Start, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hangs: str
) -> None:
    """The next search hangs; the one after that is answered by another process."""
    monkeypatch.setattr(client_module, "_REQUEST_SECONDS", 2.0)
    write_files(project, SMALL)
    how = {
        "the lock": "ctypes.PyDLL(None).sleep(1000)",
        "the loop": "loops[0].call_soon_threadsafe(time.sleep, 1000); time.sleep(1000)",
        "one thread": "time.sleep(1000)",
    }
    served = start(
        *command_that(
            f"""
            import asyncio, ctypes, pathlib, time
            from codecontext.service import process
            from codecontext.service.service import EngineService
            loops, run = [], asyncio.run
            async def noting(main):
                loops.append(asyncio.get_running_loop())
                return await main
            asyncio.run = lambda main: run(noting(main))
            search = EngineService.search
            def hang_once(self, request):
                try:
                    pathlib.Path({str(tmp_path / "hung")!r}).touch(exist_ok=False)
                except FileExistsError:
                    return search(self, request)
                {how[hangs]}
            EngineService.search = hang_once
            """
        )
    )
    await served.serve(project)
    await served.until(lambda: served.report(project).files == 1)
    assert await served.paths("parse_number") == ["parse.py"]
    assert served.client.restarts == 1


async def test_background_work_that_does_not_get_on(
    start: Start, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "_STALL_SECONDS", 5.0)
    write_files(project, SMALL)
    served = start(
        *command_that(
            f"""
            import pathlib, time
            from codecontext.indexing.pipeline import Indexer
            update_vectors = Indexer.update_vectors
            def hang_once(self, *arguments, **more):
                try:
                    pathlib.Path({str(tmp_path / "hung")!r}).touch(exist_ok=False)
                except FileExistsError:
                    return update_vectors(self, *arguments, **more)
                time.sleep(1000)
            Indexer.update_vectors = hang_once
            """
        )
    )
    await served.serve(project)
    await served.until(lambda: "made no progress with indexing" in served.client.message)
    await served.indexed(project)
    assert served.client.restarts == 1


@pytest.mark.parametrize("hangs", ["time.sleep(1000)", "ctypes.PyDLL(None).sleep(1000)"])
async def test_an_orphan_ends_by_itself_whatever_it_does(tmp_path: Path, hangs: str) -> None:
    """Its loop, which would see the end of stdin, or its interpreter's lock is held when its parent is killed."""
    engine = command_that(
        f"""
        import asyncio, ctypes, os, pathlib, time
        from codecontext.service import self_watch
        self_watch._LONGEST_LOCK_SECONDS = 10.0
        run = asyncio.run
        def hang():
            pathlib.Path({str(tmp_path / "pid")!r}).write_text(str(os.getpid()))
            {hangs}
        async def hanging(main):
            asyncio.get_running_loop().call_later(0.5, hang)
            return await main
        asyncio.run = lambda main: run(hanging(main))
        """
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import subprocess, sys; subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE).wait()",
        *engine,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(60):
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            await asyncio.sleep(0.05)
    orphan = psutil.Process(int((tmp_path / "pid").read_text()))
    family = [orphan, *orphan.children(recursive=True)]
    parent.kill()
    await parent.wait()
    _, alive = await asyncio.to_thread(psutil.wait_procs, family, 60)
    assert not alive


async def test_a_start_that_hangs_is_ended_with_its_children_before_the_next(
    start: Start, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "_START_SECONDS", 1.0)
    monkeypatch.setattr(client_module, "_PATIENCE", (1,))
    starts = tmp_path / "starts"
    served = start(
        sys.executable,
        "-c",
        "import os, pathlib, subprocess, sys, time\n"
        f"file = open({str(starts)!r}, 'a')\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1000)'])\n"
        "print(os.getpid(), child.pid, file=file, flush=True)\n"
        "time.sleep(1000)\n",
    )
    at_once: list[int] = []
    serving = asyncio.create_task(served.serve(project))

    def engines() -> list[int]:
        return [int(line.split()[0]) for line in starts.read_text().splitlines()] if starts.exists() else []

    while not serving.done():
        await asyncio.wait([serving], timeout=0.05)
        at_once.append(sum(map(psutil.pid_exists, engines())))
    with pytest.raises(EngineUnavailable, match=r"did not start within 1 seconds, 5 times in a row"):
        await serving
    assert served.client.state is EngineState.FAILED
    assert max(at_once) == 1
    assert len(engines()) == 5
    pids = [int(pid) for line in starts.read_text().splitlines() for pid in line.split()]
    await asyncio.to_thread(psutil.wait_procs, [psutil.Process(p) for p in pids if psutil.pid_exists(p)], 20)
    assert not [pid for pid in pids if psutil.pid_exists(pid)]


async def test_each_replaced_engine_gives_the_next_one_more_time(
    start: Start, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What always takes longer than the first limit, as on a very slow machine, comes up in the end."""
    monkeypatch.setattr(client_module, "_START_SECONDS", 4.0)
    write_files(project, SMALL)
    served = start(*command_that("import time; time.sleep(7)"))
    await served.serve(project)
    await served.until(lambda: served.report(project).files == 1)
    assert served.client.restarts >= 1


async def test_what_may_have_been_done_is_not_repeated(start: Start, project: Path, tmp_path: Path) -> None:
    write_files(project, SMALL)
    served = start(
        *command_that(
            f"""
            import os
            from codecontext.service.service import EngineService
            def record(self, request):
                with open({str(tmp_path / "opened")!r}, "a") as file:
                    file.write("x")
                os._exit(9)
            EngineService.opened = record
            """
        )
    )
    await served.serve(project)
    with pytest.raises(EngineUnavailable, match="exited while handling the request"):
        await served.client.opened(Opened(folder=str(project), query="q", path="parse.py", start_line=1, end_line=1))
    assert (tmp_path / "opened").read_text() == "x"
    await served.until(lambda: served.report(project).files == 1)


async def test_a_stopped_engine_ends_with_its_client(start: Start, project: Path) -> None:
    write_files(project, SMALL)
    served = start()
    await served.serve(project)
    await served.indexed(project)
    assert served.client.pid is not None
    processes = [psutil.Process(served.client.pid), *psutil.Process(served.client.pid).children(recursive=True)]
    os.kill(served.client.pid, signal.SIGSTOP)
    await served.client.stop()
    _, alive = await asyncio.to_thread(psutil.wait_procs, processes, 20)
    assert not alive


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signals(start: Start, project: Path, number: signal.Signals) -> None:
    """SIGTERM ends it with its children, and another one takes over; Ctrl+C is for who started it."""
    write_files(project, SMALL)
    served = start()
    await served.serve(project)
    await served.indexed(project)
    pid = served.client.pid
    assert pid is not None
    children = psutil.Process(pid).children(recursive=True)
    os.kill(pid, number)
    if number == signal.SIGTERM:
        await is_replaced(served, pid)
        _, alive = await asyncio.to_thread(psutil.wait_procs, children, 20)
        assert not alive
    assert await served.paths("parse_number") == ["parse.py"]
    assert (served.client.pid == pid) == (number == signal.SIGINT)
