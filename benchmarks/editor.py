"""An editor as the language server sees it: the protocol, and nothing else."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

from pygls.client import JsonRPCClient

from codecontext.lsp.protocol import Method
from codecontext.rpc.transport import EngineProtocol

_PATIENCE = 1200.0

Status = dict[str, Any]


class _Protocol(EngineProtocol):
    notifications: ClassVar[frozenset[str]] = frozenset(
        {
            "initialized",
            "exit",
            "workspace/didChangeConfiguration",
            "workspace/didChangeWatchedFiles",
            Method.STATUS_CHANGED,
            "window/logMessage",
            "window/showMessage",
            "$/progress",
        }
    )


class Editor(JsonRPCClient):
    """One server process with one folder open. Values are as JSON has them."""

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        super().__init__(_Protocol)
        self.folder = folder
        self.settings = settings
        self.status: Status = {}
        self.started_at = 0.0
        self._changed = asyncio.Event()
        self.feature(Method.STATUS_CHANGED)(lambda params: self._keep_status(params))  # pygls marks what it is given
        for name in ("window/logMessage", "window/showMessage", "$/progress"):
            self.feature(name)(lambda _params: None)

    async def open(self, environment: dict[str, str]) -> float:
        """Start the server; seconds until it answered ``initialize``."""
        self.started_at = time.perf_counter()
        command = [sys.executable, "-m", "codecontext.cli", "serve"]
        await self.start_io(*command, env=os.environ | environment)
        assert self._server is not None
        assert self._server.stderr is not None
        self._drain = asyncio.create_task(self._server.stderr.read())
        await self.request(
            "initialize",
            {
                "processId": os.getpid(),
                "rootUri": self.folder.as_uri(),
                "workspaceFolders": [{"uri": self.folder.as_uri(), "name": self.folder.name}],
                "capabilities": {"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": False}}},
                "initializationOptions": {"settings": self.settings},
            },
        )
        seconds = time.perf_counter() - self.started_at
        self.protocol.notify("initialized", {})
        return seconds

    async def request(self, method: str, params: Any = None) -> Any:
        """One request."""
        return await self.protocol.send_request_async(method, params)

    async def search(self, query: str, limit: int = 10) -> Any:
        """``codecontext/search``."""
        return await self.request(Method.SEARCH, {"query": query, "limit": limit})

    def configure(self, settings: dict[str, Any]) -> None:
        """Change the settings, as an editor does that pushes them."""
        self.settings = settings
        self.protocol.notify("workspace/didChangeConfiguration", {"settings": {"codecontext": settings}})

    async def until(self, reached: Callable[[Status], bool]) -> float:
        """Wait for a status; seconds that it took."""
        started = time.perf_counter()
        async with asyncio.timeout(_PATIENCE):
            while not (self.status and self.status["folders"] and reached(self.status)):
                self._changed.clear()
                await self._changed.wait()
        return time.perf_counter() - started

    async def close(self) -> None:
        """Shut the server down."""
        await self.request("shutdown")
        self.protocol.notify("exit")
        await self.stop()  # type: ignore[no-untyped-call]
        await self._drain

    def _keep_status(self, params: Status) -> None:
        self.status = params
        self._changed.set()


def folder_of(status: Status) -> Status:
    """Status of the only folder."""
    folder: Status = status["folders"][0]
    return folder


def is_covered(status: Status) -> bool:
    """Whether all is indexed and nothing is going on."""
    return bool(status["quiescent"] and folder_of(status)["ready"] and folder_of(status)["coverage"] == 1)


@asynccontextmanager
async def editor(
    folder: Path, environment: dict[str, str], settings: dict[str, Any] | None = None
) -> AsyncIterator[Editor]:
    """A server with ``folder`` open."""
    session = Editor(folder, settings or {})
    await session.open(environment)
    try:
        yield session
    finally:
        await session.close()
