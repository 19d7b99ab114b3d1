"""``codecontext serve``: the language server, for editors."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def serve(
    stdio: Annotated[  # noqa: ARG001 - many editors add it
        bool, typer.Option("--stdio", help="Talk on stdin and stdout. It always does; many editors say so.")
    ] = True,
) -> None:
    """Serve an editor: the language server, on stdin and stdout.

    Your editor starts it; docs/editors.md says how. It ends when the editor does.
    """
    if sys.stdin.isatty():
        from codecontext.cli.console import print_label

        print_label("Note", "this waits for an editor, which starts it by itself (docs/editors.md). Ctrl-D ends it.")
    from codecontext.lsp.main import serve as run

    run()
