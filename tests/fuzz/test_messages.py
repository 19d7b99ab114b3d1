"""What editors send: header parts of any bytes against the reader, bodies of any JSON against a running server."""

from __future__ import annotations

import io
import itertools
import json
import queue
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any, BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codecontext.lsp.framing import FrameError, Frames
from codecontext.lsp.protocol import COMMAND_PREFIX, Method
from fuzz.bounds import FUZZ

PATIENCE = 60
"""Seconds that a server has for one answer, on a machine that may be busy."""

# -- header parts --------------------------------------------------------------------------------------------------

LINE_ENDS = st.sampled_from([b"\r\n", b"\n", b"\r"])
BLANKS = st.sampled_from([b"", b" ", b"\t", b"  "])
BODIES = st.builds(lambda value: json.dumps(value).encode(), st.recursive(st.text(), st.lists, max_leaves=5))


def is_silent(noise: bytes) -> bool:
    """Whether bytes announce no length, whatever the case."""
    return b"content-length" not in noise.lower()


NAMES = st.sampled_from([b"Content-Length", b"content-length", b"CONTENT-LENGTH", b"cOnTeNt-lEnGtH"])
OTHER_LINES = st.one_of(
    st.sampled_from([b"Content-Type: application/vscode-jsonrpc; charset=utf-8", b"X-Content-Length: 7", b"a: b"]),
    st.binary(min_size=1, max_size=2_000).map(lambda noise: b"-" + noise.replace(b"\r", b"").replace(b"\n", b"")),
).filter(lambda line: line.startswith(b"X-") or is_silent(line))
ODD_LENGTHS = st.one_of(
    st.sampled_from(
        [b"", b"-1", b"+5", b"0x10", b"1e3", b"5.0", b"none", b"9" * 16, b"9" * 5_000, b"\xd9\xa1", b"5 5"]
    ),
    st.binary(max_size=20).filter(lambda value: not value.strip().isdigit() and not {10, 13} & set(value)),
)


@st.composite
def sound(draw: st.DrawFn) -> tuple[bytes, bytes | None]:
    """A header part and a body that can be read, in some spelling, and that body."""
    body, end = draw(BODIES), draw(LINE_ENDS)
    length = draw(NAMES) + draw(BLANKS) + b":" + draw(BLANKS) + b"%d" % len(body) + draw(BLANKS)
    lines = [*draw(st.lists(OTHER_LINES, max_size=3)), length, *draw(st.lists(OTHER_LINES, max_size=3))]
    return end.join(lines) + end + end + body, body


@st.composite
def unsound(draw: st.DrawFn) -> tuple[bytes, bytes | None]:
    """A header part that announces nothing of use, and what may stand where its body would."""
    end = draw(LINE_ENDS)
    lines = draw(st.lists(OTHER_LINES, max_size=3))
    if draw(st.booleans()):
        lines.append(draw(NAMES) + b": " + draw(ODD_LENGTHS))
    body = draw(st.one_of(BODIES, st.binary(max_size=300).filter(is_silent)))
    return end.join([*lines, b"", body, b""]), None


