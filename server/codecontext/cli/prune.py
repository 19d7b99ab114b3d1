"""``codecontext index --prune``: remove the indexes of folders that are gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codecontext.cli import wording
from codecontext.cli.console import print_columns, print_json, print_label, stdout

if TYPE_CHECKING:
    from codecontext.engine.prune import PrunedIndex, PruneReport

_WHY_KEPT = {
    "maybe_unmounted": "its drive may not be mounted",
    "in_use": "another process writes it",
    "unknown": "it does not say which folder it is for",
}


def prune_indexes(*, dry_run: bool, as_json: bool) -> None:
    """Remove them, or only say which would go, and print what was done."""
    from codecontext.engine.prune import prune

    report = prune(dry_run=dry_run)
    if as_json:
        print_json(report)
    else:
        _print_report(report)


def _print_report(report: PruneReport) -> None:
    removed = [item for item in report.indexes if item.verdict == "removed"]
    kept = [item for item in report.indexes if item.verdict != "removed"]
    verb = "Would remove" if report.dry_run else "Removed"
    count = wording.count(len(removed), "index", "indexes")
    stdout().print(f"{verb} {count} of folders that are gone, {wording.size(report.bytes_freed)}.", style="bold")
    if removed:
        print_columns([(f"  {item.folder}", wording.size(item.bytes)) for item in removed], ("", "dim"))
    for item in kept:
        print_label("Kept", _why_kept(item))


def _why_kept(item: PrunedIndex) -> str:
    if item.verdict == "unknown":
        return f"{item.index_directory}: {_WHY_KEPT[item.verdict]}. Delete it by hand if you know."
    return f"{item.folder}: {_WHY_KEPT[item.verdict]}. Its index is {item.index_directory}."
