"""Runs the language server on stdin and stdout."""

from __future__ import annotations

import os
import sys

from codecontext.core.stdio import claim_stdio


def serve() -> None:
    """Serve until the editor says ``exit`` or its end of the pipe is closed; ends the process.

    Exit code 0 after ``shutdown``, else 1 (LSP 3.17).
    """
    reader, writer = claim_stdio()  # before anything that might print is imported

    from codecontext.lsp import logs
    from codecontext.lsp.features import register_all
    from codecontext.lsp.server import CodeContextServer

    logs.log_to_stderr()
    server = CodeContextServer()
    register_all(server)
    server.start_io(reader, writer)
    sys.stderr.flush()
    # Threads of watchers and of pygls may still wait for something; nobody is left to wait for them.
    os._exit(0 if server.was_shut_down else 1)
