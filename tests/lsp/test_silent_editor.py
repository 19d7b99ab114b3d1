"""An editor that does not answer, or says things by halves: the server indexes all the same, and says what is amiss."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from codecontext.lsp.protocol import Method
from lsp.client import Json, write
from lsp.wire import Wire, wired

CAN = {
    "workspace": {
        "configuration": True,
        "didChangeConfiguration": {"dynamicRegistration": True},
        "didChangeWatchedFiles": {"dynamicRegistration": True},
    },
    "window": {"workDoneProgress": True},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "shop", {"lock.py": "def lock():\n    return 1\n"})


@asynccontextmanager
async def greeted(folder: Path, **params: Any) -> AsyncIterator[Wire]:
    """A server that was told ``initialize``, and no answer to whatever it asks."""
    async with wired() as wire:
        folders = [{"uri": folder.as_uri(), "name": "shop"}]
        said = {"processId": os.getpid(), "rootUri": None, "capabilities": {}, "workspaceFolders": folders}
        wire.send(id="initialize", method="initialize", params=said | params)
        answer = await wire.answer("initialize")
        assert "result" in answer, answer
        yield wire


async def indexed(wire: Wire) -> Json:
    """The status when the folder is indexed."""
    message = await wire.message(
        lambda message: (
            message.get("method") == Method.STATUS_CHANGED
            and message["params"]["folders"]
            and message["params"]["folders"][0]["coverage"] == 1
        )
    )
    status: Json = message["params"]
    return status


async def test_an_editor_that_answers_nothing(folder: Path) -> None:
    async with greeted(folder, capabilities=CAN) as wire:
        wire.send(method="initialized", params={})
        status = await indexed(wire)
        asked = {
            message["method"]: message["id"] for message in wire.received if "method" in message and "id" in message
        }
        assert asked.keys() == {"client/registerCapability", "workspace/configuration"}
        assert status["health"] == "warning"
        assert "did not respond to client/registerCapability within 5 seconds" in status["message"]
        assert "did not respond to workspace/configuration within 5 seconds" in status["message"]

        for id_ in asked.values():  # too late
            wire.send(id=id_, result=None)
        write(folder, {"late.py": "def tardy():\n    return 2\n"})  # which the server watches itself
        await wire.finds("tardy")


async def test_settings_that_are_none(folder: Path) -> None:
    async with greeted(folder, capabilities={"workspace": {"configuration": True}}) as wire:
        wire.send(method="initialized", params={})
        asked: set[str] = set()
        for answer in (5, None, {}, "text", [5], [[]], [], [None]):
            question = await wire.message(
                lambda message: message.get("method") == "workspace/configuration" and message["id"] not in asked
            )
            asked.add(question["id"])
            wire.send(id=question["id"], result=answer)
            wire.send(method="workspace/didChangeConfiguration", params=answer)
        assert (await indexed(wire))["folders"][0]["files"] == 1
        await wire.finds("lock")


async def test_initialized_that_is_a_request_is_refused_and_heeded(folder: Path) -> None:
    async with greeted(folder) as wire:
        wire.send(id=9, method="initialized")
        wire.send(method="initialized", params={})
        assert (await indexed(wire))["health"] == "ok"
        assert (await wire.answer(9))["error"]["code"] == -32600
        wire.send(id=10, method="exit", params=5)
        assert (await wire.answer(10))["error"]["code"] == -32600
        assert await wire.process.wait() == 1


async def test_an_editor_that_never_says_initialized(folder: Path) -> None:
    async with greeted(folder) as wire:
        assert "did not send initialized" in (await indexed(wire))["message"]


async def test_what_cannot_be_read_of_initialize_costs_the_rest_nothing(folder: Path) -> None:
    odd = {
        "processId": [5],
        "clientInfo": "vim",
        "trace": "loud",
        "capabilities": {
            "workspace": {"symbol": {"symbolKind": {"valueSet": [1, 99]}}},
            "general": {"positionEncodings": ["utf-9", "utf-8"]},
        },
        "workspaceFolders": [{"uri": folder.as_uri()}, {"uri": None, "name": 5}, 7],
    }
    async with greeted(folder, **odd) as wire:
        result = (await wire.answer("initialize"))["result"]
        assert result["capabilities"]["positionEncoding"] == "utf-8"
        wire.send(method="initialized", params={})
        status = await indexed(wire)
        assert status["health"] == "warning"
        for place in ("params.processId", "params.trace", "params.clientInfo", "valueSet[1]", "workspaceFolders[2]"):
            assert place in status["message"]


async def test_one_odd_option_costs_no_other_and_is_said(folder: Path) -> None:
    write(
        folder,
        {".codecontext.toml": '[embeddings.huggingface]\nlora_adapter_path = "/nowhere"\n', "gamma.py": "x = 1\n"},
    )
    options = {"settings": {"indexing": {"exclude": ["gamma.py"]}}, "trusted": "maybe", "workspaceSymbols": "sometimes"}
    async with greeted(folder, initializationOptions=options) as wire:
        wire.send(method="initialized", params={})
        status = await indexed(wire)
        assert status["health"] == "warning"
        assert "trusted" in status["message"]
        assert "workspaceSymbols" in status["message"]
        assert status["folders"][0]["wantedAdapterPath"] is None
        wire.send(id=1, method=Method.SEARCH, params={"query": "x"})
        assert "gamma.py" not in [hit["path"] for hit in (await wire.answer(1))["result"]["hits"]]


async def test_shutdown_and_exit_with_odd_parameters(folder: Path) -> None:
    async with greeted(folder) as wire:
        wire.send(id=2, method="shutdown", params=[5])
        assert (await wire.answer(2))["result"] is None
        wire.send(method="exit", params="now")
        assert await wire.process.wait() == 0
