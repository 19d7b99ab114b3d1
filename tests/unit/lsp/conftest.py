"""The server without a process of its own: what it is sent is handled here, what it sends is kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lsprotocol.types import PositionEncodingKind
from pygls.workspace import TextDocument, Workspace

from codecontext.lsp.features import register_all
from codecontext.lsp.folders import Folder
from codecontext.lsp.server import CodeContextServer

Open = Callable[[str, str], None]


class Editor:
    """An editor on the other end of the wire."""

    def __init__(self, server: CodeContextServer) -> None:
        self.server = server
        self.received: list[dict[str, Any]] = []
        server.protocol.set_writer(self, include_headers=False)

    def write(self, data: bytes) -> None:
        self.received.append(json.loads(data))

    def close(self) -> None:
        """Nothing to close."""

    def send(self, message: Any) -> None:
        self.server.protocol.handle_message(message)

    def request(self, method: str, params: Any = None, *, id_: Any = 1) -> None:
        self.send({"jsonrpc": "2.0", "id": id_, "method": method, "params": params})

    def notify(self, method: str, params: Any = None) -> None:
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def initialize(self, **params: Any) -> dict[str, Any]:
        """The capabilities of the server."""
        self.request("initialize", {"processId": None, "rootUri": None, "capabilities": {}} | params)
        capabilities: dict[str, Any] = self.received.pop()["result"]["capabilities"]
        return capabilities


@pytest.fixture
def server() -> Iterator[CodeContextServer]:
    """One with all its features."""
    server = CodeContextServer()
    register_all(server)
    yield server
    server.shutdown()


@pytest.fixture
def editor(server: CodeContextServer) -> Editor:
    return Editor(server)


@pytest.fixture
def folder(project: Path) -> Folder:
    return Folder(project.as_uri(), project, "project")


@pytest.fixture
def workspace(folder: Folder, request: pytest.FixtureRequest) -> Workspace:
    """Documents in an editor; an indirect parameter names its position encoding."""
    return Workspace(folder.uri, position_encoding=getattr(request, "param", PositionEncodingKind.Utf16))


@pytest.fixture
def show_document(folder: Folder, workspace: Workspace) -> Open:
    """Open a document, path and text, which need not be what the file says."""

    def put(path: str, text: str) -> None:
        uri = folder.uri_of(path)
        workspace.text_documents[uri] = TextDocument(uri, text, 1, "python")

    return put
