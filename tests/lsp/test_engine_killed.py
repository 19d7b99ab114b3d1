"""The engine's process dies: the editor hears so and loses nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil

from codecontext.lsp.protocol import Method
from lsp.client import Editor, Json, ended, opened, symbols, write


def kill(editor: Editor) -> int:
    """Kill the engine as the kernel would that is out of memory; its process id."""
    pid: int = editor.statuses[-1]["engine"]["pid"]
    psutil.Process(pid).kill()
    return pid


def state(status: Json) -> str:
    return str(status["engine"]["state"])


async def test_a_killed_engine_is_started_again(project: Path) -> None:
    async with opened(project) as editor:
        before = await editor.settled()
        seen = len(editor.statuses)
        pid = kill(editor)
        down = await editor.status_that(lambda status: state(status) == "restarting", after=seen)
        assert down["health"] == "warning"
        assert "SIGKILL" in down["message"]
        assert not down["quiescent"]
        after = await editor.settled(after=seen + editor.statuses[seen:].index(down))
        assert after["health"] == "ok"
        assert after["engine"]["restarts"] == before["engine"]["restarts"] + 1
        assert after["engine"]["pid"] != pid
        assert symbols(await editor.search("hold_lock"))[0] == "hold_lock"
        await ended(pid)


async def test_questions_asked_meanwhile_are_answered(project: Path) -> None:
    async with opened(project) as editor:
        await editor.settled()
        asked = [asyncio.create_task(editor.search("hold_lock")) for _ in range(5)]
        kill(editor)
        asked += [asyncio.create_task(editor.search("hold_lock")) for _ in range(5)]
        for answer in await asyncio.gather(*asked):
            assert symbols(answer)[0] == "hold_lock"


async def test_what_is_open_paused_and_unsaved_outlives_the_engine(project: Path) -> None:
    async with opened(project) as editor:
        await editor.settled()
        locks = project / "app/locks.py"
        editor.open(locks, "# new\n" + locks.read_text(encoding="utf-8"))
        before = (await editor.search("hold_lock"))["hits"][0]
        await editor.ask(Method.PAUSE)
        seen = len(editor.statuses)
        kill(editor)
        status = await editor.status_that(
            lambda status: state(status) == "ready" and status["engine"]["restarts"] == 1, after=seen
        )
        assert status["folders"][0]["paused"]
        result = await editor.finds(
            "hold_lock", lambda result: bool(result["hits"]) and not result["states"][0]["degraded"]
        )
        assert result["hits"][0]["range"] == before["range"]


async def test_an_engine_killed_while_it_indexes_ends_with_a_whole_index(tmp_path: Path) -> None:
    write(
        tmp_path,
        {f"part_{n}.py": "".join(f"def p{n}_{i}(a):\n    return a + {i}\n\n\n" for i in range(20)) for n in range(40)},
    )
    async with opened(tmp_path) as editor:
        killed = {None}
        for _ in range(2):
            await editor.status_that(
                lambda status: (
                    status["engine"]["pid"] not in killed and status["folders"][0]["phase"] in {"reading", "embedding"}
                )
            )
            killed.add(kill(editor))
        status = await editor.status_that(
            lambda status: (
                status["quiescent"]
                and status["folders"][0]["chunks"] == 40 * 20
                and status["folders"][0]["coverage"] == 1
            )
        )
        assert status["engine"]["restarts"] == 2
        assert status["folders"][0]["skipped"] == 0
        assert symbols(await editor.search("p39_19"))[0] == "p39_19"


async def test_shutdown_while_the_engine_is_being_started_again(project: Path) -> None:
    async with opened(project) as editor:
        await editor.settled()
        seen = len(editor.statuses)
        kill(editor)
        await editor.status_that(lambda status: state(status) == "restarting", after=seen)
        processes = [editor.process, *editor.process.children(recursive=True)]
    for process in processes:
        await ended(process.pid)
