"""Steering what goes on in the background: pause, resume, reindex, and what was left out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from codecontext.lsp.protocol import Method, SkippedResult
from lsp.client import Editor, Json, opened, symbols, write

pytestmark = pytest.mark.asyncio(loop_scope="module")

FILES = {
    "keep.py": "def keep():\n    return 1\n",
    "data.bin": "\0\1\2" * 100,
    ".env": "TOKEN=secret\n",
    "long.py": "x = 1\n" * 400_000,
}


def is_paused(status: Json) -> bool:
    return bool(status["folders"][0]["paused"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Editor, Path]]:
    folder = write(tmp_path_factory.mktemp("background") / "yard", FILES)
    async with opened(folder) as editor:
        await editor.settled()
        yield editor, folder


async def test_what_is_left_out_and_why(server: tuple[Editor, Path]) -> None:
    editor, folder = server
    result = SkippedResult.model_validate(await editor.ask(Method.SKIPPED))
    assert {file.path for file in result.files} == {"data.bin", ".env", "long.py"}
    assert all(file.reason and file.folder == folder.as_uri() for file in result.files)
    assert editor.statuses[-1]["folders"][0]["skipped"] == 3
    assert await editor.command("skipped", {"folder": folder.as_uri()}) == result.model_dump(mode="json", by_alias=True)


async def test_paused_work_waits_and_then_goes_on(server: tuple[Editor, Path]) -> None:
    editor, folder = server
    seen = len(editor.statuses)
    assert "yard" in (await editor.command("pause"))["message"]
    await editor.status_that(is_paused, after=seen)
    editor.save(folder / "later.py", "def written_while_paused():\n    return 2\n")
    for _ in range(3):  # also once more: whatever was asked first has been dealt with
        assert "written_while_paused" not in symbols(await editor.search("written_while_paused"))
    assert symbols(await editor.search("keep"))[0] == "keep"
    seen = len(editor.statuses)
    assert "yard" in (await editor.command("resume", {"folder": folder.as_uri()}))["message"]
    status = await editor.settled(after=seen)
    assert not status["folders"][0]["paused"]
    assert symbols(await editor.search("written_while_paused"))[0] == "written_while_paused"


async def test_pausing_twice_is_pausing_once(server: tuple[Editor, Path]) -> None:
    editor, folder = server
    seen = len(editor.statuses)
    await editor.ask(Method.PAUSE)
    await editor.ask(Method.PAUSE)
    await editor.status_that(is_paused, after=seen)
    seen = len(editor.statuses)
    await editor.ask(Method.RESUME)
    await editor.status_that(lambda status: not is_paused(status), after=seen)
    editor.save(folder / "resumed.py", "def written_after_it():\n    return 2\n")
    await editor.finds("written_after_it", lambda result: symbols(result)[:1] == ["written_after_it"])


@pytest.mark.parametrize("force", [False, True])
async def test_reindex_finds_what_nobody_told_of(server: tuple[Editor, Path], force: bool) -> None:
    editor, folder = server
    name = f"silent_{'forced' if force else 'compared'}"
    hidden = write(folder.parent / "outside", {f"{name}.py": f"def {name}():\n    return 3\n"})
    (hidden / f"{name}.py").rename(folder / f"{name}.py")
    assert (await editor.ask(Method.REINDEX, {"force": force}))["message"]
    answer = await editor.finds(name, lambda result: name in symbols(result)[:1])
    assert answer["hits"][0]["path"] == f"{name}.py"
    assert (await editor.settled())["folders"][0]["coverage"] == 1


async def test_indexing_that_does_not_begin_by_itself(tmp_path: Path) -> None:
    folder = write(tmp_path, {"one.py": "def only_by_hand():\n    return 1\n"})
    async with opened(folder, settings={"engine": {"autoIndex": False}}) as editor:
        await editor.status_that(lambda status: bool(status["quiescent"] and status["folders"][0]["ready"]))
        result = await editor.search("only_by_hand")
        assert result["hits"] == []
        assert result["message"]
        await editor.ask(Method.REINDEX)
        await editor.settled()
        assert symbols(await editor.search("only_by_hand"))[0] == "only_by_hand"


async def test_an_engine_that_nobody_needs_ends_and_comes_back(tmp_path: Path) -> None:
    folder = write(tmp_path, {"one.py": "def wake_me():\n    return 1\n"})
    async with opened(folder, settings={"engine": {"idleMinutes": 0.01}}) as editor:
        await editor.settled()
        idle = await editor.status_that(lambda status: status["engine"]["state"] == "idle")
        assert idle["engine"]["pid"] is None
        assert idle["health"] == "ok"
        assert symbols(await editor.search("wake_me"))[0] == "wake_me"
