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
from codecontext.training.evaluation.results import Verdict

if TYPE_CHECKING:
    from codecontext.training.release.artifact import TrainingReport


def train(
    path: FolderArgument = None,
    side: Annotated[
        AdapterSide,
        typer.Option(
            "--side",
            help="query: code keeps its embeddings, nothing is re-embedded; both: slower, but can gain more.",
        ),
    ] = AdapterSide.QUERY,
    pairs: PairsOption = None,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="Adapter name. Defaults to the folder's name with a number."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Parent of the adapter folder. Defaults to ~/.codecontext/adapters."),
    ] = None,
    rank: Annotated[int, typer.Option("--rank", min=1, max=256, metavar="N", help="Rank of the LoRA matrices.")] = 8,
    alpha: Annotated[
        float | None, typer.Option("--alpha", min=0.01, metavar="X", help="LoRA scale. Defaults to twice the rank.")
    ] = None,
    targets: Annotated[
        list[str] | None,
        typer.Option(
            "--target",
            metavar="MODULE",
            help="Module to adapt; repeatable. Defaults to the model's query and value projections.",
        ),
    ] = None,
    epochs: Annotated[
        int, typer.Option("--epochs", min=1, max=100, metavar="N", help="Passes over the training pairs.")
    ] = 3,
    batch_size: Annotated[
        int, typer.Option("--batch-size", min=2, max=4096, metavar="N", help="Pairs per training step.")
    ] = 32,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            "--learning-rate",
            min=1e-7,
            max=0.9,
            metavar="X",
            help="Peak learning rate. Defaults to 0.002, or 0.0005 with --side both.",
        ),
    ] = None,
    device: Annotated[
        str, typer.Option("--device", metavar="DEVICE", help="Device: auto, cpu, cuda, cuda:N or mps.")
    ] = "auto",
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, metavar="N", help="CPU threads. Defaults to all cores but one.")
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", min=0, metavar="N", help="Random seed for the split and training.")
    ] = 0,
    replace: Annotated[bool, typer.Option("--replace", help="Replace an existing adapter of the same name.")] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start from scratch instead of resuming a stopped run.")
    ] = False,
    progress: ProgressOption = ProgressFormat.TEXT,
    as_json: JsonOption = False,
) -> None:
    """Train an adapter on a repository and measure how much it improves search.

    Ctrl-C saves progress; run the same command to resume. The adapter is not activated until 'adapter use'.
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
    verdict = report.test.verdict
    if verdict is Verdict.BETTER:
        print_label("Next", f"codecontext adapter use {report.name}", style="green")
    else:
        print_label("Note", f"{verdict.summary}; see the report for the queries that changed.")
