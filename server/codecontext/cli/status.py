"""``codecontext status``: what the index of a folder holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codecontext.cli import wording
from codecontext.cli.console import print_facts, print_json, print_label, stdout
from codecontext.cli.options import FolderArgument, JsonOption
from codecontext.core.printable import printable

if TYPE_CHECKING:
    from codecontext.engine.engine import FolderStatus


def status(
    path: FolderArgument = None,
    skipped: Annotated[
        bool, typer.Option("--skipped", help="List every file that is not in the index, and why.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Say what the index of a folder holds. Loads no model."""
    from codecontext.cli.session import open_engine
    from codecontext.engine.folders import existing_folder, nearest_folder

    folder = existing_folder(path) if path else nearest_folder(Path.cwd())
    with open_engine(folder, log_level="critical") as engine:
        found = engine.status()
    if as_json:
        print_json(found if skipped else found.model_copy(update={"skipped_files": []}))
    elif skipped:
        _print_skipped(found)
    else:
        _print_status(found)


def _print_status(found: FolderStatus) -> None:
    stdout().print(printable(found.folder), style="bold")
    facts = [
        ("Index", _contents(found)),
        ("Model", f"{found.model}, {f'adapter {found.adapter}' if found.adapter else 'no adapter'}"),
    ]
    if found.indexed:
        facts += [
            ("Chunks in", _counts(found.languages) or "no language"),
            ("Skipped", _counts(found.skipped) or "nothing"),
            ("Disk", f"{wording.size(found.index_bytes)} in {found.index_directory}"),
        ]
    facts.append(("Cache", f"{wording.size(found.cache_bytes)} for all folders"))
    print_facts(facts)
    for notice in found.notices:
        print_label("Note", notice)


def _contents(found: FolderStatus) -> str:
    if not found.indexed:
        return "none yet: run 'codecontext index'"
    files, chunks = wording.count(found.files, "file"), wording.count(found.chunks, "chunk")
    if not found.chunks:
        return f"{files}, {chunks}"
    return f"{files}, {chunks}, {wording.share(found.coverage)} with vectors"


def _counts(counts: dict[str, int]) -> str:
    return " · ".join(f"{name.replace('_', ' ')} {number:,}" for name, number in counts.items())


def _print_skipped(found: FolderStatus) -> None:
    """One file a line, the reason first, so that grep and sort have it easy."""
    width = max((len(item.reason) for item in found.skipped_files), default=0)
    for item in found.skipped_files:
        detail = f"  ({item.detail})" if item.detail else ""
        stdout().print(printable(f"{item.reason:<{width}}  {item.path}{detail}"), soft_wrap=True)
