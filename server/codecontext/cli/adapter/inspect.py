"""``codecontext adapter inspect``: show what an adapter is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codecontext.cli import wording
from codecontext.cli.console import print_facts, print_json, stdout
from codecontext.cli.options import JsonOption
from codecontext.core.printable import printable

if TYPE_CHECKING:
    from codecontext.adapters import AdapterInfo


def inspect(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Adapter folder.")],
    as_json: JsonOption = False,
) -> None:
    """Show what an adapter is and check that its files are valid. Loads no model."""
    from codecontext.adapters import inspect_adapter
    from codecontext.core.paths import expand_user

    info = inspect_adapter(expand_user(path))
    if as_json:
        print_json(info)
    else:
        _print_info(info)


def _print_info(info: AdapterInfo) -> None:
    stdout().print(printable(info.name), style="bold")
    facts = [
        ("Folder", str(info.path)),
        ("Base model", info.base_model or "not specified"),
        ("Rank", f"{info.rank}, alpha {info.alpha:g}"),
        ("Adapts", f"{', '.join(info.target_modules)} in {wording.count(len(info.layers), 'layer')}"),
        ("Used for", "queries only" if info.side == "query" else "queries and documents"),
        ("Size", f"{wording.size(info.size_bytes)}, {info.parameter_count:,} parameters ({info.dtype})"),
        ("Fingerprint", info.fingerprint),
    ]
    if info.other_modules:
        facts.append(("Replaces", ", ".join(info.other_modules)))
    print_facts(facts)
