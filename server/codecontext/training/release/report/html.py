"""Writes evaluations and training runs as HTML."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from codecontext.core.atomic import write_file
from codecontext.core.errors import StoreError
from codecontext.core.private import is_ours, make_private
from codecontext.training.evaluation.results import MAIN_METRIC, METRIC_NAMES, Evaluation, QuerySet
from codecontext.training.release.artifact import TrainingReport
from codecontext.training.release.places import REPORT_FILE
from codecontext.training.release.report import charts

_VIEWS = (("dense", "vectors alone"), ("search", "whole search"))
_SIDES = {"query": "queries only", "both": "queries and documents"}


def write_evaluation_report(evaluation: Evaluation, file: Path) -> Evaluation:
    """Write the report to ``file``; returns the evaluation with the path. Raises ``StoreError``."""
    evaluation = evaluation.model_copy(update={"report": str(file)})
    _write(file, render_evaluation(evaluation))
    return evaluation


def write_training_report(report: TrainingReport) -> TrainingReport:
    """Write the report into the adapter's folder; returns it with the path. Raises ``StoreError``."""
    file = Path(report.path) / REPORT_FILE
    report = report.model_copy(update={"report": str(file)})
    _write(file, render_training(report))
    return report


def render_evaluation(evaluation: Evaluation) -> str:
    """The page of an evaluation."""
    sets = [("Held-out pairs", evaluation.pairs), ("Your own queries", evaluation.own)]
    return _render(
        title=f"{evaluation.adapter.name} against {evaluation.against.name}",
        name=evaluation.adapter.name,
        against=evaluation.against.name,
        folder=evaluation.folder,
        deciding=evaluation.deciding,
        sections=[_section(title, found) for title, found in sets if found],
        facts=[
            ("Adapter", evaluation.adapter.path or "base"),
            ("Fingerprint", evaluation.adapter.fingerprint or ""),
            ("Used for", _SIDES.get(evaluation.adapter.side or "", "")),
            ("Baseline", evaluation.against.path or evaluation.against.name),
            ("Base model", evaluation.base_model),
            ("Chunks searched", f"{evaluation.chunks:,}"),
        ],
        training=None,
    )


def render_training(report: TrainingReport) -> str:
    """The page of a training run."""
    course, data = report.course, report.data
    return _render(
        title=f"{report.name} against base",
        name=report.name,
        against="base",
        folder=report.folder,
        deciding=report.test,
        sections=[_section("Held-out pairs", report.test)],
        facts=[
            ("Adapter", report.path),
            ("Fingerprint", report.fingerprint),
            ("Used for", _SIDES[report.side]),
            ("Trained on", f"{data.train:,} pairs, {course.steps:,} steps, {course.seconds:,.0f} s"),
            ("Validated on", f"{data.validation:,} pairs"),
            ("Strength", "as trained" if course.strength == 1 else f"scaled to {course.strength:g}"),
            ("Chunks searched", f"{data.chunks:,}"),
        ],
        training={
            "chart": charts.course(
                course.losses, course.scores, course.base_score, course.best_validation, "Training progress"
            ),
            "sources": report.sources,
        },
    )


def _section(title: str, found: QuerySet) -> dict[str, Any]:
    by_view = {"dense": found.dense, "search": found.search}
    metrics = {
        label: charts.before_and_after(
            [charts.ChartRow(METRIC_NAMES[name], "", by_view[view][name]) for name in METRIC_NAMES], f"{title}, {label}"
        )
        for view, label in _VIEWS
    }
    sources = {
        label: charts.before_and_after(
            [charts.ChartRow(item.source, f"{item.queries:,} queries", getattr(item, view)) for item in found.sources],
            f"MRR@10 by source, {label}",
        )
        for view, label in _VIEWS
    }
    return {
        "title": title,
        "set": found,
        "metrics": metrics,
        "sources": sources,
        "ranks": charts.rank_changes(found.changes, "Rank changes in the whole search"),
        "gained": found.gained,
        "lost": found.lost,
    }


def _render(*, deciding: QuerySet, **values: Any) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("codecontext.training.release.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    search, dense = deciding.search[MAIN_METRIC], deciding.dense[MAIN_METRIC]
    return environment.get_template("evaluation.html.j2").render(
        search=search,
        dense=dense,
        created=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        **values,
    )


def _write(file: Path, text: str) -> None:
    try:
        if is_ours(file):
            make_private(file.parent)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_file(file, text, private=is_ours(file))
    except OSError as error:
        raise StoreError(
            f"The report cannot be written to {file}: {error.strerror}.", "Choose another file."
        ) from error
