"""``codecontext serve``: the language server for editors."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def serve(
    stdio: Annotated[  # noqa: ARG001 - many editors add it
        bool,
        typer.Option(
            "--stdio",
            help="Communicate over stdin and stdout, which is the only way; accepted because many editors pass it.",
        ),
    ] = True,
) -> None:
    """Run the language server on stdin and stdout.

    Your editor starts it and stops it again; docs/editors.md has the configuration.
    """
    if sys.stdin.isatty():
        from codecontext.cli.console import print_label

        print_label(
            "Note",
            "Waiting for an editor on stdin. Editors start this command themselves (docs/editors.md); Ctrl-D stops it.",
        )
    from codecontext.lsp.main import serve as run

    run()
