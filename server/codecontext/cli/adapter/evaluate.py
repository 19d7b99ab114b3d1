"""``codecontext adapter evaluate``: measure an adapter against the base model or another adapter."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codecontext.cli import wording
from codecontext.cli.adapter.options import (
    AdapterArgument,
    PairsOption,
    ProgressFormat,
    ProgressOption,
    ProjectOption,
    QueriesOption,
    ReportOption,
    open_workbench,
    project_folder,
    project_settings,
    resolve,
)
from codecontext.cli.console import print_columns, print_facts, print_json, shown_path, stdout
from codecontext.cli.options import JsonOption
from codecontext.core.printable import printable
from codecontext.training.evaluation.results import METRIC_NAMES

if TYPE_CHECKING:
    from codecontext.training.evaluation.results import Comparison, Evaluation, QueryChange, QuerySet

_SHOWN = ("recall_at_1", "recall_at_10", "mrr_at_10", "ndcg_at_10")
_QUERIES = 3


def evaluate(
    adapter: AdapterArgument,
    against: Annotated[
        str, typer.Option("--against", metavar="ADAPTER", help="Baseline: base, an adapter name or an adapter folder.")
    ] = "base",
    queries: QueriesOption = None,
    pairs: PairsOption = None,
    folder: ProjectOption = None,
    report: ReportOption = None,
    progress: ProgressOption = ProgressFormat.TEXT,
    as_json: JsonOption = False,
) -> None:
    """Measure an adapter on a repository, by vectors alone and through the whole search.

    Uses pairs from the repository that the adapter was not trained on. The index must be up to date.
    """
    from codecontext.training.evaluator import Evaluator
    from codecontext.training.release.places import evaluation_report
    from codecontext.training.release.report.html import write_evaluation_report

    place = project_folder(folder)
    settings = project_settings(place)
    first, second = resolve(adapter, place, settings), resolve(against, place, settings)
    with open_workbench(place, settings, progress) as bench:
        evaluation = Evaluator(bench, first, second).evaluate(pairs, queries)
    evaluation = write_evaluation_report(evaluation, report or evaluation_report(place, evaluation.adapter.name))
    if as_json:
        print_json(evaluation)
    else:
        print_evaluation(evaluation)


def print_evaluation(evaluation: Evaluation) -> None:
    """Print an evaluation for people."""
    names = evaluation.against.name, evaluation.adapter.name
    stdout().print(printable(f"{names[1]} against {names[0]}, {evaluation.folder}"), style="bold")
    if evaluation.pairs is not None:
        print_query_set("Held-out pairs", evaluation.pairs, *names)
    if evaluation.own is not None:
        print_query_set("Your queries", evaluation.own, *names)
    if evaluation.report:
        print_facts([("Report", shown_path(Path(evaluation.report)))])


def print_query_set(title: str, result: QuerySet, before: str, after: str) -> None:
    """Print the comparison over one set of queries."""
    stdout().print(f"\n{title}: {wording.count(result.queries, 'query', 'queries')}", style="bold")
    rows = [("", "", before, after, "change", "95 % interval")]
    for view, found in (("vectors alone", result.dense), ("whole search", result.search)):
        rows += [(f"  {view}", METRIC_NAMES[metric], *_figures(found[metric])) for metric in _SHOWN]
    print_columns(rows, ("", "", "", "", "bold", "dim"))
    for label, changes in (("Largest gains", result.gained), ("Largest losses", result.lost)):
        if changes:
            stdout().print(f"  {label}", style="dim")
            print_columns([_change(change) for change in changes[:_QUERIES]], ("", ""))


def _figures(found: Comparison) -> tuple[str, str, str, str]:
    gain = found.gain
    return (
        f"{found.before.mean:.3f}",
        f"{found.after.mean:.3f}",
        f"{gain.mean:+.3f}",
        f"{gain.low:+.3f} to {gain.high:+.3f}",
    )


def _change(change: QueryChange) -> tuple[str, str]:
    def rank(value: int | None) -> str:
        return str(value) if value else "-"

    return f"    {rank(change.search_before)} → {rank(change.search_after)}", f"{change.query}  ({change.wanted})"
