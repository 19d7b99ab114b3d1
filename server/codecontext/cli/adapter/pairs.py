"""``codecontext adapter pairs``: find pairs of a query and the code that answers it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, Field

from codecontext.cli import wording
from codecontext.cli.adapter.options import (
    ProgressFormat,
    ProgressOption,
    open_workbench,
    project_folder,
    project_settings,
)
from codecontext.cli.console import print_columns, print_facts, print_json, shown_path, stdout
from codecontext.cli.options import FolderArgument, JsonOption
from codecontext.core.printable import printable
from codecontext.training.data.pairs import Pair, SourceCount

_EXAMPLES = 5


class PairsOutput(BaseModel):
    """What ``adapter pairs --json`` prints."""

    folder: str = Field(description="The folder.")
    file: str | None = Field(description="Where the pairs were written; null without `--out`.")
    pairs: int = Field(description="How many pairs were found.")
    sources: list[SourceCount] = Field(description="Counts by source.")
    examples: list[Pair] = Field(description="Some of the pairs.")


def pairs(
    path: FolderArgument = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the pairs to this JSON Lines file.")
    ] = None,
    sources: Annotated[
        list[str] | None,
        typer.Option("--source", metavar="SOURCE", help="Only use pairs from this source; repeatable."),
    ] = None,
    progress: ProgressOption = ProgressFormat.TEXT,
    as_json: JsonOption = False,
) -> None:
    """Find pairs of a query and the code that answers it. The repository needs no labels.

    Reads docstrings, tests, commits, documents and help texts; comments only with --source. Loads no model.
    """
    from codecontext.training.data.mining.mine import mine
    from codecontext.training.data.pairs import write_pairs

    folder = project_folder(path)
    settings = project_settings(folder)
    with open_workbench(folder, settings, progress) as bench:
        mined, _repository = mine(
            folder, settings.indexing, sources=sources or (), on_progress=bench.on_progress, cancel=bench.cancel
        )
    if out is not None:
        write_pairs(out, mined.pairs)
    step = max(1, len(mined.pairs) // _EXAMPLES)
    output = PairsOutput(
        folder=str(folder),
        file=str(out) if out else None,
        pairs=len(mined.pairs),
        sources=mined.sources,
        examples=mined.pairs[::step][:_EXAMPLES],
    )
    if as_json:
        print_json(output)
    else:
        _print_output(output)


def _print_output(output: PairsOutput) -> None:
    stdout().print(f"{wording.count(output.pairs, 'pair')} in {printable(output.folder)}", style="bold")
    print_sources(output.sources)
    for pair in output.examples:
        span = pair.code[0]
        stdout().print(f"\n  {printable(pair.query)}")
        stdout().print(printable(f"  → {span.path}:{span.start_line} {span.name}"), style="dim")
    if output.file:
        print_facts([("Written", shown_path(Path(output.file)))])


def print_sources(sources: list[SourceCount]) -> None:
    """Print the counts of pairs, and why others were left out."""
    rows = [
        (f"  {item.source}", f"{item.pairs:,}", _left_out(item.left_out))
        for item in sources
        if item.pairs or item.left_out
    ]
    if rows:
        print_columns(rows, ("", "bold", "dim"))


def _left_out(reasons: dict[str, int]) -> str:
    if not reasons:
        return ""
    return "left out: " + ", ".join(f"{count:,} {reason}" for reason, count in reasons.items())
