"""The engine's process lives as long as it is needed, and its death costs nothing."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from codecontext.core.errors import EngineUnavailable
from codecontext.embeddings import EmbeddingProvider
from codecontext.rpc import client as client_module
from codecontext.rpc.client import COMMAND
from codecontext.rpc.messages import EngineState, FilesChanged, FolderSetup, Pause

from .conftest import Served, assert_as_if_made_anew, codebase, command_that, write_files

Start = Callable[..., Served]

pytestmark = pytest.mark.asyncio(loop_scope="module")

DEADLINE = 20.0
SMALL = {"parse.py": "def parse_number(text):\n    return int(text)\n"}


def kill(served: Served) -> None:
    assert served.client.pid is not None
    os.kill(served.client.pid, signal.SIGKILL)


async def test_from_start_to_end(start: Start, project: Path) -> None:
    write_files(project, codebase(3))
    served = start()
    assert (served.client.state, served.client.pid, served.client.memory_bytes) == (EngineState.IDLE, None, None)
    await served.serve(project)
    report = await served.indexed(project)
    assert (report.health, report.files, report.chunks, report.message) == ("ok", 3, 15, "")
    assert await served.paths("handle task b of part 2", limit=1) == ["pkg/task_2.py"]
    process = psutil.Process(served.client.pid)
    family = [process, *process.children(recursive=True)]
    assert (served.client.memory_bytes or 0) > 50_000_000
    await served.client.stop()
    _, alive = await asyncio.to_thread(psutil.wait_procs, family, DEADLINE)
    assert not alive
    states = list(dict.fromkeys(state for state, _ in served.history))
    assert states == [EngineState.STARTING, EngineState.BUSY, EngineState.READY]
    assert served.client.restarts == 0
    with pytest.raises(EngineUnavailable, match="shutting down"):
        await served.ask("anything")


async def test_words_answer_before_the_model_is_loaded(start: Start, project: Path) -> None:
    write_files(project, codebase(3))
    served = start()
    await served.serve(project)
    await served.until(lambda: served.report(project).files == 3)
    first = next(reports[str(project)] for _, reports in served.history if reports and reports[str(project)].files)
    assert await served.paths("task_2_b", limit=1) == ["pkg/task_2.py"]
    await served.indexed(project)
    assert not first.ready or first.coverage < 1


async def test_killed_while_indexing_it_starts_again_and_completes(
    start: Start, project: Path, provider: EmbeddingProvider
) -> None:
    write_files(project, codebase(12))
    served = start()
    await served.serve(project)
    await served.until(lambda: 0 < served.report(project).done < served.report(project).total)
    kill(served)
    await served.until(lambda: served.client.state is EngineState.RESTARTING)
    assert "was killed (SIGKILL); restarting it" in served.client.message
    report = await served.indexed(project)
    assert (served.client.restarts, served.client.message) == (1, "")
    assert_as_if_made_anew(project, report, provider)


async def test_a_question_that_it_dies_over_is_asked_again(start: Start, project: Path, tmp_path: Path) -> None:
    """Also while a child of the dead process still holds its stderr."""
    write_files(project, SMALL)
    served = start(
        *command_that(
            f"""
            import os, pathlib, subprocess
            from codecontext.service.service import EngineService
            search = EngineService.search
            def die_once(self, request):
                try:
                    pathlib.Path({str(tmp_path / "died")!r}).touch(exist_ok=False)
                except FileExistsError:
                    return search(self, request)
                subprocess.Popen(["sleep", "3"])
                os._exit(9)
            EngineService.search = die_once
            """
        )
    )
    await served.serve(project)
    await served.until(lambda: served.report(project).files == 1)
    assert await served.paths("parse_number") == ["parse.py"]
    assert served.client.restarts == 1


async def test_a_question_that_always_kills_it_is_given_up(start: Start, project: Path) -> None:
    served = start(
        *command_that(
            """
            import os
            from codecontext.service.service import EngineService
            EngineService.search = lambda self, request: os._exit(9)
            """
        )
    )
    await served.serve(project)
    with pytest.raises(EngineUnavailable, match="exited while handling the request"):
        await served.ask("deadly")


async def test_after_five_failures_it_has_failed_until_somebody_asks(
    start: Start, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "_FIRST_DELAY", 0.01)
    count, healed = tmp_path / "count", tmp_path / "healed"
    served = start(
        *command_that(
            f"""
            import pathlib, sys
            if not pathlib.Path({str(healed)!r}).exists():
                with open({str(count)!r}, "a") as file:
                    file.write("x")
                sys.exit("no library here")
            """
        )
    )
    with pytest.raises(
        EngineUnavailable, match=r"ended unexpectedly \(exit code 1\), 5 times in a row.*no library here"
    ):
        await served.serve(project)
    assert (served.client.state, served.client.pid, count.read_text()) == (EngineState.FAILED, None, "xxxxx")
    assert "Last output: no library here" in served.client.message
    with pytest.raises(EngineUnavailable):
        await served.ask("still broken")
    assert count.read_text() == "x" * 10
    healed.touch()
    assert (await served.ask("mended")).hits == []
    await served.settled(project)
    assert served.client.message == ""


async def test_a_program_that_is_not_there(start: Start, project: Path) -> None:
    served = start("/nowhere/python")
    with pytest.raises(EngineUnavailable, match="cannot be started"):
        await served.serve(project)
    assert served.client.state is EngineState.FAILED


async def test_an_idle_engine_ends_and_the_next_question_starts_it(start: Start, project: Path) -> None:
    write_files(project, codebase(2))
    served = start()
    await served.serve(project, editor={"engine": {"idle_minutes": 0.005}})
    await served.until(lambda: served.client.state is EngineState.IDLE)
    assert (served.client.pid, served.client.memory_bytes) == (None, None)
    assert served.report(project).coverage == 1  # it did not end before its work was done
    assert "restarts on the next search" in served.client.message
    write_files(project, {"while_it_slept.py": "def written_in_the_dark():\n    return 1\n"})
    assert await served.paths("handle task b of part 1", limit=1) == ["pkg/task_1.py"]
    await served.until_found("written_in_the_dark", "while_it_slept.py")
    assert served.client.restarts == 0


async def test_without_folders_there_is_no_engine(start: Start, project: Path) -> None:
    served = start()
    await served.serve()
    assert (served.client.state, served.client.pid) == (EngineState.IDLE, None)


async def test_a_changed_file_wakes_an_idle_engine(start: Start, project: Path) -> None:
    write_files(project, SMALL)
    served = start()
    await served.serve(project, editor={"engine": {"idle_minutes": 0.005}})
    await served.until(lambda: served.client.state is EngineState.IDLE)
    write_files(project, {"new.py": "def brand_new():\n    return 1\n"})
    served.client.files_changed(FilesChanged(folder=str(project), paths=("new.py",)))
    await served.until(lambda: served.report(project).files == 2)


async def test_settings_that_come_while_it_starts_are_not_lost(start: Start, project: Path, tmp_path: Path) -> None:
    write_files(project, SMALL)
    other = tmp_path / "other"
    write_files(other, SMALL)
    served = start()
    first = asyncio.create_task(served.serve(project))
    await served.until(lambda: served.client.pid is not None)
    await asyncio.gather(first, served.serve(project, other, editor={"search": {"limit": 1}}))
    await served.until(lambda: served.report(other).files == 1)
    assert len((await served.ask("parse_number")).hits) == 1


async def test_orders_take_effect_in_their_order(start: Start, project: Path, tmp_path: Path) -> None:
    """Each is told without waiting for the one before, and takes less time than that."""
    folders = [tmp_path / f"folder_{number}" for number in range(4)]
    for folder in folders:
        write_files(folder, SMALL)
    served = start(
        *command_that(
            """
            import time
            from codecontext.service.service import EngineService
            configure = EngineService.configure
            def slow(self, request):
                time.sleep(0.2 * (3 - int(request.folders[0].folder[-1])))
                configure(self, request)
            EngineService.configure = slow
            """
        )
    )
    await served.serve(folders[-1])
    for folder in folders:
        told = served.client.configure([FolderSetup(folder=str(folder), trusted=True)])
        task = asyncio.create_task(told)
        await asyncio.sleep(0)
        served.client.files_changed(FilesChanged(folder=str(folder), paths=("parse.py",)))
    await task
    await served.until(lambda: served.report(folders[-1]).files == 1)
    assert [state.folder for state in (await served.ask("parse_number")).states] == [str(folders[-1])]
    assert list(served.client.states) == [str(folders[-1])]


async def test_pausing_is_kept_over_a_restart(start: Start, project: Path) -> None:
    write_files(project, SMALL)
    served = start()
    await served.serve(project)
    await served.indexed(project)
    await served.client.pause(Pause(folder=str(project), paused=True))
    kill(served)
    await served.until(lambda: served.client.restarts == 1 and served.client.state is EngineState.READY)
    write_files(project, {"new.py": "def brand_new():\n    return 1\n"})
    served.client.files_changed(FilesChanged(folder=str(project), everything=True))
    report = await served.settled(project)
    assert (report.paused, report.files) == (True, 1)


async def test_a_question_that_nobody_waits_for_disturbs_nothing(
    start: Start, project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_files(project, codebase(5))
    served = start()
    await served.serve(project)
    await served.indexed(project)
    with caplog.at_level(logging.ERROR):
        questions = [asyncio.create_task(served.ask(f"handle task {number}")) for number in range(40)]
        await asyncio.sleep(0)
        for question in questions[:-1]:
            question.cancel()
        answers = await asyncio.gather(*questions, return_exceptions=True)
        assert all(isinstance(answer, asyncio.CancelledError) for answer in answers[:-1])
        assert not isinstance(answers[-1], BaseException)
        assert await served.paths("handle task b of part 3", limit=1) == ["pkg/task_3.py"]
    assert not caplog.records


async def test_what_libraries_print_does_not_reach_the_wire(start: Start, project: Path) -> None:
    write_files(project, SMALL)
    served = start(
        *command_that(
            """
            import os, subprocess
            from codecontext.service.service import EngineService
            search = EngineService.search
            def chatty(self, request):
                print("Content-Length: 3\\r\\n\\r\\nabc", flush=True)
                os.write(1, b"from C\\n")
                subprocess.run(["echo", "from a child"])
                print("x" * 200_000)
                return search(self, request)
            EngineService.search = chatty
            """
        )
    )
    await served.serve(project)
    await served.until(lambda: served.report(project).files == 1)
    for _ in range(3):
        assert await served.paths("parse_number") == ["parse.py"]
    assert served.client.restarts == 0


async def test_it_ends_when_stdin_ends(project: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *COMMAND, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    assert process.stdin is not None
    process.stdin.close()
    async with asyncio.timeout(DEADLINE):
        assert await process.wait() == 0


async def test_it_ends_when_the_language_server_is_killed(project: Path) -> None:
    write_files(project, codebase(30))
    script = textwrap.dedent(
        """
        import asyncio, json, sys
        import psutil
        from codecontext.rpc.client import EngineClient
        from codecontext.rpc.messages import FolderSetup
        async def main():
            changed = asyncio.Event()
            client = EngineClient(changed.set)
            await client.configure([FolderSetup(folder=sys.argv[1], trusted=True)])
            while not any(report.files for report in client.states.values()):
                await changed.wait()
                changed.clear()
            print(json.dumps([each.pid for each in psutil.Process(client.pid).children()] + [client.pid]), flush=True)
            await asyncio.Event().wait()
        asyncio.run(main())
        """
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(project), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert parent.stdout is not None
    async with asyncio.timeout(60):
        pids = json.loads(await parent.stdout.readline())
    family = [psutil.Process(pid) for pid in pids]
    parent.kill()
    await parent.wait()
    _, alive = await asyncio.to_thread(psutil.wait_procs, family, DEADLINE)
    assert not alive
