"""The command ``codecontext`` and its entry point."""

from __future__ import annotations

import sys
import warnings
from typing import Annotated

import typer

from codecontext.cli import config
from codecontext.cli.adapter import app as adapter
from codecontext.cli.doctor import doctor
from codecontext.cli.errors import INTERNAL_ERROR, ReportingCommand, report_internal
from codecontext.cli.index import index
from codecontext.cli.logs import start_logging
from codecontext.cli.search import search
from codecontext.cli.serve import serve
from codecontext.cli.similar import similar
from codecontext.cli.status import status
from codecontext.cli.version import version
from codecontext.core.startup import ensure_utf8, limit_malloc_arenas

_EVERY_DAY = "Every day"
_SET_UP = "Set-up and faults"

app = typer.Typer(
    name="codecontext",
    help="Search code by meaning, on your own machine.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def codecontext(
    debug: Annotated[bool, typer.Option("--debug", help="Log everything, with tracebacks.")] = False,
) -> None:
    """Search code by meaning, on your own machine."""
    start_logging(debug=debug)


app.command(cls=ReportingCommand, rich_help_panel=_EVERY_DAY)(index)
app.command(cls=ReportingCommand, rich_help_panel=_EVERY_DAY)(search)
app.command(cls=ReportingCommand, rich_help_panel=_EVERY_DAY)(similar)
app.command(cls=ReportingCommand, rich_help_panel=_EVERY_DAY)(status)
app.command(rich_help_panel=_EVERY_DAY)(serve)
app.command(cls=ReportingCommand, rich_help_panel=_SET_UP)(doctor)
app.command(cls=ReportingCommand, rich_help_panel=_SET_UP)(version)
app.add_typer(config.app, name="config", rich_help_panel=_SET_UP)
app.add_typer(adapter.app, name="adapter", rich_help_panel=_SET_UP)


def main() -> None:
    """Run the command line and end the process with its exit code (docs/cli.md lists them)."""
    ensure_utf8()
    limit_malloc_arenas()
    if not sys.warnoptions:
        # Python's warnings are for whoever maintains the code; ours to the user are log records.
        warnings.simplefilter("ignore")
    for stream in (sys.stdout, sys.stderr):
        # Code in any script must be printable wherever the output goes.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        app()
    except Exception as error:  # noqa: BLE001 - the last place where a fault can be turned into a sentence
        report_internal(error)
        sys.exit(INTERNAL_ERROR)
