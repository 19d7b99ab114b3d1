"""Runs the language server on stdin and stdout."""

from __future__ import annotations

import asyncio
import os
import sys
from io import BufferedReader, BufferedWriter
from typing import TYPE_CHECKING, NoReturn

from codecontext.core.startup import claim_stdio

if TYPE_CHECKING:
    from codecontext.lsp.server import CodeContextServer


def serve() -> None:
    """Serve one editor until it sends ``exit`` or is gone; ends the process, with the exit code of ``talk``."""
    reader, writer = claim_stdio()  # before anything that might print is imported

    from codecontext.lsp import logs
    from codecontext.lsp.features import register_all
    from codecontext.lsp.server import CodeContextServer

    logs.log_to_stderr()
    server = CodeContextServer()
    register_all(server)
    asyncio.run(_talk(server, reader, writer))


async def _talk(server: CodeContextServer, reader: BufferedReader, writer: BufferedWriter) -> NoReturn:
    code = await server.talk(reader, writer)
    sys.stderr.flush()
    # One thread is still waiting for stdin, others may be waiting too; nobody is left to wait for them.
    os._exit(code)
