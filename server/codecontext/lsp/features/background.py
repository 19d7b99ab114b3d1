"""What goes on in the background, and how people steer it: status, skipped files, pausing, indexing again."""

from __future__ import annotations

from collections.abc import Sequence

from codecontext.lsp.features.requests import answer, chosen, in_time
from codecontext.lsp.folders import Folder
from codecontext.lsp.protocol import (
    Done,
    FolderParams,
    Method,
    NoParams,
    ReindexParams,
    SkippedFile,
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
        files: list[SkippedFile] = []
        for folder in chosen(server, Method.SKIPPED, params):
            found = await in_time(server, server.engine.skipped(folder.key))
            files += [SkippedFile(folder=folder.uri, **item.model_dump()) for item in found]
        return SkippedResult(files=files)

    async def stop(params: FolderParams) -> Done:
        folders = chosen(server, Method.PAUSE, params)
        await in_time(server, server.pause(folders, paused=True))
        return Done(message=f"Background work is paused for {_names(folders)}.")

    async def go_on(params: FolderParams) -> Done:
        folders = chosen(server, Method.RESUME, params)
        await in_time(server, server.pause(folders, paused=False))
        return Done(message=f"Background work goes on for {_names(folders)}.")

    async def reindex(params: ReindexParams) -> Done:
        folders = chosen(server, Method.REINDEX, params)
        for folder in folders:
            await in_time(server, server.engine.reindex(Reindex(folder=folder.key, force=params.force)))
        how = "is indexed anew" if params.force else "is compared with its index"
        return Done(message=f"{_names(folders)} {how}.")

    answer(server, Method.STATUS, NoParams, status)
    answer(server, Method.SKIPPED, FolderParams, skipped)
    answer(server, Method.PAUSE, FolderParams, stop)
    answer(server, Method.RESUME, FolderParams, go_on)
    answer(server, Method.REINDEX, ReindexParams, reindex)


def _names(folders: Sequence[Folder]) -> str:
    return ", ".join(folder.name for folder in folders) or "no folder"
