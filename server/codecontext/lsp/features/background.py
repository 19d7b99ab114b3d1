"""Background work and its controls: status, skipped files, pausing, reindexing."""

from __future__ import annotations

from collections.abc import Sequence

from codecontext.lsp.features.requests import chosen, in_time, register_request
from codecontext.lsp.folders import Folder
from codecontext.lsp.protocol import (
    Done,
    FolderParams,
    Method,
    NoParams,
    ReindexParams,
    SkippedInFolder,
    SkippedResult,
    Status,
)
from codecontext.lsp.server import CodeContextServer
from codecontext.rpc.messages import Reindex


def register(server: CodeContextServer) -> None:
    """Add the handlers."""

    async def status(_params: NoParams) -> Status:
        return server.status()

    async def skipped(params: FolderParams) -> SkippedResult:
        files: list[SkippedInFolder] = []
        for folder in chosen(server, Method.SKIPPED, params):
            found = await in_time(server, server.engine.skipped(folder.key))
            files += [SkippedInFolder(folder=folder.uri, **dict(item)) for item in found]
        return SkippedResult(files=files)

    async def pause(params: FolderParams) -> Done:
        folders = chosen(server, Method.PAUSE, params)
        await in_time(server, server.pause(folders, paused=True))
        return Done(message=f"Background work is paused for {_names(folders)}.")

    async def resume(params: FolderParams) -> Done:
        folders = chosen(server, Method.RESUME, params)
        await in_time(server, server.pause(folders, paused=False))
        return Done(message=f"Background work resumed for {_names(folders)}.")

    async def reindex(params: ReindexParams) -> Done:
        folders = chosen(server, Method.REINDEX, params)
        for folder in folders:
            await in_time(server, server.engine.reindex(Reindex(folder=folder.key, force=params.force)))
        verb = "Rebuilding the index of" if params.force else "Rescanning"
        return Done(message=f"{verb} {_names(folders)}.")

    register_request(server, Method.STATUS, NoParams, status)
    register_request(server, Method.SKIPPED, FolderParams, skipped)
    register_request(server, Method.PAUSE, FolderParams, pause)
    register_request(server, Method.RESUME, FolderParams, resume)
    register_request(server, Method.REINDEX, ReindexParams, reindex)


def _names(folders: Sequence[Folder]) -> str:
    return ", ".join(folder.name for folder in folders) or "no folder"
