"""Adapters: which there are, and loading them again."""

from __future__ import annotations

from codecontext.lsp.features.requests import answer, chosen, in_time
from codecontext.lsp.protocol import AdaptersResult, Done, FolderParams, FoundAdapter, Method
from codecontext.lsp.server import CodeContextServer


def register(server: CodeContextServer) -> None:
    """Add the handlers."""

    async def adapters(params: FolderParams) -> AdaptersResult:
        found: list[FoundAdapter] = []
        for folder in chosen(server, Method.ADAPTERS, params):
            there = await in_time(server, server.engine.adapters(folder.key))
            found += [FoundAdapter(folder=folder.uri, **item.model_dump()) for item in there]
        return AdaptersResult(adapters=found)

    async def reload_adapter(params: FolderParams) -> Done:
        folders = chosen(server, Method.RELOAD_ADAPTER, params)
        for folder in folders:
            await in_time(server, server.engine.reload_adapter(folder.key))
        return Done(message="Settings and adapter are read again; the status says what came of it.")

    answer(server, Method.ADAPTERS, FolderParams, adapters)
    answer(server, Method.RELOAD_ADAPTER, FolderParams, reload_adapter)
