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

_COMMON = "Common commands"
_SETUP = "Setup and diagnostics"

app = typer.Typer(
    name="codecontext",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def codecontext(
    debug: Annotated[bool, typer.Option("--debug", help="Log everything, including tracebacks.")] = False,
) -> None:
    """Semantic code search on your own machine."""
    start_logging(debug=debug)


app.command(cls=ReportingCommand, rich_help_panel=_COMMON)(index)
app.command(cls=ReportingCommand, rich_help_panel=_COMMON)(search)
app.command(cls=ReportingCommand, rich_help_panel=_COMMON)(similar)
app.command(cls=ReportingCommand, rich_help_panel=_COMMON)(status)
app.command(rich_help_panel=_COMMON)(serve)
app.command(cls=ReportingCommand, rich_help_panel=_SETUP)(doctor)
app.command(cls=ReportingCommand, rich_help_panel=_SETUP)(version)
app.add_typer(config.app, name="config", rich_help_panel=_SETUP)
app.add_typer(adapter.app, name="adapter", rich_help_panel=_SETUP)


def main() -> None:
    """Run the command line and end the process with its exit code (docs/cli.md lists them)."""
    ensure_utf8()
    limit_malloc_arenas()
    if not sys.warnoptions:
        # Python's warnings are for maintainers; what users should know is logged.
        warnings.simplefilter("ignore")
    for stream in (sys.stdout, sys.stderr):
        # Code in any script must be printable wherever the output goes.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        app()
    except Exception as error:  # noqa: BLE001 - the last place where an error can become a sentence
        report_internal(error)
        sys.exit(INTERNAL_ERROR)
