"""``workspace/symbol``: the editor's own symbol search takes a name or a question."""

from __future__ import annotations

from pathlib import PurePosixPath

from lsprotocol import types

from codecontext.core.printable import printable
from codecontext.lsp.errors import as_responses
from codecontext.lsp.features.search import run_search
from codecontext.lsp.protocol import SearchHit
from codecontext.lsp.server import CodeContextServer
from codecontext.rpc.messages import Search

_FILTERS_BY_NAME = frozenset(
    {"Visual Studio Code", "Visual Studio Code - Insiders", "VSCodium", "code-server", "Cursor"}
)
"""Editors that filter the results by name once more, so that nothing found by meaning is left."""

_KINDS = {
    "function": types.SymbolKind.Function,
    "method": types.SymbolKind.Method,
    "class": types.SymbolKind.Class,
    "module": types.SymbolKind.Module,
    "section": types.SymbolKind.String,
    "block": types.SymbolKind.File,
}
_LIMIT = 50


def register(server: CodeContextServer) -> None:
    """Nothing yet: only ``initialize`` tells whether to offer it."""


def are_wanted(server: CodeContextServer, client: types.ClientInfo | None) -> bool:
    """Whether this editor shows what the server finds."""
    wanted = server.options.workspace_symbols
    return wanted if wanted is not None else client is None or client.name not in _FILTERS_BY_NAME


def offer(server: CodeContextServer) -> None:
    """Add the handler."""

    @server.feature(types.WORKSPACE_SYMBOL)
    async def symbols(params: types.WorkspaceSymbolParams) -> list[types.WorkspaceSymbol]:
        with as_responses(types.WORKSPACE_SYMBOL):
            folders = [folder.key for folder in server.folders.places()]
            if not folders or not params.query.strip():
                return []
            result = await run_search(server, Search(query=params.query, folders=folders, limit=_LIMIT))
            return list(map(_symbol, result.hits))


def _symbol(hit: SearchHit) -> types.WorkspaceSymbol:
    start = hit.selection_range.start
    end = hit.selection_range.end
    return types.WorkspaceSymbol(
        name=printable(hit.symbol) or printable(f"{PurePosixPath(hit.path).name}:{start.line + 1}"),
        kind=_KINDS.get(hit.kind, types.SymbolKind.Object),
        location=types.Location(
            hit.uri,
            types.Range(types.Position(start.line, start.character), types.Position(end.line, end.character)),
        ),
        container_name=_around(hit),
    )


def _around(hit: SearchHit) -> str:
    """What contains a symbol: the class of a method, else the file."""
    outer = hit.qualified_name.removesuffix(hit.symbol).rstrip(".:#/ ")
    return printable(outer or hit.path)
