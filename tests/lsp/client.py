"""An editor for the tests: pytest-lsp's client, which remembers what the server said and can wait for it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import psutil
from lsprotocol import types
from lsprotocol.converters import get_converter
from pygls.exceptions import JsonRpcMethodNotFound
from pygls.protocol import default_converter
from pytest_lsp import ClientServerConfig, LanguageClient
from pytest_lsp.client import DEFAULT_CLIENT_FEATURES, register_lsp_features
from pytest_lsp.protocol import LanguageClientProtocol

from codecontext.lsp.protocol import Method
from codecontext.rpc.transport import PlainMessage, PlainNotification, PlainResponse

SERVER = [sys.executable, "-m", "codecontext.cli", "serve"]
PATIENCE = 120.0
"""Seconds until a wait is given up: the machine may be busy."""

Json = dict[str, Any]


def capabilities(name: str) -> types.ClientCapabilities:
    """What an editor said it can do, as recorded from it."""
    file = Path(__file__).parent / "capabilities" / f"{name}.json"
    return get_converter().structure(json.loads(file.read_text(encoding="utf-8")), types.ClientCapabilities)


class _Protocol(LanguageClientProtocol):
    """Our own messages stay as JSON has them, so that the tests see what is on the wire."""

    @lru_cache  # noqa: B019 - one protocol lives as long as its client
    def get_message_type(self, method: str) -> type[Any] | None:
        if method == Method.STATUS_CHANGED:
            return PlainNotification
        return PlainMessage if method.startswith("codecontext/") else super().get_message_type(method)

    @lru_cache  # noqa: B019
    def get_result_type(self, method: str) -> type[Any] | None:
        own = method.startswith("codecontext/") or method == types.WORKSPACE_EXECUTE_COMMAND
        return PlainResponse if own else super().get_result_type(method)


class Editor(LanguageClient):
    """One server process and all that it said. ``refused`` are requests of the server's that are not answered."""

    def __init__(self) -> None:
        super().__init__(protocol_cls=_Protocol, converter_factory=default_converter)
        self.server_capabilities = types.ServerCapabilities()
        self.statuses: list[Json] = []
        self.progress: defaultdict[str | int, list[Any]] = defaultdict(list)
        """Values of ``$/progress`` by token."""
        self.created: list[str | int] = []
        self.registered: dict[str, types.Registration] = {}
        self.requested: list[str] = []
        """Requests of the server's, in order."""
        self.refused: set[str] = set()
        self.gone = asyncio.Event()
        """Set when the process has ended."""
        self._news = asyncio.Event()
        register_lsp_features(self, DEFAULT_CLIENT_FEATURES | _FEATURES)

    # -- what the editor says --------------------------------------------------------------------------------

    async def ask(self, method: str, params: Any = None) -> Any:
        """One request. Raises ``JsonRpcException`` for what the server refuses."""
        return await asyncio.wait_for(self.protocol.send_request_async(method, params), PATIENCE)

    async def search(self, query: str, **params: Any) -> Json:
        """``codecontext/search``."""
        result: Json = await self.ask(Method.SEARCH, {"query": query, **params})
        return result

    async def command(self, name: str, *arguments: Any) -> Any:
        """``workspace/executeCommand``."""
        params = types.ExecuteCommandParams(f"codecontext.server.{name}", list(arguments) if arguments else None)
        return await self.ask(types.WORKSPACE_EXECUTE_COMMAND, params)

    def say(self, method: str, params: Any = None) -> None:
        """One notification."""
        self.protocol.notify(method, params)

    def configure(self, settings: Json) -> None:
        """Push settings."""
        params = types.DidChangeConfigurationParams(settings={"codecontext": settings})
        self.workspace_did_change_configuration(params)

    def open(self, file: Path, text: str | None = None, version: int = 1) -> None:
        """Open a document, with other text than the file's if so wanted."""
        shown = file.read_text(encoding="utf-8") if text is None else text
        item = types.TextDocumentItem(file.as_uri(), "python", version, shown)
        self.text_document_did_open(types.DidOpenTextDocumentParams(item))

    def change(self, file: Path, text: str, version: int = 2) -> None:
        """Replace the whole text of an open document."""
        self.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(version, file.as_uri()),
                [types.TextDocumentContentChangeWholeDocument(text)],
            )
        )

    def save(self, file: Path, text: str) -> None:
        """Write a file and say so, as an editor does."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        self.text_document_did_save(types.DidSaveTextDocumentParams(types.TextDocumentIdentifier(file.as_uri())))

    def close_document(self, file: Path) -> None:
        """Close a document."""
        document = types.TextDocumentIdentifier(file.as_uri())
        self.text_document_did_close(types.DidCloseTextDocumentParams(document))

    def watched(self, changes: Mapping[Path, types.FileChangeType]) -> None:
        """Tell of changed files, as an editor does that watches."""
        events = [types.FileEvent(file.as_uri(), kind) for file, kind in changes.items()]
        self.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(events))

    def change_folders(self, added: Iterable[Path] = (), removed: Iterable[Path] = ()) -> None:
        """Add folders to the workspace and remove others."""
        event = types.WorkspaceFoldersChangeEvent([folder_of(each) for each in added], [folder_of(e) for e in removed])
        self.workspace_did_change_workspace_folders(types.DidChangeWorkspaceFoldersParams(event))

    # -- what it waits for -----------------------------------------------------------------------------------

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait for messages of the server's until ``reached``."""
        async with asyncio.timeout(PATIENCE):
            while not reached():
                self._news.clear()
                await self._news.wait()

    async def status_that(self, holds: Callable[[Json], bool], *, after: int = 0) -> Json:
        """The first status since the one of this number that is as ``holds`` says."""
        found: list[Json] = []
        looked = after

        def reached() -> bool:
            nonlocal looked
            new, looked = self.statuses[looked:], len(self.statuses)
            found.extend(status for status in new if holds(status))
            return bool(found)

        try:
            await self.until(reached)
        except TimeoutError:
            raise AssertionError(f"No such status; the last one was {self.statuses[-1:]}.") from None
        return found[0]

    async def settled(self, *, after: int | None = None) -> Json:
        """The status when all is indexed and nothing goes on. Looks at what comes from now on, or after a number."""
        if after is None and self.statuses and is_settled(self.statuses[-1]):
            return self.statuses[-1]
        return await self.status_that(is_settled, after=after if after is not None else len(self.statuses))

    async def finds(self, query: str, wanted: Callable[[Json], bool], **params: Any) -> Json:
        """Ask again with every status, until an answer is as wanted."""
        async with asyncio.timeout(PATIENCE):
            while True:
                seen = len(self.statuses)
                result = await self.search(query, **params)
                if wanted(result):
                    return result
                await self.until(lambda seen=seen: len(self.statuses) > seen)

    @property
    def process(self) -> psutil.Process:
        """The server's process."""
        assert self._server is not None
        return psutil.Process(self._server.pid)

    async def server_exit(self, server: asyncio.subprocess.Process) -> None:
        await super().server_exit(server)
        self.gone.set()
        self._news.set()

    async def close(self) -> None:
        """Shut the server down and see that it ends. Raises what went wrong in between."""
        try:
            if not self.gone.is_set() and self.error is None:
                async with asyncio.timeout(PATIENCE):
                    await self.shutdown_session()
        finally:
            if self._server is not None and self._server.returncode is None:
                self._server.kill()
            await self.stop()
        if self.error is not None:
            raise self.error

    def heard(self) -> None:
        """Something came from the server."""
        self._news.set()

    def asked(self, method: str) -> None:
        """The server asked for something. Raises what refuses it."""
        self.requested.append(method)
        self.heard()
        if method in self.refused:
            raise JsonRpcMethodNotFound.of(method)


