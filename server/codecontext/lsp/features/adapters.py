"""Adapters: listing and reloading them."""

from __future__ import annotations

from codecontext.lsp.features.requests import chosen, in_time, register_request
from codecontext.lsp.protocol import AdaptersResult, Done, FolderParams, Method
from codecontext.lsp.server import CodeContextServer
from codecontext.rpc.messages import FoundAdapter


def register(server: CodeContextServer) -> None:
    """Add the handlers."""

    async def adapters(params: FolderParams) -> AdaptersResult:
        found: list[FoundAdapter] = []
        for folder in chosen(server, Method.ADAPTERS, params):
            there = await in_time(server, server.engine.adapters(folder.key))
            found += [adapter.model_copy(update={"folder": folder.uri}) for adapter in there]
        return AdaptersResult(adapters=found)

    async def reload_adapter(params: FolderParams) -> Done:
        folders = chosen(server, Method.RELOAD_ADAPTER, params)
        for folder in folders:
            await in_time(server, server.engine.reload_adapter(folder.key))
        return Done(message="Reloading settings and adapter; the status shows the outcome.")

    register_request(server, Method.ADAPTERS, FolderParams, adapters)
    register_request(server, Method.RELOAD_ADAPTER, FolderParams, reload_adapter)
