"""``codecontext adapter train``: teach an adapter a project's vocabulary."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codecontext.adapters.files import AdapterSide
from codecontext.cli import wording
from codecontext.cli.adapter.evaluate import print_query_set
from codecontext.cli.adapter.options import (
    PairsOption,
    ProgressFormat,
    ProgressOption,
    open_workbench,
    project_folder,
    project_settings,
)
from codecontext.cli.adapter.pairs import print_sources
from codecontext.cli.console import print_facts, print_json, print_label, shown_path, stdout
from codecontext.cli.options import FolderArgument, JsonOption

if TYPE_CHECKING:
    from codecontext.training.release.artifact import TrainingReport


def train(
    path: FolderArgument = None,
    side: Annotated[
        AdapterSide,
        typer.Option(
            "--side",
            help="query: documents stay as they are, nothing is embedded again; both: slower, and for larger gains.",
        ),
    ] = AdapterSide.QUERY,
    pairs: PairsOption = None,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="Name of the adapter. Without it: the folder's, with a number."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Put the adapter's folder in here. Without it: in ~/.codecontext/adapters."
        ),
    ] = None,
    rank: Annotated[int, typer.Option("--rank", min=1, max=256, metavar="N", help="Rank of the matrices.")] = 8,
    alpha: Annotated[
        float | None, typer.Option("--alpha", min=0.01, metavar="X", help="Scale. Without it: twice the rank.")
    ] = None,
    targets: Annotated[
        list[str] | None,
        typer.Option(
            "--target",
            metavar="MODULE",
            help="Adapt these modules; repeatable. Without it: the query and value projections of the model.",
        ),
    ] = None,
    epochs: Annotated[int, typer.Option("--epochs", min=1, max=100, metavar="N", help="Passes over the pairs.")] = 3,
    batch_size: Annotated[
        int, typer.Option("--batch-size", min=2, max=4096, metavar="N", help="Pairs of a step.")
    ] = 32,
    learning_rate: Annotated[
        float | None,
        typer.Option("--learning-rate", min=1e-7, max=0.9, metavar="X", help="Highest learning rate."),
    ] = None,
    device: Annotated[str, typer.Option("--device", metavar="DEVICE", help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, metavar="N", help="CPU threads. Without it: all cores but one.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Decides the split and all chance.")] = 0,
    replace: Annotated[bool, typer.Option("--replace", help="Replace an adapter of the same name.")] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew, even if a run like this one was stopped.")
    ] = False,
    progress: ProgressOption = ProgressFormat.TEXT,
    as_json: JsonOption = False,
) -> None:
    """Train an adapter on a repository and measure what it is worth there.

    Ctrl-C keeps the state; the same command goes on from it. Nothing is used until 'codecontext adapter use'.
    """
    from codecontext.training.config import LEARNING_RATES, TrainingConfig
    from codecontext.training.release.places import adapter_target
    from codecontext.training.release.report.html import write_training_report
    from codecontext.training.trainer import Trainer

    folder = project_folder(path)
    settings = project_settings(folder)
    config = TrainingConfig(
        side=side,
        rank=rank,
        alpha=alpha or 2 * rank,
        epochs=epochs,
        batch_size=batch_size,
        device=device,
        seed=seed,
        threads=threads,
        targets=tuple(targets or ()),
        learning_rate=learning_rate or LEARNING_RATES[side],
    )
    target = adapter_target(folder, name, out)
    with open_workbench(folder, settings, progress) as bench:
        report = Trainer(bench, config, target, replace=replace).run(pairs, fresh=fresh)
    report = write_training_report(report)
    if as_json:
        print_json(report)
    else:
        _print_report(report)


def _print_report(report: TrainingReport) -> None:
    data, course = report.data, report.course
    stdout().print(
        f"Trained {report.name} on {wording.count(data.train, 'pair')} in {wording.duration(course.seconds)}.",
        style="bold",
    )
    print_sources(report.sources)
    print_query_set("Held-out pairs", report.test, "base", report.name)
    print_facts([("Adapter", shown_path(Path(report.path))), ("Report", shown_path(Path(report.report)))])
    if report.helps_search:
        print_label("Next", f"codecontext adapter use {report.name}", style="green")
    else:
        print_label(
            "Note",
            "it is not beyond doubt that the whole search is better with it; the report shows which queries gained and "
            "lost.",
        )
