"""Charts and cards say what the figures say."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from codecontext.training.evaluation.results import (
    MAIN_METRIC,
    METRIC_NAMES,
    Comparison,
    Evaluation,
    Interval,
    QueryChange,
    QuerySet,
    SourceComparison,
    SystemName,
    gain_of,
)
from codecontext.training.release.report.charts import BUCKETS, ChartRow, before_and_after, course, rank_changes
from codecontext.training.release.report.html import render_evaluation


def interval(mean: float, spread: float = 0.05) -> Interval:
    return Interval(mean=mean, low=mean - spread, high=mean + spread)


def change(before: int | None, after: int | None, **dense: int | None) -> QueryChange:
    ranks = {"dense_before": None, "dense_after": None} | dense
    return QueryChange(query="q", wanted="a.py:1", source="own", search_before=before, search_after=after, **ranks)


def classes(svg: str, element: str) -> list[str]:
    return [item.get("class", "") for item in ElementTree.fromstring(svg).iter(element)]


def test_a_gain_beyond_doubt_is_marked() -> None:
    rows = [
        ChartRow("up", "", Comparison(before=interval(0.3), after=interval(0.5), gain=interval(0.2))),
        ChartRow("down", "", Comparison(before=interval(0.5), after=interval(0.3), gain=interval(-0.2))),
        ChartRow("same", "", Comparison(before=interval(0.5), after=interval(0.51), gain=interval(0.01))),
    ]
    svg = before_and_after(rows, "title")
    assert [name for name in classes(svg, "text") if name.startswith("gain")] == [
        "gain better",
        "gain worse",
        "gain same",
    ]


def test_labels_from_code_cannot_break_out() -> None:
    row = ChartRow("<b>&", '"', Comparison(before=interval(0.3), after=interval(0.5), gain=interval(0.2)))
    assert ElementTree.fromstring(before_and_after([row], '"><script>')).get("aria-label") == '"><script>'


def test_rank_changes_are_counted_in_their_cells() -> None:
    svg = rank_changes([change(5, 1), change(8, 1), change(1, None), change(3, 3)], "title")
    counts = [item.text for item in ElementTree.fromstring(svg).iter("text") if item.get("class") == "count"]
    assert sorted(filter(None, counts)) == ["1", "1", "2"]
    assert len(classes(svg, "rect")) == len(BUCKETS) ** 2


def test_the_best_validation_is_named() -> None:
    svg = course([3.0, 2.5, 2.6], [0.40, 0.45, 0.44], 0.38, 1, "title")
    assert re.search(r"best: 0\.450", svg)
    assert classes(svg, "line").count("score") == 3


def evaluation_with(gain: Interval) -> Evaluation:
    found = dict.fromkeys(METRIC_NAMES, Comparison(before=interval(0.5), after=interval(0.4), gain=gain))
    source = SourceComparison(source="own", queries=1, dense=found[MAIN_METRIC], search=found[MAIN_METRIC])
    pairs = QuerySet(queries=1, dense=found, search=found, sources=[source], changes=[change(1, 2)])
    adapter, base = SystemName(name="words"), SystemName(name="base")
    return Evaluation(
        folder="shop", adapter=adapter, against=base, base_model="m", chunks=9, pairs=pairs, helps_search=False
    )


@pytest.mark.parametrize(
    ("gain", "verdict", "sentence"),
    [
        (interval(0.1), "better", "Search improves significantly."),
        (interval(0.01), "same", "No significant improvement in search."),
        (interval(-0.01), "same", "No significant improvement in search."),
        (interval(-0.1), "worse", "Search gets significantly worse."),
    ],
)
def test_the_page_says_what_the_interval_says(gain: Interval, verdict: str, sentence: str) -> None:
    page = render_evaluation(evaluation_with(gain))
    assert f'class="card verdict {verdict}"' in page
    assert sentence in page
    assert set(re.findall(r'class="gain (\w+)"', page)) == {verdict}


def test_search_decides_what_gained_and_vectors_break_ties() -> None:
    assert gain_of(change(2, 1)) > gain_of(change(None, 3)) > gain_of(change(4, 4, dense_before=9, dense_after=1)) > 0
    assert gain_of(change(1, 2)) < 0
