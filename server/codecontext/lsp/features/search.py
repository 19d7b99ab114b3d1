"""``codecontext/search``: find code by a question or a name."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from lsprotocol.types import PROGRESS, ProgressParams

from codecontext.lsp.features.requests import answer, folder_at, in_time
from codecontext.lsp.folders import Folder
from codecontext.lsp.protocol import AnswerState, Method, Range, SearchHit, SearchParams, SearchResult
from codecontext.lsp.server import CodeContextServer
from codecontext.lsp.status import NO_FOLDER
from codecontext.rpc.messages import Answer, Search


def register(server: CodeContextServer) -> None:
    """Add the handler."""

    async def handle(params: SearchParams) -> SearchResult:
        named = [folder_at(server, Method.SEARCH, "folders", uri) for uri in params.folders]
        request = _request(server, params, named)
        if not request.folders:
            return SearchResult(query=params.query, hits=[], states=[], message=NO_FOLDER)
        if params.partial_result_token is None:
            return await ask(server, request, named)
        full = asyncio.ensure_future(ask(server, request, named))
        try:
            await _send_first(server, params.partial_result_token, request, named)
            return await full
        finally:
            full.cancel()

    answer(server, Method.SEARCH, SearchParams, handle)


async def ask(server: CodeContextServer, request: Search, named: Sequence[Folder] = ()) -> SearchResult:
    """Ask the engine, and show its answer as the editor should. ``named`` are the folders that were asked for."""
    return shown(server, request.query, await in_time(server, server.engine.search(request)), named)


async def _send_first(server: CodeContextServer, token: int | str, request: Search, named: Sequence[Folder]) -> None:
    """What words alone find, which takes a few milliseconds whatever the model is doing."""
    first = await ask(server, request.model_copy(update={"lexical_only": True}), named)
    value = first.model_copy(update={"complete": False}).model_dump(mode="json", by_alias=True)
    server.protocol.notify(PROGRESS, ProgressParams(token, value))


def shown(server: CodeContextServer, query: str, found: Answer, named: Sequence[Folder] = ()) -> SearchResult:
    """An answer of the engine's with the places and the text that the editor has, each place once.

    Of a folder inside another one both have an index, and both may answer with the same place. A folder that is open
    by several names is shown by the one that was ``named``.
    """
    documents = server.documents()
    by_key = {folder.key: folder for folder in reversed(named)}
    hits: dict[tuple[str, Range, str], SearchHit] = {}
    for item in found.hits:
        folder = by_key.get(item.folder) or server.folders.by_key(item.folder)
        hit = documents.show(folder, item.hit) if folder is not None else None
        if hit is not None:
            hits.setdefault((hit.uri, hit.range, hit.text), hit)
    return SearchResult(
        query=query,
        hits=list(hits.values()),
        states=[
            AnswerState(folder=folder.uri, **found.states[folder.key].model_dump())
            for folder in server.folders
            if folder.key in found.states
        ],
        message=found.message,
        milliseconds=found.milliseconds,
    )


def _request(server: CodeContextServer, params: SearchParams, named: Sequence[Folder]) -> Search:
    return Search(
        query=params.query,
        folders=tuple(dict.fromkeys(folder.key for folder in named or server.folders)),
        limit=params.limit,
        languages=tuple(params.languages),
        paths=tuple(params.paths),
        kinds=tuple(params.kinds),
    )
