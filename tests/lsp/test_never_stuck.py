"""Folders that are missing or replaced, an engine that hangs, a system without watches: said, and got over."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from codecontext.lsp.protocol import Method
from lsp.client import Json, ended, is_settled, opened, symbols, write

FUNCTION = "def order_{name}(goods):\n    return sorted(goods)\n"


def function(name: str) -> str:
    return FUNCTION.format(name=name)


def of(status: Json, name: str) -> Json:
    found: Json = next(folder for folder in status["folders"] if folder["name"] == name)
    return found


async def test_a_missing_folder_costs_the_others_nothing(tmp_path: Path) -> None:
    there = write(tmp_path / "there", {"a.py": function("here")})
    missing = tmp_path / "missing"
    async with opened(missing, there) as editor:
        status = await editor.status_that(lambda status: of(status, "there")["coverage"] == 1)
        assert (status["health"], of(status, "missing")["health"]) == ("error", "error")
        assert str(missing) in of(status, "missing")["message"]
        result = await editor.search("order goods")
        assert symbols(result) == ["order_here"]
        assert [bool(state["degraded"]) for state in result["states"]] == [True, False]
        for method in (Method.REINDEX, Method.PAUSE, Method.RESUME, Method.RELOAD_ADAPTER):
            assert (await editor.ask(method))["message"]
        assert (await editor.ask(Method.SKIPPED))["files"] == []
        assert "adapters" in await editor.ask(Method.ADAPTERS)
        write(missing, {"b.py": function("late")})
        await editor.finds("order goods", lambda result: set(symbols(result)) == {"order_here", "order_late"})
        # From now on it is watched, too.
        await editor.status_that(lambda status: is_settled(status) and status["health"] == "ok")
        write(missing, {"b.py": function("later")})
        await editor.finds("order later", lambda result: "order_later" in symbols(result))


@pytest.mark.parametrize("how", ["deleted and made again", "moved away and replaced"])
async def test_a_folder_that_is_another_one_now_is_watched_again(tmp_path: Path, how: str) -> None:
    folder = write(tmp_path / "folder", {"a.py": function("before")})
    write(tmp_path / "next", {"a.py": function("after")})
    async with opened(folder) as editor:
        await editor.settled()
        if how == "deleted and made again":
            shutil.rmtree(folder)
            status = await editor.status_that(lambda status: status["health"] == "error")
            assert str(folder) in status["message"]
        else:
            folder.rename(tmp_path / "away")
        (tmp_path / "next").rename(folder)
        await editor.finds("order goods", lambda result: symbols(result) == ["order_after"])
        await editor.status_that(lambda status: is_settled(status) and status["health"] == "ok")
        write(folder, {"b.py": function("again")})
        await editor.finds("order again", lambda result: "order_again" in symbols(result))


@pytest.mark.skipif(sys.platform == "win32", reason="stops processes with signals")
async def test_an_engine_that_is_stopped_is_replaced_and_its_children_end(project: Path) -> None:
    async with opened(project) as editor:
        before = await editor.settled()
        engine = psutil.Process(before["engine"]["pid"])
        processes = [engine, *engine.children(recursive=True)]
        seen = len(editor.statuses)
        os.kill(engine.pid, signal.SIGSTOP)
        silent = await editor.status_that(lambda status: status["engine"]["state"] == "degraded", after=seen)
        assert silent["health"] == "warning"
        assert "has not responded" in silent["message"]
        status = await editor.status_that(
            lambda status: is_settled(status) and status["engine"]["restarts"] == 1, after=seen
        )
        assert (status["health"], status["message"]) == ("ok", "")
        assert symbols(await editor.search("hold_lock"))[0] == "hold_lock"
        for process in processes:
            await ended(process.pid)


@pytest.mark.skipif(sys.platform == "win32", reason="stops processes with signals")
async def test_a_server_that_is_killed_leaves_no_process(project: Path) -> None:
    async with opened(project) as editor:
        await editor.settled()
        processes = editor.process.children(recursive=True)
        assert processes
        editor.process.kill()
        for process in processes:
            await ended(process.pid)
        await editor.until(editor.gone.is_set)


@pytest.fixture
def few_instances(tmp_path: Path) -> Path:
    """An executable that runs Python where no inotify instance is to be had."""
    lower = 'echo 0 > /proc/sys/user/max_inotify_instances && exec "$0" "$@"'
    command = ["unshare", "--user", "--map-root-user", "sh", "-c", lower]
    if shutil.which("unshare") is None or subprocess.run([*command, "true"], check=False).returncode:
        pytest.skip("the limit can only be lowered in a user namespace of Linux")
    script = tmp_path / "python"
    words = " ".join(f"'{word}'" for word in command)
    script.write_text(f'#!/bin/sh\nexec {words} {sys.executable} "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    return script


async def test_a_system_without_watches(few_instances: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path / "folder", {"a.py": function("here")})
    monkeypatch.setattr("lsp.client.SERVER", [str(few_instances), "-m", "codecontext.cli", "serve"])
    async with opened(folder) as editor:
        status = await editor.settled()
        assert status["health"] == "warning"
        assert "max_user_instances" in status["message"]
        assert symbols(await editor.search("order goods")) == ["order_here"]
        editor.save(folder / "b.py", function("saved"))
        await editor.finds("order saved", lambda result: "order_saved" in symbols(result))
