"""``codecontext adapter``: list, inspect, train, measure and choose LoRA adapters."""

from __future__ import annotations

import typer

from codecontext.cli.lazy import LazyCommand, lazy_group

_COMMANDS = {
    "train": LazyCommand("codecontext.cli.adapter.train:train"),
    "evaluate": LazyCommand("codecontext.cli.adapter.evaluate:evaluate"),
    "use": LazyCommand("codecontext.cli.adapter.use:use"),
    "list": LazyCommand("codecontext.cli.adapter.list:list_adapters"),
    "inspect": LazyCommand("codecontext.cli.adapter.inspect:inspect"),
    "pairs": LazyCommand("codecontext.cli.adapter.pairs:pairs"),
    "export": LazyCommand("codecontext.cli.adapter.export:export"),
}

app = typer.Typer(
    cls=lazy_group(_COMMANDS),
    help="Teach CodeContext a project's vocabulary with LoRA adapters.",
    no_args_is_help=True,
    add_completion=False,
)


@app.callback()
def adapter() -> None:
    """Teach CodeContext a project's vocabulary with LoRA adapters."""
