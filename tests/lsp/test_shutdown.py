"""Shutdown while much is going on: the server ends by itself and leaves nothing behind."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from codecontext.lsp.protocol import Method
from lsp.client import PATIENCE, Editor, ended, opened, write


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """So much that indexing takes longer than any shutdown."""
    files = {
        f"module_{n}.py": "".join(f"def work_{n}_{i}(item):\n    return item.part_{i} * {n}\n\n\n" for i in range(25))
        for n in range(300)
    }
    return write(tmp_path / "large", files)


async def shut_down(editor: Editor) -> None:
    """Shut down and see that server, engine and its reader end by themselves."""
    processes = editor.process.children(recursive=True)
    assert processes
    await asyncio.wait_for(editor.shutdown_session(), PATIENCE)
    assert editor._server is not None
    assert editor._server.returncode == 0
    for process in processes:
        await ended(process.pid)


@pytest.mark.parametrize("phase", ["reading", "embedding"])
async def test_while_indexing(large: Path, phase: str) -> None:
    async with opened(large) as editor:
        await editor.status_that(lambda status: bool(status["folders"]) and status["folders"][0]["phase"] == phase)
        await shut_down(editor)


async def test_while_requests_and_commands_are_open(large: Path) -> None:
    async with opened(large) as editor:
        await editor.status_that(lambda status: bool(status["folders"]) and status["folders"][0]["ready"])
        params = types.ExecuteCommandParams("codecontext.server.search", [{"query": "work"}])
        requests = [
            *(editor.protocol.send_request(Method.SEARCH, {"query": f"work {n}"}) for n in range(10)),
            *(editor.protocol.send_request(types.WORKSPACE_EXECUTE_COMMAND, params) for _ in range(10)),
        ]
        await shut_down(editor)
        answers = await asyncio.gather(*map(asyncio.wrap_future, requests), return_exceptions=True)
    for answer in answers:  # each was answered, or told that there will be no answer
        assert isinstance(answer, dict | JsonRpcException), answer


async def test_before_the_engine_has_started(large: Path) -> None:
    async with opened(large) as editor:
        await asyncio.wait_for(editor.shutdown_session(), PATIENCE)
        assert editor._server is not None
        assert editor._server.returncode == 0
