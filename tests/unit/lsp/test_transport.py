"""Whatever arrives is answered, or dropped where nobody waits for an answer."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from lsprotocol.types import ConfigurationParams
from pygls.exceptions import JsonRpcException

from codecontext.lsp.buffers import MAX_CHARACTERS

from .conftest import Editor

INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS, NOT_INITIALIZED = -32600, -32601, -32602, -32002


def refused(editor: Editor) -> tuple[Any, int]:
    """Id and code of the only answer."""
    (answer,) = editor.received
    editor.received.clear()
    assert answer["error"]["message"]
    return answer["id"], answer["error"]["code"]


@pytest.fixture
def ready(editor: Editor) -> Editor:
    """An editor that has said ``initialize``, and no more."""
    editor.initialize()
    return editor


@pytest.mark.parametrize(
    ("message", "id_"),
    [
        ([], None),
        ("text", None),
        (7, None),
        (None, None),
        ({}, None),
        ({"id": 3, "method": "codecontext/status"}, 3),
        ({"jsonrpc": "1.0", "id": 3, "method": "codecontext/status"}, 3),
        ({"jsonrpc": "2.0", "id": 3, "method": 5}, 3),
        ({"jsonrpc": "2.0", "id": None, "method": "codecontext/status"}, None),
        ({"jsonrpc": "2.0", "id": True, "method": "codecontext/status"}, None),
        ({"jsonrpc": "2.0", "id": [1], "method": "codecontext/status"}, None),
        ([{"jsonrpc": "2.0", "id": 3, "method": "codecontext/status"}], None),
    ],
    ids=str,
)
def test_what_is_no_message_is_refused(message: Any, id_: Any, ready: Editor) -> None:
    ready.send(message)
    assert refused(ready) == (id_, INVALID_REQUEST)


def test_requests_wait_for_initialize(editor: Editor) -> None:
    for number, method in enumerate(["codecontext/search", "shutdown", "workspace/symbol", "no/such"]):
        editor.request(method, {}, id_=number)
        assert refused(editor) == (number, NOT_INITIALIZED)


def test_notifications_before_initialize_are_dropped(editor: Editor) -> None:
    editor.notify("initialized", {})
    editor.notify("textDocument/didSave", {"textDocument": {"uri": "file:///a.py"}})
    assert editor.received == []
    assert editor.server.watching is None


def test_initialize_comes_once(ready: Editor) -> None:
    ready.request("initialize", {"processId": None, "rootUri": None, "capabilities": {}}, id_=2)
    assert refused(ready) == (2, INVALID_REQUEST)


def test_an_initialize_that_cannot_be_read_may_be_said_again(editor: Editor) -> None:
    editor.request("initialize", {"processId": None, "rootUri": None})
    assert refused(editor) == (1, INVALID_PARAMS)
    assert editor.initialize()["executeCommandProvider"]["commands"]


async def test_nothing_is_begun_after_shutdown(ready: Editor) -> None:
    ready.request("shutdown", id_=2)
    async with asyncio.timeout(20):
        while not ready.received:
            await asyncio.sleep(0)
    assert ready.received.pop() == {"jsonrpc": "2.0", "id": 2, "result": None}
    ready.request("codecontext/status", id_="late")
    assert refused(ready) == ("late", INVALID_REQUEST)


def test_an_unknown_method_is_refused(ready: Editor) -> None:
    ready.request("no/such", {}, id_="text")
    assert refused(ready) == ("text", METHOD_NOT_FOUND)


def test_parameters_of_the_protocol_that_cannot_be_read_are_named(ready: Editor) -> None:
    ready.request("workspace/executeCommand", {"arguments": []}, id_=5)
    (answer,) = ready.received
    assert (answer["id"], answer["error"]["code"]) == (5, INVALID_PARAMS)
    assert "command" in answer["error"]["message"]
    assert answer["error"]["data"]["problems"]


def test_a_notification_that_cannot_be_read_is_dropped(ready: Editor) -> None:
    ready.notify("textDocument/didOpen", {"textDocument": {"uri": "file:///a.py"}})
    ready.notify("textDocument/didOpen", "text")
    assert ready.received == []
    assert ready.server.workspace.text_documents == {}


@pytest.mark.parametrize("method", ["codecontext/search", "codecontext/status", "no/such", "$/no/such"])
def test_a_request_without_an_id_has_no_answer(method: str, ready: Editor) -> None:
    ready.notify(method, {})
    assert ready.received == []


@pytest.mark.parametrize("id_", [7, "unknown", None, 1.5])
def test_an_answer_to_no_question_is_dropped(id_: Any, ready: Editor) -> None:
    ready.send({"jsonrpc": "2.0", "id": id_, "result": {"a": 1}})
    ready.send({"jsonrpc": "2.0", "id": id_, "error": {"code": 1, "message": "m"}})
    assert ready.received == []


async def test_an_answer_that_cannot_be_read_is_an_error_to_who_asked(ready: Editor) -> None:
    asked = asyncio.ensure_future(ready.server.workspace_configuration_async(ConfigurationParams([])))
    await asyncio.sleep(0)
    (question,) = ready.received
    ready.send({"jsonrpc": "2.0", "id": question["id"], "error": "it is late"})
    with pytest.raises(JsonRpcException):
        await asyncio.wait_for(asked, 20)


async def test_our_parameters_arrive_as_they_were_sent(ready: Editor) -> None:
    """Also with names that are no Python, which a namedtuple could not hold."""
    ready.request("codecontext/search", {"query": "x", "class": 1, "a-b": 2, "_c": 3}, id_=4)
    async with asyncio.timeout(20):
        while not ready.received:
            await asyncio.sleep(0)
    fields = ready.received[0]["error"]["data"]["fields"]
    assert [fault["field"] for fault in fields] == ["class", "a-b", "_c"]


def test_symbols_are_offered_to_editors_that_show_them_as_ranked(editor: Editor) -> None:
    assert editor.initialize(clientInfo={"name": "Neovim"})["workspaceSymbolProvider"]


def test_symbols_are_not_offered_to_editors_that_filter_them_by_name(editor: Editor) -> None:
    assert "workspaceSymbolProvider" not in editor.initialize(clientInfo={"name": "Visual Studio Code"})


def test_the_user_decides_about_symbols(editor: Editor) -> None:
    said = {"clientInfo": {"name": "VSCodium"}, "initializationOptions": {"workspaceSymbols": True}}
    assert editor.initialize(**said)["workspaceSymbolProvider"]


@pytest.mark.parametrize("params", [None, [], {}, 5, "text", [5]], ids=repr)
async def test_initialized_counts_whatever_comes_with_it(params: Any, ready: Editor) -> None:
    message = {"jsonrpc": "2.0", "method": "initialized"}
    ready.send(message if params is None else message | {"params": params})
    watching = ready.server.watching
    assert watching is not None
    ready.send(message)
    assert ready.server.watching is watching
    await ready.server.end()


@pytest.mark.parametrize("params", [None, [], {}, 5, "text"], ids=repr)
async def test_shutdown_counts_whatever_comes_with_it(params: Any, ready: Editor) -> None:
    ready.request("shutdown", params, id_=2)
    async with asyncio.timeout(20):
        while not ready.received:
            await asyncio.sleep(0)
    assert ready.received.pop() == {"jsonrpc": "2.0", "id": 2, "result": None}


def test_an_answer_that_comes_too_late_is_dropped(ready: Editor) -> None:
    asked = ready.server.workspace_configuration(ConfigurationParams([]))
    (question,) = ready.received
    asked.cancel()
    ready.send({"jsonrpc": "2.0", "id": question["id"], "result": []})
    assert len(ready.received) == 1


def test_initialization_options_without_sense_are_said_and_left_out(
    editor: Editor, caplog: pytest.LogCaptureFixture
) -> None:
    said = {"trusted": "perhaps", "settings": 5, "workspaceSymbols": "sometimes"}
    editor.initialize(initializationOptions=said)
    message = editor.server.status().message
    for name in said:
        assert name in caplog.text
        assert name in message
    assert not editor.server.options.trusted


def test_one_odd_option_costs_no_other(editor: Editor) -> None:
    said = {"settings": {"search": {"limit": 5}}, "workspaceSymbols": "sometimes", "trusted": False}
    editor.initialize(initializationOptions=said)
    assert editor.server.options.settings == said["settings"]
    assert not editor.server.options.trusted
    assert editor.server.options.workspace_symbols is None


def test_capabilities_that_are_not_known_are_left_out(editor: Editor) -> None:
    odd = {"workspace": {"symbol": {"symbolKind": {"valueSet": [1, 99]}}}, "window": {"workDoneProgress": True}}
    editor.initialize(capabilities=odd, clientInfo="vim", trace="loud", processId=[5])
    window = editor.server.client_capabilities.window
    assert window is not None
    assert window.work_done_progress
    said = editor.server.status().message
    for place in ("params.capabilities.workspace.symbol.symbolKind.valueSet[1]", "params.clientInfo", "params.trace"):
        assert place in said


def test_one_odd_folder_costs_no_other(editor: Editor, tmp_path: Path) -> None:
    first = tmp_path / "first"
    editor.initialize(workspaceFolders=[{"uri": first.as_uri()}, 7, {"name": "x"}, {"uri": "\0", "name": "y"}])
    assert [folder.path for folder in editor.server.folders] == [first]


async def test_one_odd_folder_that_is_added_costs_no_other(ready: Editor, tmp_path: Path) -> None:
    folder = tmp_path / "first"
    event = {"added": [7, {"uri": folder.as_uri()}], "removed": None}
    ready.notify("workspace/didChangeWorkspaceFolders", {"event": event})
    assert [each.path for each in ready.server.folders] == [folder]
    await ready.server.end()


URI = "file:///srv/a.py"


def text(editor: Editor) -> str | None:
    document = editor.server.workspace.text_documents.get(URI)
    return document.source if document is not None else None


def change(editor: Editor, *changes: Any, version: Any = 2) -> None:
    document = {"uri": URI, "version": version}
    editor.notify("textDocument/didChange", {"textDocument": document, "contentChanges": list(changes)})


def span(first: int, start: int, last: int, end: int) -> dict[str, Any]:
    return {"start": {"line": first, "character": start}, "end": {"line": last, "character": end}}


@pytest.fixture
def shown(ready: Editor) -> Editor:
    """An editor with a document, whose form feed ends no line."""
    item = {"uri": URI, "languageId": None, "version": None, "text": "one\ftwo\r\nthrée 🎉 four\nfive"}
    ready.notify("textDocument/didOpen", {"textDocument": item})
    return ready


@pytest.mark.parametrize("version", [None, 3], ids=repr)
def test_changes_are_followed_whatever_the_version(version: Any, shown: Editor) -> None:
    change(shown, {"range": span(1, 6, 1, 8), "text": "!"}, {"range": span(2, 0, 2, 4), "text": "5"}, version=version)
    assert text(shown) == "one\ftwo\r\nthrée ! four\n5"
    change(shown, {"text": "new"}, version=version)
    assert text(shown) == "new"


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (span(2, 2**31 - 1, 2, 2**31 - 1), "one\ftwo\r\nthrée 🎉 four\nfive+"),
        (span(2, 4, 2**32, 2**64), "one\ftwo\r\nthrée 🎉 four\nfive+"),
        (span(0, 99, 0, 99), "one\ftwo+\r\nthrée 🎉 four\nfive"),
        (span(2, 4, 1, 0), "one\ftwo\r\n+"),
        (None, "+"),
    ],
    ids=str,
)
def test_positions_past_an_end_are_at_that_end(where: Any, expected: str, shown: Editor) -> None:
    change(shown, {"range": where, "text": "+"})
    assert text(shown) == expected


@pytest.mark.parametrize(
    "odd", [{"range": span(-1, 0, 0, 0), "text": "x"}, {"range": "all", "text": "x"}, {"text": None}, 5, {}], ids=str
)
def test_a_change_that_cannot_be_read_ends_the_following_until_all_is_sent(odd: Any, shown: Editor) -> None:
    change(shown, odd)
    assert text(shown) is None
    change(shown, {"range": span(0, 0, 0, 0), "text": "x"})
    assert text(shown) is None
    change(shown, {"text": "all"})
    assert text(shown) == "all"


def test_a_document_that_grows_too_large_is_not_followed(shown: Editor) -> None:
    change(shown, {"range": span(0, 0, 0, 0), "text": "x" * MAX_CHARACTERS})
    assert text(shown) is None
    item = {"uri": URI, "languageId": "python", "version": 1, "text": "x" * (MAX_CHARACTERS + 1)}
    shown.notify("textDocument/didOpen", {"textDocument": item})
    assert text(shown) is None
    change(shown, {"text": "small"})
    assert text(shown) == "small"