class Pieces(io.BytesIO):
    """A stream that brings so many bytes at a time."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__(data)
        self._size = size

    def read1(self, _size: int | None = -1, /) -> bytes:
        return super().read1(self._size)


def read(data: bytes, size: int) -> tuple[list[bytes], int]:
    """The bodies in a stream, and how many faults were said."""
    frames, bodies, faults = Frames(Pieces(data, size), max_bytes=100_000), [], 0
    while True:
        try:
            body = frames.next_body()
        except FrameError:
            faults += 1
            continue
        if body is None:
            return bodies, faults
        bodies.append(body)


@FUZZ
@given(st.lists(st.one_of(sound(), unsound()), max_size=12), st.integers(1, 5_000))
def test_a_sound_message_is_read_whatever_came_before(parts: list[tuple[bytes, bytes | None]], size: int) -> None:
    bodies, faults = read(b"".join(data for data, _body in parts), size)
    assert bodies == [body for _data, body in parts if body is not None]
    assert faults <= sum(body is None for _data, body in parts)


HEADER_BYTES = st.lists(
    st.sampled_from(
        [b"Content-Length", b"content-length", b":", b" ", b"\r", b"\n", b"\r\n", b"0", b"3", b"17", b"{}", b'"']
    ),
    max_size=60,
).map(b"".join)


@FUZZ
@given(st.one_of(HEADER_BYTES, st.binary(max_size=500)), st.integers(1, 500))
def test_any_bytes_come_to_an_end(data: bytes, size: int) -> None:
    bodies, _faults = read(data, size)
    assert sum(map(len, bodies)) <= len(data)
    assert read(data, 1)[0] == bodies  # however the stream was cut


# -- bodies --------------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.one_of(
        *(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
        st.sampled_from([-1, 2**31, 2**53, 10**400, "file:///a.py", "file:///%00", "\ud800", "lock"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(
                [
                    *("uri", "text", "textDocument", "contentChanges", "range", "start", "end", "line", "character"),
                    *("version", "query", "limit", "folders", "folder", "event", "added", "removed", "name", "changes"),
                    *("settings", "codecontext", "token", "id", "command", "arguments", "type", "value", "method"),
                ]
            )
            | st.text(max_size=5),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=15,
)
PLACE = st.fixed_dictionaries({"line": JSON | st.integers(-2, 9), "character": JSON | st.integers(-2, 9)})
DOCUMENT = st.fixed_dictionaries(
    {"uri": JSON | st.just("file:///a.py")},
    optional={"version": JSON, "languageId": JSON, "text": JSON | st.text(max_size=50)},
)
CHANGE = st.fixed_dictionaries(
    {"text": JSON | st.text(max_size=9)},
    optional={"range": JSON | st.fixed_dictionaries({"start": PLACE, "end": PLACE}), "rangeLength": JSON},
)
PARAMS = st.one_of(
    JSON,
    st.fixed_dictionaries({"textDocument": DOCUMENT}, optional={"contentChanges": JSON | st.lists(CHANGE, max_size=3)}),
    st.fixed_dictionaries({"query": JSON | st.text(max_size=20)}, optional={"limit": JSON, "folders": JSON}),
    st.fixed_dictionaries({"event": JSON | st.fixed_dictionaries({"added": JSON, "removed": JSON})}),
    st.fixed_dictionaries(
        {"command": st.sampled_from([COMMAND_PREFIX + "search", COMMAND_PREFIX + "status"]) | JSON, "arguments": JSON}
    ),
)
METHODS = st.sampled_from(
    [
        *Method,
        *(
            "initialize",
            "initialized",
            "workspace/symbol",
            "workspace/executeCommand",
            "workspace/didChangeConfiguration",
        ),
        *("workspace/didChangeWorkspaceFolders", "workspace/didChangeWatchedFiles", "window/workDoneProgress/cancel"),
        *("textDocument/didOpen", "textDocument/didChange", "textDocument/didSave", "textDocument/didClose"),
        *("notebookDocument/didOpen", "notebookDocument/didChange", "$/cancelRequest", "$/setTrace", "no/such"),
    ]
) | st.text(max_size=10).filter(lambda method: method not in ("exit", "shutdown"))

REQUEST, NOTIFICATION, RESPONSE, OTHER = "request", "notification", "response", "other"
MESSAGES = st.one_of(
    st.tuples(st.just(REQUEST), METHODS, PARAMS),
    st.tuples(st.just(REQUEST), JSON, PARAMS).filter(lambda message: message[1] not in ("exit", "shutdown")),
    st.tuples(st.just(NOTIFICATION), METHODS, PARAMS),
    st.tuples(st.just(RESPONSE), st.sampled_from(["result", "error"]), JSON),
    st.tuples(st.just(OTHER), st.just(""), JSON.filter(lambda value: not isinstance(value, dict))),
)


class Server:
    """A server process without folders, so that it can answer at once."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "codecontext.cli", "serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._stdin = self.process.stdin
        self._messages: queue.Queue[Any] = queue.Queue()
        self._reading = threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        self._reading.start()

    def send(self, message: Any) -> None:
        body = json.dumps(message).encode()
        self._stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._stdin.flush()

    def answers_until(self, request_id: str) -> list[Any]:
        """Ids of what was answered, up to that of this request."""
        ids: list[Any] = []
        while True:
            message = self._messages.get(timeout=PATIENCE)
            assert message is not None, "The server ended."
            if "method" not in message:
                ids.append(message["id"])
            if message.get("id") == request_id and "method" not in message:
                return ids

    def close(self) -> None:
        """End the process, whatever it does."""
        self.process.kill()
        self._reading.join(PATIENCE)
        with self.process:
            pass

    def _read(self, stdout: BinaryIO) -> None:
        while header := stdout.readline():
            while stdout.readline() != b"\r\n":
                pass
            self._messages.put(json.loads(stdout.read(int(header.removeprefix(b"Content-Length: ")))))
        self._messages.put(None)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    try:
        server.send({"jsonrpc": "2.0", "id": "begin", "method": "initialize", "params": {"capabilities": {}}})
        server.answers_until("begin")
        server.send({"jsonrpc": "2.0", "method": "initialized"})
        yield server
    finally:
        server.close()


NUMBERS = itertools.count()


@FUZZ
@given(st.lists(MESSAGES, max_size=10))
def test_every_request_is_answered_once(server: Server, messages: list[tuple[str, Any, Any]]) -> None:
    due: list[str] = []
    for kind, method, params in messages:
        if kind == REQUEST:
            due.append(f"request-{next(NUMBERS)}")
            server.send({"jsonrpc": "2.0", "id": due[-1], "method": method, "params": params})
        elif kind == NOTIFICATION:
            server.send({"jsonrpc": "2.0", "method": method, "params": params})
        elif kind == RESPONSE:
            server.send({"jsonrpc": "2.0", "id": "nobody-asked", method: params})
        else:
            server.send(params)
    last = f"alive-{next(NUMBERS)}"
    server.send({"jsonrpc": "2.0", "id": last, "method": Method.STATUS})
    answered = Counter(server.answers_until(last))
    while late := set(due) - answered.keys():  # what was asked of the engine may be answered after that
        answered += Counter(server.answers_until(late.pop()))
    assert {request_id: answered[request_id] for request_id in due} == dict.fromkeys(due, 1)
