"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_DEFAULT_FOLDER = "Defaults to the project that contains the current directory."

JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]

ExplainOption = Annotated[
    bool, typer.Option("--explain", help="Show how each hit was ranked and what the results are based on.")
]

LimitOption = Annotated[
    int | None,
    typer.Option(
        "--limit",
        "-n",
        min=1,
        max=200,
        metavar="N",
        help="Maximum number of hits. Defaults to the setting search.limit (10 unless changed).",
        show_default=False,
    ),
]

FolderArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="PATH",
        show_default=False,
        help=f"The project folder. {_DEFAULT_FOLDER}",
    ),
]

FolderOption = Annotated[
    Path | None, typer.Option("--folder", metavar="DIR", help=f"The project folder. {_DEFAULT_FOLDER}")
]
