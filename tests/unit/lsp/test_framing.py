"""Header parts as they come: what can be followed is, the rest costs one message and no more."""

from __future__ import annotations

import io
from collections.abc import Iterable

import pytest

from codecontext.lsp.framing import FrameError, Frames

NEXT = b"Content-Length: 4\r\n\r\nnext"


class Pieces(io.BytesIO):
    """A stream that brings a few bytes at a time, as a pipe may."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__(data)
        self._size = size

    def read1(self, _size: int | None = -1, /) -> bytes:
        return super().read1(self._size)


def read(stream: io.BytesIO, max_bytes: int = 1000) -> list[bytes | str]:
    """Bodies, and in their places what was said of faults."""
    frames = Frames(stream, max_bytes=max_bytes)
    found: list[bytes | str] = []
    while True:
        try:
            body = frames.next_body()
        except FrameError as fault:
            found.append(fault.problem)
        else:
            if body is None:
                return found
            found.append(body)


def bodies(found: Iterable[bytes | str]) -> list[bytes]:
    return [each for each in found if isinstance(each, bytes)]


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@pytest.mark.parametrize(
    "header",
    [
        b"Content-Length: 2\r\n\r\n",
        b"content-length: 2\r\n\r\n",
        b"CONTENT-LENGTH:2\r\n\r\n",
        b"Content-Length :\t2 \r\n\r\n",
        b"  Content-Length: 2\r\n\r\n",
        b"Content-Length: 2\n\n",
        b"Content-Length: 2\r\r",
        b"Content-Length: 002\r\n\r\n",
        b"Content-Length: 0000000000000000000002\r\n\r\n",
        b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n",
        b"Content-Length: 2\r\nContent-Type: application/vscode-jsonrpc; charset=utf8\r\n\r\n",
        b"Content-Type: x\r\ncontent-length: 2\r\n\r\n",
        b"X-Content-Length: 7\r\nContent-Length: 2\r\n\r\n",
        b"Content-Length: none\r\nContent-Length: 2\r\n\r\n",
        b"no header\r\nContent-Length: 2\r\n\r\n",
        b"\xef\xbb\xbfContent-Length: 2\r\n\r\n",
        b"\0Content-Length: 2\r\n\r\n",
        b"\r\n\n\r\nContent-Length: 2\r\n\r\n",
        b"X: " + b"x" * 5_000 + b"\r\nContent-Length: 2\r\n\r\n",
        b"X: y\r\n" * 2_000 + b"Content-Length: 2\r\n\r\n",
    ],
    ids=lambda header: repr(header[:40]),
)
def test_a_header_part_that_can_be_followed(header: bytes, size: int) -> None:
    assert read(Pieces(header + b"{}" + NEXT, size)) == [b"{}", b"next"]


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize(
    "header",
    [
        b"Content-Length: -2\r\n\r\n",
        b"Content-Length: +2\r\n\r\n",
        b"Content-Length: 0x2\r\n\r\n",
        b"Content-Length: 2.0\r\n\r\n",
        b"Content-Length: \xd9\xa2\r\n\r\n",
        b"Content-Length: 2; 3\r\n\r\n",
        b"Content-Length:\r\n\r\n",
        b"Content-Length 2\r\n\r\n",
        b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n",
        b"Content-Type: x\r\n\r\n",
        b"hello\r\n\r\n",
        b"Content-Length: 9999999999999999\r\n\r\n",
        b"Content-Length: " + b"9" * 900 + b"\r\n\r\n",
        b"Content-Length: 1001\r\n\r\n",
    ],
    ids=lambda header: repr(header[:40]),
)
@pytest.mark.parametrize("body", [b'{"a": 1}', b'{\r\n\r\n"a":\n1}', b"", b'"Content-Length: 3\\r\\n"'], ids=repr)
def test_a_header_part_that_cannot_be_followed_is_said_once(header: bytes, size: int, body: bytes) -> None:
    said, *rest = read(Pieces(header + body + NEXT + NEXT, size))
    assert isinstance(said, str)
    assert rest == [b"next", b"next"]


def test_a_message_of_no_bytes_is_a_fault_and_what_follows_is_read() -> None:
    said, *rest = read(io.BytesIO(b"Content-Length: 0\r\n\r\n" + NEXT))
    assert said == "An empty message is not JSON."
    assert rest == [b"next"]


def test_a_body_that_is_longer_than_announced_costs_itself_alone() -> None:
    """As from an editor that counts characters."""
    whole = '{"é": "é"}'
    announced = f"Content-Length: {len(whole)}\r\n\r\n{whole}".encode()
    assert bodies(read(io.BytesIO(announced + NEXT))) == [whole.encode()[:10], b"next"]


@pytest.mark.parametrize(
    ("body", "request_id"),
    [
        (b'{"jsonrpc":"2.0","id":7,"method":"m","params":"', 7),
        (b'{ "id" : "seven", "method":"m","params":"', "seven"),
        (b'{"jsonrpc":"2.0","method":"m","params":{"id":7,"text":"', None),
        (b"[" * 50, None),
    ],
)
def test_a_message_that_is_too_large_is_answered_by_its_id(body: bytes, request_id: int | str | None) -> None:
    whole = body + b"x" * 5_000_000 + b'"}'
    frames = Frames(io.BytesIO(b"Content-Length: %d\r\n\r\n%b%b" % (len(whole), whole, NEXT)), max_bytes=1000)
    with pytest.raises(FrameError, match=r"at most 1,000 bytes; one of 5,000,\d+ was announced") as fault:
        frames.next_body()
    assert fault.value.request_id == request_id
    assert frames.next_body() == b"next"
    assert frames.next_body() is None


@pytest.mark.parametrize("end", [b"", b"Content-Le", b"Content-Length: 4\r\n", b"Content-Length: 4\r\n\r\nne", b"\r"])
def test_the_end_of_the_stream_ends_it_anywhere(end: bytes) -> None:
    assert read(io.BytesIO(NEXT + end)) == [b"next"]
