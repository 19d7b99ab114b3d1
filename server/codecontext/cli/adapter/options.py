"""Arguments and options that several adapter commands share, and what they resolve to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codecontext.cli.console import stderr

if TYPE_CHECKING:
    from codecontext.config import Settings
    from codecontext.training.data.workbench import Workbench


class ProgressFormat(StrEnum):
    """How progress is shown on stderr."""

    TEXT = "text"
    JSON = "json"


AdapterArgument = Annotated[
    str,
    typer.Argument(
        metavar="ADAPTER",
        help="Adapter name as shown by 'codecontext adapter list', or adapter folder.",
        show_default=False,
    ),
]

ProjectOption = Annotated[
    Path | None,
    typer.Option(
        "--folder", metavar="DIR", help="Project folder. Defaults to the project that contains the current directory."
    ),
]

PairsOption = Annotated[
    Path | None,
    typer.Option("--pairs", metavar="FILE", help="Use the pairs in this JSON Lines file instead of mined ones."),
]

QueriesOption = Annotated[
    Path | None,
    typer.Option(
        "--queries",
        metavar="FILE",
        help="Also run these labelled queries (JSON Lines) against the project's own index.",
    ),
]

ProgressOption = Annotated[
    ProgressFormat,
    typer.Option("--progress", help="Progress on stderr: as text, or as one JSON object per line."),
]

ReportOption = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE", help="File for the HTML report. Defaults to one below ~/.codecontext."),
]


def project_folder(folder: Path | None) -> Path:
    """The project that a command works on. Raises ``ConfigError``."""
    from codecontext.engine.folders import existing_folder, nearest_folder

    return existing_folder(folder) if folder else nearest_folder(Path.cwd())


def project_settings(folder: Path) -> Settings:
    """The project's settings; logging follows them. Raises ``ConfigError``."""
    from codecontext.cli.logs import apply_log_settings
    from codecontext.config import load_settings

    loaded = load_settings(folder)
    apply_log_settings(loaded, default="warning")
    return loaded.settings


def resolve(name: str, folder: Path, settings: Settings) -> Path | None:
    """Folder of the adapter that ``name`` means for the project; None for ``base``. Raises ``AdapterError``."""
    from codecontext.adapters.places import adapter_places, find_adapter

    return find_adapter(name, adapter_places(folder, settings.adapters.folders))


@contextmanager
def open_workbench(folder: Path, settings: Settings, progress: ProgressFormat) -> Iterator[Workbench]:
    """What training and measuring need, with progress on stderr; the first Ctrl-C stops it at a safe point."""
    from codecontext.cli.progress import json_progress, stop_on_interrupt, work_progress
    from codecontext.training.data.workbench import Workbench

    show = json_progress if progress is ProgressFormat.JSON else work_progress
    with (
        stop_on_interrupt(lambda: None if progress is ProgressFormat.JSON else _announce_stop()) as cancel,
        show(stderr()) as on_progress,
        closing(Workbench(folder, settings, on_progress, cancel)) as bench,
    ):
        yield bench


def _announce_stop() -> None:
    stderr().print("Stopping after this step… (Press Ctrl-C again to stop immediately.)")
