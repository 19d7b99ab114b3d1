"""Parameters that make no sense: InvalidParams that names the field, whatever the request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from codecontext.lsp.protocol import Method
from lsp.client import Editor

pytestmark = pytest.mark.asyncio(loop_scope="module")

PLACE = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}

WRONG: list[tuple[Method, Any, str]] = [
    (Method.SEARCH, None, "query"),
    (Method.SEARCH, {}, "query"),
    (Method.SEARCH, {"query": 5}, "query"),
    (Method.SEARCH, {"query": None}, "query"),
    (Method.SEARCH, {"query": "x" * 10_001}, "query"),
    (Method.SEARCH, {"query": "x", "limit": 0}, "limit"),
    (Method.SEARCH, {"query": "x", "limit": 201}, "limit"),
    (Method.SEARCH, {"query": "x", "limit": "many"}, "limit"),
    (Method.SEARCH, {"query": "x", "limits": 5}, "limits"),
    (Method.SEARCH, {"query": "x", "languages": "python"}, "languages"),
    (Method.SEARCH, {"query": "x", "languages": [1]}, "languages.0"),
    (Method.SEARCH, {"query": "x", "paths": ["a"] * 101}, "paths"),
    (Method.SEARCH, {"query": "x", "folders": ["file:///nowhere"]}, "folders"),
    (Method.SEARCH, {"query": "x", "folders": [""]}, "folders"),
    (Method.SEARCH, {"query": "x", "partialResultToken": {"no": "token"}}, "partialResultToken"),
    (Method.SEARCH, {"query": "kind:novel lock"}, "query"),
    (Method.SEARCH, {"query": "\ud800"}, "query"),
    (Method.SEARCH, {"query": "x", "kinds": ["novel"]}, "kinds"),
    (Method.FIND_SIMILAR, {}, "uri"),
    (Method.FIND_SIMILAR, {"uri": "file:///nowhere/else.py", "range": PLACE}, "uri"),
    (Method.FIND_SIMILAR, {"uri": "untitled:Untitled-1", "range": PLACE}, "uri"),
    (Method.FIND_SIMILAR, {"uri": "app/missing.py", "range": PLACE}, "uri"),
    (Method.FIND_SIMILAR, {"uri": "app/locks.py"}, "range"),
    (Method.FIND_SIMILAR, {"uri": "app/locks.py", "range": {"start": {"line": 0}}}, "range"),
    (
        Method.FIND_SIMILAR,
        {"uri": "app/locks.py", "range": PLACE | {"start": {"line": -1, "character": 0}}},
        "range.start.line",
    ),
    (
        Method.FIND_SIMILAR,
        {"uri": "app/locks.py", "range": PLACE | {"start": {"line": 3, "character": 0}}},
        "range",
    ),
    (
        Method.FIND_SIMILAR,
        {
            "uri": "app/locks.py",
            "range": {"start": {"line": 999, "character": 0}, "end": {"line": 999, "character": 0}},
        },
        "range",
    ),
    (Method.STATUS, {"verbose": True}, "verbose"),
    (Method.SKIPPED, {"folder": 1}, "folder"),
    (Method.ADAPTERS, {"folder": "file:///nowhere"}, "folder"),
    (Method.RELOAD_ADAPTER, {"folder": "nowhere"}, "folder"),
    (Method.REINDEX, {"force": "perhaps"}, "force"),
    (Method.PAUSE, {"folders": []}, "folders"),
    (Method.RESUME, {"folder": ["file:///nowhere"]}, "folder"),
]


@pytest.mark.parametrize(("method", "params", "field"), WRONG, ids=lambda value: str(value)[:50])
@pytest.mark.parametrize("by_command", [False, True], ids=["request", "command"])
async def test_the_field_is_named(
    editor: Editor, project: Path, method: Method, params: Any, field: str, by_command: bool
) -> None:
    if isinstance(params, dict) and str(params.get("uri", "")).startswith("app/"):
        params = {**params, "uri": (project / params["uri"]).as_uri()}
    name = method.removeprefix("codecontext/")
    with pytest.raises(JsonRpcException) as refusal:
        await (editor.command(name, params) if by_command else editor.ask(method, params))
    assert refusal.value.code == types.ErrorCodes.InvalidParams
    fields = [fault["field"] for fault in refusal.value.data["fields"]]
    assert any(f"{named}.".startswith(f"{field}.") for named in fields), fields
    assert refusal.value.message


@pytest.mark.parametrize("params", [[], ["lock"], "lock", 5, True, [[]]])
async def test_parameters_that_are_no_object(editor: Editor, params: Any) -> None:
    with pytest.raises(JsonRpcException) as refusal:
        await editor.ask(Method.SEARCH, params)
    assert refusal.value.code == types.ErrorCodes.InvalidParams


async def test_a_command_takes_one_argument(editor: Editor) -> None:
    with pytest.raises(JsonRpcException, match="one argument") as refusal:
        await editor.command("search", {"query": "lock"}, {"limit": 3})
    assert refusal.value.code == types.ErrorCodes.InvalidParams


async def test_an_unknown_command_is_refused(editor: Editor) -> None:
    with pytest.raises(JsonRpcException) as refusal:
        await editor.command("makeCoffee")
    assert refusal.value.code == types.ErrorCodes.InvalidParams


async def test_an_unknown_request_is_refused(editor: Editor) -> None:
    with pytest.raises(JsonRpcException) as refusal:
        await editor.ask("codecontext/makeCoffee", {})
    assert refusal.value.code == types.ErrorCodes.MethodNotFound


@pytest.mark.parametrize("query", ["", "   ", "\n", "lang:python", '"', "\0", "🎉" * 100, "x" * 10_000])
async def test_a_strange_query_is_answered(editor: Editor, query: str) -> None:
    result = await editor.search(query)
    assert result["query"] == query
    assert result["hits"] or result["message"]
