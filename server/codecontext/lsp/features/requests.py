"""How our own requests are handled: parameters checked, results dumped, each a command as well."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel
from pygls.exceptions import JsonRpcInvalidParams

from codecontext.core.errors import EngineUnavailable
from codecontext.core.messages import Message
from codecontext.lsp.errors import as_responses, checked, invalid_field, short
from codecontext.lsp.folders import Folder, path_of
from codecontext.lsp.protocol import COMMAND_PREFIX, FolderParams, Method
from codecontext.lsp.server import CodeContextServer

Params = TypeVar("Params", bound=BaseModel)
Answer = TypeVar("Answer")

_PATIENCE_SECONDS = 45.0
"""A starting engine takes two or three seconds, one that crashed often longer; then the editor is told why."""


def register_request(
    server: CodeContextServer, method: Method, model: type[Params], handle: Callable[[Params], Awaitable[Message]]
) -> None:
    """Handle ``method``, and the command of the same name with the parameters as its only argument."""

    async def request(params: Any) -> Any:
        with as_responses(method):
            result = await handle(checked(model, method, params))
            return result.model_dump(mode="json", by_alias=True)

    async def command(*arguments: Any) -> Any:
        if len(arguments) > 1:
            raise JsonRpcInvalidParams(f"{name} takes one argument, its parameters, not {len(arguments)}.")
        return await request(arguments[0] if arguments else None)

    name = COMMAND_PREFIX + method.removeprefix("codecontext/")
    server.feature(method)(request)
    server.command(name)(command)


async def in_time(server: CodeContextServer, work: Awaitable[Answer]) -> Answer:
    """The engine's result. Raises ``EngineUnavailable``, with what the engine is doing, when it takes too long."""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await work
    except TimeoutError:
        engine = server.engine
        raise EngineUnavailable(
            f"The engine did not respond within {_PATIENCE_SECONDS:.0f} seconds; it is {engine.state}."
            f" {engine.message}",
            "Try again in a moment; codecontext/status shows when it is ready.",
        ) from None


def holder(server: CodeContextServer, method: Method, uri: str) -> tuple[Folder, Path]:
    """The innermost open folder that holds a document, and where the document is. Raises ``JsonRpcInvalidParams``."""
    path = path_of(uri)
    found = server.folders.holding(path) if path else None
    if path is None or found is None:
        raise invalid_field(method, "uri", f"'{short(uri)}' is in no open workspace folder.")
    return found[0], path


def chosen(server: CodeContextServer, method: Method, params: FolderParams) -> list[Folder]:
    """The folder that the parameters name, or all, each place once. Raises ``JsonRpcInvalidParams``."""
    return server.folders.places() if params.folder is None else [folder_at(server, method, "folder", params.folder)]


def folder_at(server: CodeContextServer, method: Method, field: str, uri: str) -> Folder:
    """The open folder with this URI. Raises ``JsonRpcInvalidParams``."""
    folder = server.folders.by_uri(uri)
    if folder is None:
        known = ", ".join(folder.uri for folder in server.folders) or "none"
        raise invalid_field(method, field, f"'{short(uri)}' is not an open workspace folder; open folders: {known}.")
    return folder
