"""How errors end a command: one sentence, or one JSON object, and an exit code."""

from __future__ import annotations

import logging
from typing import Any

import typer
from typer.core import TyperCommand

from codecontext.cli.console import print_label, stdout
from codecontext.core.errors import CodeContextError
from codecontext.core.printable import json_for_people

NOTHING_FOUND = 1
FAULT_FOUND = 1
INTERNAL_ERROR = 70
"""``EX_SOFTWARE`` of sysexits.h."""
INTERRUPTED = 130
"""128 + SIGINT, as shells report it."""

logger = logging.getLogger(__name__)


class ReportingCommand(TyperCommand):
    """A command whose ``CodeContextError`` becomes what the user reads and the process's exit code.

    Every command has a parameter ``as_json``.
    """

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except CodeContextError as error:
            report(error, as_json=ctx.params["as_json"])
            raise typer.Exit(error.exit_code) from error


def report(error: CodeContextError, *, as_json: bool) -> None:
    """Print what was wrong and what would be right."""
    logger.debug("The command ended with this error:", exc_info=error)
    if as_json:
        body = {"code": error.code, "message": error.message, "hint": error.hint}
        stdout().print(json_for_people({"error": body}, indent=2), soft_wrap=True)
    else:
        print_label("Error", f"{error.sentence} {error.hint}".strip(), style="red")


def report_internal(error: Exception) -> None:
    """Report a bug of ours, and how to see where it is."""
    logger.debug("The command ended with this error:", exc_info=error)
    summary = " ".join(f"{type(error).__name__}: {error}".split())
    print_label("Internal error", f"{summary}. Run 'codecontext --debug …' to see where.", style="red")
