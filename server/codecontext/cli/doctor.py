"""``codecontext doctor``: check everything that indexing and searching need."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.text import Text

from codecontext.cli.console import print_columns, print_json, stderr, stdout
from codecontext.cli.errors import FAULT_FOUND
from codecontext.cli.logs import quiet
from codecontext.cli.options import FolderArgument, JsonOption
from codecontext.core.printable import printable

if TYPE_CHECKING:
    from codecontext.engine.doctor import DoctorReport

_MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "error": ("✗", "red")}


def doctor(path: FolderArgument = None, as_json: JsonOption = False) -> None:
    """Check model, adapter, device, index, disk and versions, and suggest a fix for each problem.

    This embeds a sentence with the configured model, so it takes a few seconds. Nothing is repaired.
    """
    from codecontext.engine.doctor import examine
    from codecontext.engine.folders import existing_folder, nearest_folder

    folder = existing_folder(path) if path else nearest_folder(Path.cwd())
    with quiet(), stderr().status("Checking…"):
        report = examine(folder)
    if as_json:
        print_json(report)
    else:
        _print_report(report)
    if report.has_errors:
        raise typer.Exit(FAULT_FOUND)


def _print_report(report: DoctorReport) -> None:
    stdout().print(printable(report.folder), style="bold")
    rows: list[tuple[Text, str, str]] = []
    for check in report.checks:
        mark, colour = _MARKS[check.status]
        rows.append((Text(f"  {mark}", style=colour), check.name, check.found))
        if check.advice:
            rows.append((Text(), "", f"→ {check.advice}"))
    print_columns(rows, ("", "bold", ""))
