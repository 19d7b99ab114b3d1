"""``codecontext index --prune``: remove the indexes of deleted folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codecontext.cli import wording
from codecontext.cli.console import print_columns, print_json, print_label, stdout

if TYPE_CHECKING:
    from codecontext.engine.prune import PrunedIndex, PruneReport

_WHY_KEPT = {
    "maybe_unmounted": "its drive may not be mounted",
    "in_use": "another process is writing its index",
    "unknown": "it does not record which folder it belongs to",
}


def prune_indexes(*, dry_run: bool, as_json: bool) -> None:
    """Remove them, or with ``dry_run`` only show which would be removed."""
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
    stdout().print(f"{verb} {count} of deleted folders ({wording.size(report.bytes_freed)}).", style="bold")
    if removed:
        print_columns([(f"  {item.folder}", wording.size(item.bytes)) for item in removed], ("", "dim"))
    for item in kept:
        print_label("Kept", _why_kept(item))


def _why_kept(item: PrunedIndex) -> str:
    if item.verdict == "unknown":
        return f"{item.index_directory}: {_WHY_KEPT[item.verdict]}. Delete it by hand if you do not need it."
    return f"{item.folder}: {_WHY_KEPT[item.verdict]}. The index is in {item.index_directory}."
