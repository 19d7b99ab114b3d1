"""Whatever arrives, the server answers what can be answered, and goes on."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from codecontext.lsp.protocol import Method
from lsp.client import write
from lsp.wire import Wire, wired

MESSAGES = 10_000
TOGETHER = 200
"""Messages between two looks at whether the server still answers."""

Sent = tuple[bytes, int | str | None]
"""A body, and the id that has to be answered, if any."""

METHODS = [
    *Method,
    *("initialize", "initialized", "workspace/symbol", "workspace/executeCommand", "textDocument/didOpen"),
    *("textDocument/didChange", "textDocument/didClose", "textDocument/didSave", "workspace/didChangeConfiguration"),
    *("workspace/didChangeWatchedFiles", "workspace/didChangeWorkspaceFolders", "window/workDoneProgress/cancel"),
    *("$/cancelRequest", "$/setTrace", "$/unheardOf", "textDocument/hover", "nothing/known", "", "🎉", "\ud800"),
]
ODD: list[Any] = [
    *(None, True, False, 0, -1, 2**53, 10**400, 1.5, 1e308, float("nan"), "", "text", "\0", "\ud800", "🎉" * 50),
    *([], {}, [[]], [{}], {"jsonrpc": "2.0"}, {"jsonrpc": "2.0", "id": 1, "method": "exit"}, {"uri": 5}, ["a"] * 500),
    *("x" * 100_000, {"class": 1, "a-b": 2, "_x": 3}, {"query": "lock"}, {"query": "lock", "limit": 1}),
    {"textDocument": {"uri": "file:///a.py", "languageId": "python", "version": 1, "text": "x"}},
    {"textDocument": {"uri": "%%%", "version": 1}, "contentChanges": [{"range": None, "text": "y"}]},
    {"event": {"added": [{"uri": 3}], "removed": None}},
    {"changes": [{"uri": "file:///\0", "type": 9}]},
    {"settings": {"codecontext": [1, 2]}},
    {"command": "codecontext.server.search", "arguments": [[["lock"]]]},
    {"command": 3, "arguments": "lock"},
    {"token": {"a": 1}},
]
ODD_IDS: list[Any] = [None, True, 1.5, [], {}, [1], {"id": 1}, float("inf")]


class Storm:
    """Messages of all bad kinds, the same for a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._next = 0
        self._kinds: list[Callable[[], Sent]] = [
            self._odd_params,
            self._odd_params,
            self._odd_notification,
            self._odd_id,
            self._odd_version,
            self._odd_method,
            self._missing_parts,
            self._no_object,
            self._broken_text,
            self._deep,
            self._nested_messages,
            self._response,
            self._sound,
        ]

    def message(self) -> Sent:
        return self._random.choice(self._kinds)()

    def _id(self) -> int | str:
        self._next += 1
        return self._next if self._random.random() < 0.5 else f"request-{self._next}"

    def _odd(self) -> Any:
        return self._random.choice(ODD)

    def _method(self) -> str:
        return self._random.choice(METHODS)

    def _odd_params(self) -> Sent:
        request_id = self._id()
        return _body({"jsonrpc": "2.0", "id": request_id, "method": self._method(), "params": self._odd()}), request_id

    def _odd_notification(self) -> Sent:
        return _body({"jsonrpc": "2.0", "method": self._method(), "params": self._odd()}), None

    def _odd_id(self) -> Sent:
        wrong = self._random.choice(ODD_IDS)
        return _body({"jsonrpc": "2.0", "id": wrong, "method": self._method(), "params": self._odd()}), None

    def _odd_version(self) -> Sent:
        request_id = self._id()
        return _body({"jsonrpc": self._odd(), "id": request_id, "method": Method.STATUS}), request_id

    def _odd_method(self) -> Sent:
        request_id = self._id()
        method = self._random.choice([value for value in ODD if not isinstance(value, str)])
        return _body({"jsonrpc": "2.0", "id": request_id, "method": method}), request_id

    def _missing_parts(self) -> Sent:
        request_id = self._id()
        whole = {"jsonrpc": "2.0", "id": request_id, "method": Method.SEARCH, "params": {"query": "lock"}}
        del whole[self._random.choice(["jsonrpc", "params"])]
        return _body(whole), request_id

    def _no_object(self) -> Sent:
        return _body([value for value in ODD if not isinstance(value, dict)][self._random.randrange(20)]), None

    def _broken_text(self) -> Sent:
        whole = _body({"jsonrpc": "2.0", "id": self._id(), "method": Method.STATUS, "params": {}})
        cut = self._random.randrange(1, len(whole) - 1)
        return self._random.choice(
            [whole[:cut], whole[cut:], b"\xff\xfe" + whole[:cut], b"\0" * cut, whole[:cut] + b"\xff" + whole[cut + 1 :]]
        ), None

    def _deep(self) -> Sent:
        depth = self._random.choice([50, 5_000, 100_000])
        opening, closing = self._random.choice([(b"[", b"]"), (b'{"a":', b"}")])
        nested = opening * depth + b"1" + closing * depth
        return b'{"jsonrpc": "2.0", "method": "$/unheardOf", "params": %b}' % nested, None

    def _nested_messages(self) -> Sent:
        request_id = self._id()
        inner = {"jsonrpc": "2.0", "id": self._id(), "method": "shutdown", "params": {"jsonrpc": "2.0"}}
        return _body({"jsonrpc": "2.0", "id": request_id, "method": Method.SEARCH, "params": inner}), request_id

    def _response(self) -> Sent:
        content = self._random.choice([{"result": self._odd()}, {"error": self._odd()}, {}])
        return _body({"jsonrpc": "2.0", "id": self._random.choice([self._next, "unknown", 10**30]), **content}), None

    def _sound(self) -> Sent:
        request_id = self._id()
        params = {"query": "lock", "limit": 1 + self._random.randrange(20)}
        return _body({"jsonrpc": "2.0", "id": request_id, "method": Method.SEARCH, "params": params}), request_id


