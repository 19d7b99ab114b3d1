"""``codecontext serve``: the language server for editors."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def serve(
    stdio: Annotated[  # noqa: ARG001 - many editors add it
        bool,
        typer.Option("--stdio", help="Always on; accepted because many editors pass it.", show_default=False),
    ] = True,
) -> None:
    """Run the language server on stdin and stdout.

    Editors start and stop it themselves; docs/editors.md shows how to configure yours.
    """
    if sys.stdin.isatty():
        from codecontext.cli.console import print_label

        print_label(
            "Note",
            "Waiting for an editor on stdin. Editors start this command themselves (docs/editors.md). Ctrl-D stops it.",
        )
    from codecontext.lsp.main import serve as run

    run()
