"""``codecontext/opened``: queries and opened hits, logged for training where the user allows it."""

from __future__ import annotations

from codecontext.lsp.features.requests import holder, in_time, register_request
from codecontext.lsp.protocol import Done, Method, OpenedParams
from codecontext.lsp.server import CodeContextServer
from codecontext.rpc.messages import Opened

_KEPT = "The query and the hit were recorded on this machine, for training adapters."
_NOT_KEPT = "Nothing was recorded: the setting search.keep_log is off."
_NOT_SAVED = "Nothing was recorded: the lines are not saved."


def register(server: CodeContextServer) -> None:
    """Add the handler."""

    async def handle(params: OpenedParams) -> Done:
        folder, path = holder(server, Method.OPENED, params.uri)
        first, last = params.range.start.line, params.range.end.line + 1
        unsaved = server.documents().unsaved(path)
        span = (first, last) if unsaved is None else unsaved.to_file.span(first, last)
        if span is None:
            return Done(message=_NOT_SAVED)
        opened = Opened(
            folder=folder.key,
            query=params.query,
            path=folder.relative(path),
            start_line=span[0] + 1,
            end_line=span[1],
        )
        is_kept = await in_time(server, server.engine.opened(opened))
        return Done(message=_KEPT if is_kept else _NOT_KEPT)

    register_request(server, Method.OPENED, OpenedParams, handle)