def _status_changed(client: Editor, params: Json) -> None:
    client.statuses.append(params)
    client.heard()


def _progressed(client: Editor, params: types.ProgressParams) -> None:
    client.progress[params.token].append(params.value)
    client.heard()


def _progress_created(client: Editor, params: types.WorkDoneProgressCreateParams) -> None:
    client.asked(types.WINDOW_WORK_DONE_PROGRESS_CREATE)
    assert params.token not in client.created, "A token is used once only."
    client.created.append(params.token)


def _registered(client: Editor, params: types.RegistrationParams) -> None:
    client.asked(types.CLIENT_REGISTER_CAPABILITY)
    for registration in params.registrations:
        assert registration.id not in client.registered, "Registered already."
        client.registered[registration.id] = registration


def _unregistered(client: Editor, params: types.UnregistrationParams) -> None:
    client.asked(types.CLIENT_UNREGISTER_CAPABILITY)
    for each in params.unregisterations:
        del client.registered[each.id]


def _asked_for_configuration(client: Editor, params: types.ConfigurationParams) -> list[Any]:
    client.asked(types.WORKSPACE_CONFIGURATION)
    return [client.get_configuration(section=item.section, scope_uri=item.scope_uri) for item in params.items]


_FEATURES: dict[str, Any] = {
    Method.STATUS_CHANGED: _status_changed,
    types.PROGRESS: _progressed,
    types.WINDOW_WORK_DONE_PROGRESS_CREATE: _progress_created,
    types.CLIENT_REGISTER_CAPABILITY: _registered,
    types.CLIENT_UNREGISTER_CAPABILITY: _unregistered,
    types.WORKSPACE_CONFIGURATION: _asked_for_configuration,
}


