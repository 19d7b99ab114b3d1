"""The server's stdin and stdout as bytes, for what no client would send, and for what no client would notice."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from codecontext.lsp.protocol import Method
from lsp.client import PATIENCE, SERVER

Message = dict[str, Any]


class Wire:
    """A server process. Whatever it writes must be framed messages and nothing else."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.received: list[Message] = []
        self.stderr = b""
        self._searches = itertools.count()
        self._news = asyncio.Event()
        self._reading = asyncio.create_task(self._read())
        self._logging = asyncio.create_task(self._keep_stderr())

    def write(self, body: bytes) -> None:
        """Send a body in its frame."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    def write_raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        assert self.process.stdin is not None
        self.process.stdin.write(data)

    def send(self, **message: Any) -> None:
        """Send a message."""
        self.write(json.dumps({"jsonrpc": "2.0", **message}).encode())

    async def drain(self) -> None:
        """Wait until the server has taken most of what was sent."""
        assert self.process.stdin is not None
        await asyncio.wait_for(self.process.stdin.drain(), PATIENCE)

    async def answer(self, request_id: int | str) -> Message:
        """The answer to a request."""
        return await self.message(lambda message: "method" not in message and message.get("id") == request_id)

    async def finds(self, query: str) -> None:
        """Search until something is found."""
        async with asyncio.timeout(PATIENCE):
            for number in self._searches:
                self.send(id=f"search-{number}", method=Method.SEARCH, params={"query": query})
                if (await self.answer(f"search-{number}"))["result"]["hits"]:
                    return

    async def message(self, wanted: Any) -> Message:
        """The first message that is as wanted."""
        looked = 0
        async with asyncio.timeout(PATIENCE):
            while True:
                for message in self.received[looked:]:
                    if wanted(message):
                        return message
                looked = len(self.received)
                if self._reading.done():
                    self._reading.result()
                    raise AssertionError("The server ended.")
                await self._news.wait()
                self._news.clear()

    async def end(self) -> int:
        """Close stdin; the exit code, when all was read to its end and was framed as it should."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(self._reading, self._logging)
            return await self.process.wait()

    async def _keep_stderr(self) -> None:
        assert self.process.stderr is not None
        self.stderr = await self.process.stderr.read()

    async def _read(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        try:
            while line := await stream.readline():
                size = 0
                while line != b"\r\n":
                    name, separator, value = line.partition(b": ")
                    assert separator, f"Not a header: {line!r}"
                    assert name in {b"Content-Length", b"Content-Type"}, f"Not a header: {line!r}"
                    assert line.endswith(b"\r\n"), f"Not a header: {line!r}"
                    size = int(value) if name == b"Content-Length" else size
                    line = await stream.readline()
                self.received.append(json.loads(await stream.readexactly(size)))
                self._news.set()
        finally:
            self._news.set()


@asynccontextmanager
async def wired(environment: Mapping[str, str] | None = None) -> AsyncIterator[Wire]:
    """A server process to which nothing was said yet."""
    process = await asyncio.create_subprocess_exec(
        *SERVER,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(os.environ | (environment or {})),
        limit=2**26,
    )
    wire = Wire(process)
    try:
        yield wire
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
