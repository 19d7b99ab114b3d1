"""Writes an evaluation as HTML."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codecontext.core.atomic import write_file
from codecontext.core.errors import StoreError
from codecontext.core.private import is_ours, make_private
from codecontext.training.evaluation.metrics import MAIN_METRIC
from codecontext.training.evaluation.report import charts
from codecontext.training.evaluation.results import Evaluation, QuerySet
from codecontext.training.release.card import METRIC_NAMES
from codecontext.training.release.places import REPORT_FILE

if TYPE_CHECKING:
    from codecontext.training.trainer import TrainingReport

_VIEWS = (("dense", "vectors alone"), ("search", "whole search"))


def write_evaluation_report(evaluation: Evaluation, file: Path) -> Evaluation:
    """Write the report to ``file``; returns the evaluation with its place. Raises ``StoreError``."""
    evaluation = evaluation.model_copy(update={"report": str(file)})
    _write(file, render_evaluation(evaluation))
    return evaluation


def write_training_report(report: TrainingReport) -> TrainingReport:
    """Write the report beside the adapter; returns it with its place. Raises ``StoreError``."""
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
            ("For", {"query": "queries alone", "both": "queries and documents"}.get(evaluation.adapter.side or "", "")),
            ("Against", evaluation.against.path or evaluation.against.name),
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
            ("For", {"query": "queries alone", "both": "queries and documents"}[report.side]),
            ("Trained on", f"{data.train:,} pairs, {course.steps:,} steps, {course.seconds:,.0f} s"),
            ("Chosen by", f"{data.validation:,} pairs"),
            ("Strength", "as trained" if course.strength == 1 else f"{course.strength:g} of what it was trained to"),
            ("Chunks searched", f"{data.chunks:,}"),
        ],
        training={
            "chart": charts.course(
                course.losses, course.scores, course.base_score, course.best_validation, "Course of training"
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
        loader=PackageLoader("codecontext.training.evaluation.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    search, dense = deciding.search[MAIN_METRIC], deciding.dense[MAIN_METRIC]
    return environment.get_template("evaluation.html.j2").render(
        search=search,
        dense=dense,
        verdict=_verdict(search.gain.mean, search.gain.low, search.gain.high),
        created=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        **values,
    )


def _verdict(mean: float, low: float, high: float) -> tuple[str, str]:
    """A word for the style sheet and a sentence for people."""
    if mean > 0 and low >= 0:
        return "better", "The whole search is better with it."
    if high < 0:
        return "worse", "The whole search is worse with it."
    return "same", "The whole search shows no difference beyond chance."


def _write(file: Path, text: str) -> None:
    try:
        if is_ours(file):
            make_private(file.parent)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_file(file, text, private=is_ours(file))
    except OSError as error:
        raise StoreError(f"The report cannot be written to {file}: {error.strerror}.", "Name another file.") from error
