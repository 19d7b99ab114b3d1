"""The two streams: results go to stdout, everything else to stderr."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from pydantic import BaseModel
from rich.cells import set_cell_size
from rich.console import Console
from rich.table import Table
from rich.text import Text

from codecontext.core.printable import json_for_people, printable, printable_lines

_PIPE_WIDTH = 100_000
"""Columns where there is no terminal: programs that read a pipe want whole lines."""


@cache
def stdout() -> Console:
    """Where results go. Colours only on a terminal, and not with ``NO_COLOR``."""
    return _console(stderr=False)


@cache
def stderr() -> Console:
    """Where progress, log lines, labels and errors go."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    return console


def print_json(result: BaseModel) -> None:
    """Print a result as the one JSON document on stdout."""
    value = json.loads(json.dumps(result.model_dump(mode="json")), parse_constant=lambda _: None)  # NaN is no JSON
    stdout().print(json_for_people(value, indent=2), soft_wrap=True)


def print_label(label: str, sentence: str, style: str = "yellow") -> None:
    """Print ``label: sentence`` on stderr. Several problems take a line each."""
    stderr().print(Text.assemble((f"{label}:", f"{style} bold"), " ", printable_lines(sentence)))


def print_columns(rows: Sequence[Sequence[str | Text]], styles: Sequence[str]) -> None:
    """Print ``rows`` on stdout, in aligned columns; on a terminal long cells are folded.

    ``styles`` has one style per column.
    """
    cells = [[Text(printable(cell)) if isinstance(cell, str) else cell for cell in row] for row in rows]
    if stdout().is_terminal:
        table = Table.grid(padding=(0, 2))
        for style in styles:
            table.add_column(style=style, overflow="fold")
        for row in cells:
            table.add_row(*row)
        stdout().print(table)
        return
    widths = [max(cell.cell_len for cell in column) for column in zip(*cells, strict=True)]
    for row in cells:
        padded = (set_cell_size(cell.plain, width) for cell, width in zip(row, widths, strict=True))
        stdout().print("  ".join(padded).rstrip())


def print_facts(facts: Sequence[tuple[str, str]]) -> None:
    """Print names and values in two indented columns on stdout."""
    print_columns([(f"  {name}", value) for name, value in facts], ("dim", ""))


def shown_path(path: Path) -> str:
    """``path`` as a person in the current folder would type it."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive
        return str(path)
    return str(path) if relative.startswith(os.path.join("..", "..", "..")) else relative  # noqa: PTH118
