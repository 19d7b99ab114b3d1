"""However the editor goes, the server and its engine end with it, and not before."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from codecontext.lsp.editor_process import find_editor
from codecontext.lsp.protocol import Method
from lsp.client import PATIENCE, ended, write
from lsp.wire import Wire, wired

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and pipes of POSIX")


@pytest.fixture
async def wire(tmp_path: Path) -> AsyncIterator[Wire]:
    """A server that was told ``initialize`` by an editor in another container, and has an engine."""
    folder = write(tmp_path / "shop", {"lock.py": "def lock():\n    return 1\n"})
    async with wired() as wire:
        folders = [{"uri": folder.as_uri(), "name": "shop"}]
        params = {"processId": 2**22 + 7, "rootUri": None, "capabilities": {}, "workspaceFolders": folders}
        wire.send(id=1, method="initialize", params=params)
        await wire.answer(1)
        wire.send(method="initialized", params={})
        await wire.finds("lock")
        yield wire


async def all_end(wire: Wire) -> int:
    """The exit code of the server, when its children have ended too."""
    children = psutil.Process(wire.process.pid).children(recursive=True)
    assert children
    async with asyncio.timeout(PATIENCE):
        code = await wire.process.wait()
    for child in children:
        await ended(child.pid)
    return code


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_while_idle(wire: Wire, number: signal.Signals) -> None:
    ending = asyncio.create_task(all_end(wire))
    await asyncio.sleep(0)
    wire.process.send_signal(number)
    assert await ending == 128 + number


async def test_stdin_that_ends_inside_a_message(wire: Wire) -> None:
    ending = asyncio.create_task(all_end(wire))
    await asyncio.sleep(0)
    wire.write_raw(b"Content-Length: 100\r\n\r\n{")
    assert wire.process.stdin is not None
    wire.process.stdin.close()
    assert await ending == 1


@pytest.mark.parametrize("asks", [False, True], ids=["idle", "busy"])
async def test_stdout_that_nobody_reads_any_more(tmp_path: Path, asks: bool) -> None:
    folder = write(tmp_path / "shop", {"lock.py": "def lock():\n    return 1\n"})
    reading, writing = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-m", "codecontext.cli", "serve"],
        stdin=subprocess.PIPE,
        stdout=writing,
        stderr=subprocess.DEVNULL,
    ) as process:
        os.close(writing)
        assert process.stdin is not None
        body = b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"rootUri":"%b","capabilities":{}}}'
        body %= folder.as_uri().encode()
        process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        process.stdin.flush()
        assert os.read(reading, 10)
        os.close(reading)
        if asks:
            body = b'{"jsonrpc":"2.0","id":2,"method":"%b"}' % Method.STATUS.encode()
            process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
            process.stdin.flush()
        assert await asyncio.to_thread(process.wait, PATIENCE) == 1


async def test_an_editor_that_reads_nothing_is_listened_to_all_the_same(wire: Wire) -> None:
    """Its pipe is full long before the last answer; a server that waited for it could not hear that it is to end."""
    wire._reading.cancel()
    for number in range(3_000):
        wire.send(id=number, method=Method.SEARCH, params={"query": "lock"})
        await wire.drain()
    wire.process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(PATIENCE):
        assert await wire.process.wait() == 128 + signal.SIGTERM


@pytest.mark.parametrize("process_id", [None, 0, 1, -1, 2**22 + 7, 2**70], ids=repr)
def test_a_process_that_cannot_be_the_editor_is_not_watched(process_id: int | None) -> None:
    assert find_editor(process_id) is None


def test_an_ancestor_and_what_runs_beside_us_can_be_the_editor() -> None:
    assert find_editor(os.getppid()) is not None
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as beside:
        editor = find_editor(beside.pid)
        assert editor is not None
        assert editor.pid == beside.pid
        assert editor.is_alive()
        beside.communicate(b"\n")
    assert not editor.is_alive()