@asynccontextmanager
async def started(environment: Mapping[str, str] | None = None) -> AsyncIterator[Editor]:
    """A server process to which nothing was said yet."""
    config = ClientServerConfig(
        server_command=SERVER, client_factory=Editor, server_env=dict(os.environ | (environment or {}))
    )
    editor = await config.start()
    assert isinstance(editor, Editor)
    try:
        yield editor
    finally:
        await editor.close()


@asynccontextmanager
async def opened(
    *folders: Path,
    can: types.ClientCapabilities | None = None,
    settings: Json | None = None,
    options: Json | None = None,
    client: str = "pytest",
    environment: Mapping[str, str] | None = None,
    prepare: Callable[[Editor], None] = lambda _editor: None,
) -> AsyncIterator[Editor]:
    """A server with these folders open; ``can`` are the editor's capabilities, ``settings`` its first ones."""
    said = {**({"settings": settings} if settings else {}), **(options or {})}
    async with started(environment) as editor:
        prepare(editor)
        params = types.InitializeParams(
            capabilities=can or types.ClientCapabilities(),
            client_info=types.ClientInfo(client),
            workspace_folders=[folder_of(folder) for folder in folders],
            initialization_options=said or None,
        )
        result = await asyncio.wait_for(editor.initialize_session(params), PATIENCE)
        editor.server_capabilities = result.capabilities
        yield editor


def folder_of(path: Path) -> types.WorkspaceFolder:
    """A folder as editors name it."""
    return types.WorkspaceFolder(path.as_uri(), path.name)


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Write files, path → text, into a folder."""
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


def is_settled(status: Json) -> bool:
    """Whether everything is indexed and nothing goes on."""
    return bool(
        status["quiescent"]
        and status["folders"]
        and all(folder["ready"] and folder["coverage"] == 1 for folder in status["folders"])
    )


def symbols(result: Json) -> list[str]:
    """Names of the hits, best first."""
    return [hit["symbol"] for hit in result["hits"]]


def paths(result: Json) -> list[str]:
    """Paths of the hits, best first."""
    return [hit["path"] for hit in result["hits"]]


async def ended(pid: int) -> None:
    """Wait until a process is gone, without asking again and again where the system can tell."""
    async with asyncio.timeout(PATIENCE):
        await asyncio.to_thread(_wait_for_end, pid)


def _wait_for_end(pid: int) -> None:
    try:
        psutil.Process(pid).wait(PATIENCE)
    except psutil.NoSuchProcess:
        return