def _body(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.fixture
async def wire(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Wire]:
    """A server that is initialized, with a folder that has a file, which is found: a message may pause indexing."""
    folder = write(tmp_path_factory.mktemp("storm"), {"lock.py": "def lock():\n    return 1\n"})
    async with wired() as wire:
        folders = [{"uri": folder.as_uri(), "name": "storm"}]
        params = {"processId": os.getpid(), "rootUri": None, "capabilities": {}, "workspaceFolders": folders}
        wire.send(id="initialize", method="initialize", params=params)
        await wire.answer("initialize")
        wire.send(method="initialized", params={})
        await wire.finds("lock")
        yield wire


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_storm_of_malformed_messages(wire: Wire, seed: int) -> None:
    storm = Storm(seed)
    due: list[int | str] = []
    for number in range(MESSAGES // 3 + 1):
        body, request_id = storm.message()
        wire.write(body)
        if request_id is not None:
            due.append(request_id)
        if number % TOGETHER == 0:
            await wire.drain()
            wire.send(id=f"alive-{number}", method=Method.STATUS)
            assert "result" in await wire.answer(f"alive-{number}")
    for request_id in due:
        await wire.answer(request_id)
    await wire.finds("lock")

    answers = Counter(
        message["id"] for message in wire.received if "method" not in message and message.get("id") is not None
    )
    assert {request_id: answers[request_id] for request_id in due} == dict.fromkeys(due, 1)
    assert await wire.end() == 1


NOISE = [
    b"\r\n",
    b"hello\r\n\r\n",
    b"Content-Length: none\r\n\r\n",
    b"Content-Length: -5\r\n\r\n",
    b"Content-Length: 0\r\n\r\n",
    b"\xff" * 300 + b"\n",
    b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\n",
]


async def test_headers_that_make_no_sense(wire: Wire) -> None:
    for number, noise in enumerate(NOISE):
        wire.write_raw(noise)
        wire.send(id=number, method=Method.STATUS)
        assert "result" in await wire.answer(number)


async def test_two_requests_with_one_id_get_two_answers(wire: Wire) -> None:
    for _ in range(2):
        wire.send(id=7, method=Method.SEARCH, params={"query": "lock"})
    wire.send(id=8, method=Method.SEARCH, params={"query": "lock"})
    await wire.answer(8)
    await wire.message(lambda _message: sum(message.get("id") == 7 for message in wire.received) == 2)


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 100_000], ids=["broken", "not UTF-8", "too deep"])
async def test_what_is_no_json_is_a_parse_error(wire: Wire, body: bytes) -> None:
    seen = len(wire.received)
    wire.write(body)
    wire.send(id="after", method=Method.STATUS)
    await wire.answer("after")
    assert [message["error"]["code"] for message in wire.received[seen:] if message.get("id", 0) is None] == [-32700]
