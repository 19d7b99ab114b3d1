"""``codecontext adapter``: list, inspect, train, measure and choose LoRA adapters."""

from __future__ import annotations

import typer

from codecontext.cli.adapter.evaluate import evaluate
from codecontext.cli.adapter.export import export
from codecontext.cli.adapter.inspect import inspect
from codecontext.cli.adapter.list import list_adapters
from codecontext.cli.adapter.pairs import pairs
from codecontext.cli.adapter.train import train
from codecontext.cli.adapter.use import use
from codecontext.cli.errors import ReportingCommand

app = typer.Typer(help="Teach CodeContext a project's vocabulary with LoRA adapters.", no_args_is_help=True)


@app.callback()
def adapter() -> None:
    """Teach CodeContext a project's vocabulary with LoRA adapters."""


app.command(cls=ReportingCommand)(train)
app.command(cls=ReportingCommand)(evaluate)
app.command(cls=ReportingCommand)(use)
app.command("list", cls=ReportingCommand)(list_adapters)
app.command(cls=ReportingCommand)(inspect)
app.command(cls=ReportingCommand)(pairs)
app.command(cls=ReportingCommand)(export)
