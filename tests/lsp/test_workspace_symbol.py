"""``workspace/symbol``: by name and by meaning, where the editor shows what the server finds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from lsp.client import Editor, opened

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def symbols(editor: Editor, query: str) -> list[types.WorkspaceSymbol]:
    found = await editor.ask(types.WORKSPACE_SYMBOL, types.WorkspaceSymbolParams(query))
    return list(found)


async def test_a_name(editor: Editor, project: Path) -> None:
    best = (await symbols(editor, "release_lock"))[0]
    lines = (project / "app/locks.py").read_text(encoding="utf-8").split("\n")
    assert (best.name, best.kind) == ("release_lock", types.SymbolKind.Function)
    assert isinstance(best.location, types.Location)
    assert best.location.uri == (project / "app/locks.py").as_uri()
    span = best.location.range
    assert lines[span.start.line][span.start.character : span.end.character] == "release_lock"
    assert best.container_name


async def test_a_question(editor: Editor) -> None:
    assert (await symbols(editor, "mutual exclusion between processes"))[0].name in {"hold_lock", "release_lock"}


@pytest.mark.parametrize("query", ["", "  "])
async def test_no_question_no_answer(editor: Editor, query: str) -> None:
    assert await symbols(editor, query) == []


@pytest.mark.parametrize(
    ("client", "options", "offered"),
    [
        ("Neovim", None, True),
        ("Visual Studio Code", None, False),
        ("VSCodium", None, False),
        ("Visual Studio Code", {"workspaceSymbols": True}, True),
        ("Neovim", {"workspaceSymbols": False}, False),
        ("Neovim", {"workspaceSymbols": "perhaps"}, True),
    ],
)
async def test_where_it_is_offered(client: str, options: dict[str, Any] | None, offered: bool) -> None:
    async with opened(client=client, options=options) as editor:
        assert bool(editor.server_capabilities.workspace_symbol_provider) == offered
        if offered:
            assert await symbols(editor, "lock") == []
        else:
            with pytest.raises(JsonRpcException) as refusal:
                await symbols(editor, "lock")
            assert refusal.value.code == types.ErrorCodes.MethodNotFound
