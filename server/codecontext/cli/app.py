"""The command ``codecontext`` and its entry point."""

from __future__ import annotations

import sys
import warnings
from typing import Annotated

import typer
from typer.core import TyperCommand

from codecontext.cli.errors import INTERNAL_ERROR, report_internal
from codecontext.cli.lazy import LazyCommand, lazy_group
from codecontext.cli.logs import start_logging
from codecontext.core.startup import ensure_utf8, limit_malloc_arenas

_COMMON = "Common commands"
_SETUP = "Setup and diagnostics"

_COMMANDS = {
    "index": LazyCommand("codecontext.cli.index:index", _COMMON),
    "search": LazyCommand("codecontext.cli.search:search", _COMMON),
    "similar": LazyCommand("codecontext.cli.similar:similar", _COMMON),
    "status": LazyCommand("codecontext.cli.status:status", _COMMON),
    "serve": LazyCommand("codecontext.cli.serve:serve", _COMMON, TyperCommand),
    "doctor": LazyCommand("codecontext.cli.doctor:doctor", _SETUP),
    "version": LazyCommand("codecontext.cli.version:version", _SETUP),
    "config": LazyCommand("codecontext.cli.config:app", _SETUP),
    "adapter": LazyCommand("codecontext.cli.adapter.app:app", _SETUP),
}

app = typer.Typer(
    name="codecontext",
    cls=lazy_group(_COMMANDS),
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
