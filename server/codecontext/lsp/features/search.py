"""``codecontext/search``: find code by a question or a name."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from lsprotocol.types import PROGRESS, ProgressParams

from codecontext.lsp.features.requests import folder_at, in_time, register_request
from codecontext.lsp.folders import Folder
from codecontext.lsp.protocol import Method, Range, SearchHit, SearchParams, SearchResult
from codecontext.lsp.server import CodeContextServer
from codecontext.lsp.status import NO_FOLDER
from codecontext.rpc.messages import Search, SearchRequest
from codecontext.search.results import Results, SearchResponse


def register(server: CodeContextServer) -> None:
    """Add the handler."""

    async def handle(params: SearchParams) -> SearchResult:
        named = [folder_at(server, Method.SEARCH, "folders", uri) for uri in params.folders]
        request = _request(server, params, named)
        if not request.folders:
            return SearchResult(query=params.query, hits=[], states=[], message=NO_FOLDER)
        if params.partial_result_token is None:
            return await run_search(server, request, named)
        full = asyncio.ensure_future(run_search(server, request, named))
        try:
            await _send_first(server, params.partial_result_token, request, named)
            return await full
        finally:
            full.cancel()

    register_request(server, Method.SEARCH, SearchParams, handle)


async def run_search(server: CodeContextServer, request: Search, named: Sequence[Folder] = ()) -> SearchResult:
    """Search, with the results as the editor should show them; ``named`` are the folders that were asked for."""
    return shown(server, await in_time(server, server.engine.search(request)), named)


async def _send_first(server: CodeContextServer, token: int | str, request: Search, named: Sequence[Folder]) -> None:
    """Keyword results, which take a few milliseconds whatever the model is doing."""
    first = await run_search(server, request.model_copy(update={"lexical_only": True}), named)
    value = first.model_copy(update={"complete": False}).model_dump(mode="json", by_alias=True)
    server.protocol.notify(PROGRESS, ProgressParams(token, value))


def shown(server: CodeContextServer, found: SearchResponse, named: Sequence[Folder] = ()) -> SearchResult:
    """The engine's results with the places and the text that the editor has, each place once.

    A folder inside another open one has an index of its own, so both may find the same place. A folder that is open
    under several names is shown under the one that was ``named``.
    """
    documents = server.documents()
    by_key = {folder.key: folder for folder in reversed(named)}
    hits: dict[tuple[str, Range, str], SearchHit] = {}
    for each in found.hits:
        folder = by_key.get(each.folder) or server.folders.by_key(each.folder)
        hit = documents.show(folder, each) if folder is not None else None
        if hit is not None:
            hits.setdefault((hit.uri, hit.range, hit.text), hit)
    by_folder = {state.folder: state for state in found.states}
    states = [
        by_folder[folder.key].model_copy(update={"folder": folder.uri})
        for folder in server.folders
        if folder.key in by_folder
    ]
    shared = {name: value for name, value in found if name in Results.model_fields}
    return SearchResult(**shared | {"states": states}, hits=list(hits.values()))


def _request(server: CodeContextServer, params: SearchParams, named: Sequence[Folder]) -> Search:
    keys = list(dict.fromkeys(folder.key for folder in named or server.folders))
    return Search(**params.model_dump(include=set(SearchRequest.model_fields)) | {"folders": keys})
