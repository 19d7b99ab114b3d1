"""The real server with damaged answers: ``python damaged_server.py DAMAGE serve``.

Stands between editor and server and passes on all bytes, save for the answers that DAMAGE names.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

Message = dict[str, Any]


def messages(stream: BinaryIO) -> Iterator[Message]:
    """Messages as they are framed on the wire, until the end of the stream."""
    length = 0
    while line := stream.readline():
        name, _, value = line.decode("ascii").partition(":")
        if name.lower() == "content-length":
            length = int(value)
        elif not line.strip():
            yield json.loads(stream.read(length))


def send(stream: BinaryIO, message: Message) -> None:
    body = json.dumps(message).encode()
    stream.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
    stream.flush()


def damaged(message: Message, damage: str) -> Message | None:
    """The message as the editor gets it; None for one that is lost."""
    result = message.get("result")
    if is_partial(message):
        return None if damage == "no-partial" else message
    if isinstance(result, dict) and "hits" in result:
        return message | {"result": result | {"hits": damaged_list(result["hits"], damage)}}
    if isinstance(result, list) and result and "location" in result[0]:
        symbols = damaged_list(result, damage)
        if damage == "renamed":
            symbols = [symbol | {"name": f"not_{symbol['name']}"} for symbol in symbols]
        return message | {"result": symbols}
    return message


def is_partial(message: Message) -> bool:
    return message.get("method") == "$/progress" and "hits" in message["params"]["value"]


def damaged_list(entries: list[Any], damage: str) -> list[Any]:
    if damage == "first-missing":
        return entries[1:]
    return [*entries, *entries] if damage == "twice" else entries


def pass_on(source: BinaryIO, target: BinaryIO) -> None:
    """Copy what comes, as it comes, to the end."""
    while chunk := os.read(source.fileno(), 65536):
        target.write(chunk)
        target.flush()
    target.close()


def main(damage: str, *arguments: str) -> int:
    server = Path(sys.executable).with_name("codecontext")
    with subprocess.Popen([server, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        threading.Thread(target=pass_on, args=(sys.stdin.buffer, process.stdin), daemon=True).start()
        for message in messages(process.stdout):
            if (changed := damaged(message, damage)) is not None:
                send(sys.stdout.buffer, changed)
    return process.returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
