"""Messages out of a stream of bytes: the header part of LSP's base protocol, read as liberally as is safe.

pygls reads ``Content-Length: 5`` and no other spelling; anything else loses a message or ends the server. Here
header names may have any case (RFC 9110, 5.1), spaces around the colon and any line end are taken, and what cannot be a
header part is reported once. After an error the next line that announces a length counts. That is safe, because a
line feed or carriage return cannot stand inside a text of JSON, so no body can hold such a line by chance.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Protocol

MAX_BODY_BYTES = 1 << 28
"""Largest message that is read (256 MiB); a document of 32 MB, escaped as JSON, is well below."""
_MAX_LINE_BYTES = 1024
"""Of a longer line the end is looked at, where a header may follow a body that was announced too short."""
_PART = 1 << 16

_LINE_END = re.compile(rb"\r\n?|\n")
_LENGTH = re.compile(rb"(?:.*[}\]\"])?[^!-~]*content-length[ \t]*:(.*)", re.IGNORECASE | re.DOTALL)
"""At the start of a line, or right behind a body that was announced too short; bytes of no text may precede it."""
_SIMPLE = rb'\s*"(?:jsonrpc|method|id)"\s*:\s*(?:"[^"\\]{0,200}"|\d{1,15})\s*,'
_ID = re.compile(rb'\s*\{(?:%b){0,2}\s*"id"\s*:\s*("[^"\\]{0,200}"|\d{1,15})\s*,' % _SIMPLE)
"""The id of a request whose parameters come last, as they usually do."""


class ByteStream(Protocol):
    """What is read from. ``read1`` returns what there is, and waits only while there is nothing."""

    def read(self, size: int, /) -> bytes: ...  # noqa: D102
    def read1(self, size: int, /) -> bytes: ...  # noqa: D102


class FrameError(Exception):
    """A header part that cannot be read. ``request_id`` is that of the message, where it is known."""

    def __init__(self, problem: str, request_id: int | str | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.request_id = request_id


class Frames:
    """Bodies of the messages in a stream. ``next_body`` waits, so call it in a thread."""

    def __init__(self, stream: ByteStream, *, max_bytes: int = MAX_BODY_BYTES) -> None:
        self._stream = stream
        self._max_bytes = max_bytes
        self._buffer = bytearray()
        self._is_lost = False
        """Whether an error was reported and no sound header part has been read since."""

    def next_body(self) -> bytes | None:
        """The next body; None at the end of the stream. Raises ``FrameError``, after which it may be called again."""
        while (announced := self._header_part()) is not None:
            error = self._error_in(announced)
            if error is None:
                self._is_lost = False
                return self._body(int(next(iter(announced))))
            if not self._is_lost:
                self._is_lost = True
                raise error
        return None

    def _error_in(self, announced: set[bytes]) -> FrameError | None:
        """What is wrong with the lengths of a header part."""
        lengths = {int(value) for value in announced if value.isdigit()}
        if len(announced) != 1 or len(lengths) != 1:
            said = ", ".join(sorted(value[:40].decode("ascii", "backslashreplace") for value in announced))
            found = f"it has {said}" if announced else "it has none"
            return FrameError(f"The header part of a message must have one Content-Length, in decimal digits; {found}.")
        length = lengths.pop()
        if length == 0:
            return FrameError("An empty message is not JSON.")
        if length > self._max_bytes:
            return FrameError(
                f"A message has at most {self._max_bytes:,} bytes; one of {length:,} was announced and is skipped.",
                self._id_ahead(),
            )
        return None

    def _header_part(self) -> set[bytes] | None:
        """The different lengths that are announced up to the next empty line, in bytes as they were written.

        Of several, those that are no number do not count beside one that is. None at the end of the stream.
        """
        announced: set[bytes] = set()
        has_begun = False
        while (line := self._line()) is not None:
            if match := _LENGTH.fullmatch(line):
                if len(announced) < 3:  # two different ones are an error already
                    announced.add(match[1].strip().lstrip(b"0") or match[1].strip()[:1])
            elif not line.strip(b" \t") and has_begun:
                return {value for value in announced if value.isdigit()} or announced
            has_begun = has_begun or bool(line.strip(b" \t"))
        return None

    def _line(self) -> bytes | None:
        """The next line without its end, or the last part of a long one; None at the end of the stream."""
        looked = 0
        while True:
            end = _LINE_END.search(self._buffer, looked)
            if end is None:
                del self._buffer[:-_MAX_LINE_BYTES]
                looked = len(self._buffer)
                if not self._fill():
                    return None
            # Behind a carriage return that came last, a line feed may still follow.
            elif end.end() < len(self._buffer) or end.group() != b"\r" or not self._fill():
                line = bytes(self._buffer[max(0, end.start() - _MAX_LINE_BYTES) : end.start()])
                del self._buffer[: end.end()]
                return line

    def _body(self, length: int) -> bytes | None:
        """``length`` bytes; None where the stream ends before."""
        while len(self._buffer) < length:
            part = self._stream.read(length - len(self._buffer))
            if not part:
                return None
            self._buffer += part
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        return body

    def _id_ahead(self) -> int | str | None:
        """The id in what is there of the body that is left out."""
        if not self._buffer:
            self._fill()
        match = _ID.match(self._buffer[:_MAX_LINE_BYTES])
        if match is None:
            return None
        return match[1][1:-1].decode("utf-8", "replace") if match[1].startswith(b'"') else int(match[1])

    def _fill(self) -> bool:
        part = self._stream.read1(_PART)
        self._buffer += part
        return bool(part)


class FrameReader:
    """The messages of a stream, in the frames and by the methods that pygls reads (``pygls.io_.AsyncReader``).

    ``on_error`` is called on the event loop with what could not be read.
    """

    def __init__(self, stream: ByteStream, executor: Executor, on_error: Callable[[FrameError], None]) -> None:
        self._frames = Frames(stream)
        self._executor = executor
        self._on_error = on_error
        self._lines: list[bytes] = []
        self._body = b""

    async def readline(self) -> bytes:
        """A line of the header part of the next message; empty at the end of the stream."""
        if not self._lines:
            body = await self._next_body()
            if body is None:
                return b""
            self._body = body
            self._lines = [b"\r\n", b"Content-Length: %d\r\n" % len(body)]
        return self._lines.pop()

    async def readexactly(self, _size: int) -> bytes:
        """The body of the message whose header part was read."""
        body, self._body = self._body, b""
        return body

    async def _next_body(self) -> bytes | None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                return await loop.run_in_executor(self._executor, self._frames.next_body)
            except FrameError as error:
                self._on_error(error)
