"""``codecontext status``: what is indexed of a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codecontext.cli import wording
from codecontext.cli.console import print_facts, print_json, print_label, stdout
from codecontext.cli.options import FolderArgument, JsonOption
from codecontext.core.printable import printable

if TYPE_CHECKING:
    from codecontext.engine.folder_state import FolderDetails


def status(
    path: FolderArgument = None,
    skipped: Annotated[bool, typer.Option("--skipped", help="List every file that is not indexed, and why.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what is indexed of a folder. Loads no model."""
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


def _print_status(found: FolderDetails) -> None:
    stdout().print(printable(found.folder), style="bold")
    facts = [
        ("Index", _contents(found)),
        ("Model", _model(found)),
    ]
    if found.indexed:
        facts += [
            ("Chunks in", _counts(found.languages) or "no language"),
            ("Skipped", _counts(found.skipped_by_reason) or "nothing"),
            ("Disk", f"{wording.size(found.index_bytes)} in {found.index_directory}"),
        ]
    facts.append(("Cache", f"{wording.size(found.cache_bytes)} for all folders"))
    print_facts(facts)
    for notice in found.notices:
        print_label("Note", notice)


def _contents(found: FolderDetails) -> str:
    if not found.indexed:
        return "none yet; run 'codecontext index'"
    files, chunks = wording.count(found.files, "file"), wording.count(found.chunks, "chunk")
    if not found.chunks or found.keyword_only:
        return f"{files}, {chunks}"
    return f"{files}, {chunks}, {wording.share(found.coverage)} embedded"


def _model(found: FolderDetails) -> str:
    if found.keyword_only:
        return "none: keyword search only, as indexing.vectors is off"
    adapter = f"adapter {found.wanted_adapter_path}" if found.wanted_adapter_path else "no adapter"
    return f"{found.model}, {adapter}"


def _counts(counts: dict[str, int]) -> str:
    return " · ".join(f"{name.replace('_', ' ')} {number:,}" for name, number in counts.items())


def _print_skipped(found: FolderDetails) -> None:
    """One file a line, the reason first, so that grep and sort work well."""
    width = max((len(item.reason) for item in found.skipped_files), default=0)
    for item in found.skipped_files:
        detail = f"  ({item.detail})" if item.detail else ""
        stdout().print(printable(f"{item.reason:<{width}}  {item.path}{detail}"), soft_wrap=True)
