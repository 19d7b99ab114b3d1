"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]

ExplainOption = Annotated[
    bool, typer.Option("--explain", help="Say why each hit is where it is, and what the answer rests on.")
]

LimitOption = Annotated[
    int | None,
    typer.Option(
        "--limit",
        "-n",
        min=1,
        max=200,
        metavar="N",
        help="How many hits to show. Without it: the setting search.limit, which is 10.",
        show_default=False,
    ),
]

FolderArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="PATH",
        show_default=False,
        help="The folder. Without it: the one that a search from here would use.",
    ),
]
