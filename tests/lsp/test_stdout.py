"""stdout belongs to the protocol, whatever else prints."""

from __future__ import annotations

import os
from pathlib import Path

from codecontext.lsp.protocol import Method
from lsp.client import write
from lsp.wire import wired

PRINTS = '''\
"""A library that prints, as model libraries do: when imported, from C, and from a child."""

import atexit
import ctypes
import os
import subprocess
import sys
import threading


def shout(name):
    print(f"Loading weights of {name}: 100%")
    os.write(1, b"Content-Length: 3\\r\\n\\r\\n")
    libc = ctypes.CDLL(None)
    libc.puts(b"[libmodel] initialised")
    libc.fflush(None)
    if "-c" not in sys.orig_argv:
        subprocess.run([sys.executable, "-S", "-c", "print('child')"], stdin=subprocess.DEVNULL, check=False)


class Loud:
    """Shouts when one of the libraries of a model is imported."""

    def find_spec(self, name, path=None, target=None):
        if name in {"psutil", "tantivy", "openvino", "tokenizers", "pygls.lsp.server", "tree_sitter"}:
            shout(name)
        return None


sys.meta_path.insert(0, Loud())
atexit.register(shout, "farewell")
'''


async def test_stdout_carries_framed_messages_only(tmp_path: Path) -> None:
    library = write(tmp_path / "library", {"sitecustomize.py": PRINTS})
    project = write(tmp_path / "project", {"lock.py": "def lock():\n    return 1\n"})
    async with wired({"PYTHONPATH": str(library), "PYTHONUNBUFFERED": "1"}) as wire:
        folders = [{"uri": project.as_uri(), "name": "project"}]
        params = {"processId": os.getpid(), "rootUri": None, "capabilities": {}, "workspaceFolders": folders}
        wire.send(id=1, method="initialize", params=params)
        await wire.answer(1)
        wire.send(method="initialized", params={})
        await wire.message(
            lambda message: (
                message.get("method") == Method.STATUS_CHANGED
                and message["params"]["folders"]
                and message["params"]["folders"][0]["coverage"] == 1
            )
        )
        wire.send(id=2, method=Method.SEARCH, params={"query": "lock"})
        assert (await wire.answer(2))["result"]["hits"]
        wire.send(id=3, method="shutdown")
        assert (await wire.answer(3))["result"] is None
        wire.send(method="exit")
        assert await wire.end() == 0
    assert all(message["jsonrpc"] == "2.0" for message in wire.received)
    for noise in (b"Loading weights of psutil", b"[libmodel] initialised", b"child"):
        assert noise in wire.stderr, "The library did not print, so the test shows nothing."
