"""Small charts as inline SVG. Colours are the page's CSS variables, so that they follow light and dark."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from codecontext.training.evaluation.results import Comparison, QueryChange

WIDTH = 720
_LABEL_WIDTH = 190
_GAIN_WIDTH = 150
_ROW_HEIGHT = 44
_AXIS_HEIGHT = 28
_DENSE_TICKS = 0.5
"""Up to this limit there is a tick for each tenth."""
_GRID_LEFT, _GRID_TOP = 130, 54
_CELL_WIDTH, _CELL_HEIGHT = 92, 46

BUCKETS = ("1", "2-3", "4-10", "11-20", "later")
_BUCKET_ENDS = (1, 3, 10, 20)


@dataclass(frozen=True, slots=True)
class ChartRow:
    """One line of a before-and-after chart."""

    label: str
    note: str
    found: Comparison


def before_and_after(rows: Sequence[ChartRow], title: str) -> str:
    """For each row a dot before, a dot after, a line between, and the gain with its interval."""
    height = _AXIS_HEIGHT + len(rows) * _ROW_HEIGHT
    top = max(0.1, *(max(row.found.before.high, row.found.after.high) for row in rows))
    limit = min(1.0, math.ceil(top * 10) / 10)
    ticks = [tick / 10 for tick in range(0, round(limit * 10) + 1, 2 if limit > _DENSE_TICKS else 1)]
    left, right = _LABEL_WIDTH, WIDTH - _GAIN_WIDTH

    def x(value: float) -> float:
        return round(left + value / limit * (right - left), 1)

    parts = [_open(WIDTH, height, title)]
    for value in ticks:
        parts.append(f'<line class="grid" x1="{x(value)}" x2="{x(value)}" y1="{_AXIS_HEIGHT - 8}" y2="{height}"/>')
        parts.append(f'<text class="tick" x="{x(value)}" y="12" text-anchor="middle">{value:.1f}</text>')
    for number, row in enumerate(rows):
        y = _AXIS_HEIGHT + number * _ROW_HEIGHT + _ROW_HEIGHT / 2
        parts += _before_and_after_row(row, y, x, right)
    return "".join([*parts, "</svg>"])


def _before_and_after_row(row: ChartRow, y: float, x: Callable[[float], float], right: float) -> list[str]:
    before, after, gain = row.found.before, row.found.after, row.found.gain
    return [
        f'<text class="label" x="0" y="{y - 2}">{escape(row.label)}</text>',
        f'<text class="note" x="0" y="{y + 13}">{escape(row.note)}</text>',
        f'<line class="interval before" x1="{x(before.low)}" x2="{x(before.high)}" y1="{y - 6}" y2="{y - 6}"/>',
        f'<line class="interval after" x1="{x(after.low)}" x2="{x(after.high)}" y1="{y + 6}" y2="{y + 6}"/>',
        f'<line class="link" x1="{x(before.mean)}" x2="{x(after.mean)}" y1="{y - 6}" y2="{y + 6}"/>',
        f'<circle class="before" cx="{x(before.mean)}" cy="{y - 6}" r="5"><title>{before.mean:.3f}</title></circle>',
        f'<circle class="after" cx="{x(after.mean)}" cy="{y + 6}" r="5"><title>{after.mean:.3f}</title></circle>',
        f'<text class="gain {gain.verdict}" x="{right + 24}" y="{y - 1}">{gain.mean:+.3f}</text>',
        f'<text class="note" x="{right + 24}" y="{y + 14}">{gain.low:+.3f} to {gain.high:+.3f}</text>',
    ]


def rank_changes(changes: Sequence[QueryChange], title: str) -> str:
    """How many queries moved from which rank in the whole search to which, as a grid."""
    counts = Counter((_bucket(change.search_before), _bucket(change.search_after)) for change in changes)
    most = max((count for (before, after), count in counts.items() if before != after), default=1)
    side = range(len(BUCKETS))
    width, height = _GRID_LEFT + _CELL_WIDTH * len(side), _GRID_TOP + _CELL_HEIGHT * len(side)
    middle = _GRID_LEFT + _CELL_WIDTH * len(side) / 2
    parts = [
        _open(width, height, title),
        f'<text class="note" x="{middle}" y="14" text-anchor="middle">rank after</text>',
    ]
    for number, name in enumerate(BUCKETS):
        x, y = _GRID_LEFT + (number + 0.5) * _CELL_WIDTH, _GRID_TOP + number * _CELL_HEIGHT + 28
        row_name = f"before {name}" if number == 0 else name
        parts.append(f'<text class="label" x="{x}" y="40" text-anchor="middle">{name}</text>')
        parts.append(f'<text class="label" x="{_GRID_LEFT - 14}" y="{y}" text-anchor="end">{row_name}</text>')
    cells = (_cell(before, after, counts[before, after], most) for before in side for after in side)
    return "".join([*parts, *cells, "</svg>"])


def _cell(before: int, after: int, count: int, most: int) -> str:
    kind = "same" if before == after else "better" if after < before else "worse"
    strength = 0.25 + 0.75 * min(1.0, count / most) if count else 0.0
    x, y, width, height = _GRID_LEFT + after * _CELL_WIDTH, _GRID_TOP + before * _CELL_HEIGHT, _CELL_WIDTH, _CELL_HEIGHT
    number = f'<text class="count" x="{x + width / 2}" y="{y + 28}" text-anchor="middle">{count:,}</text>'
    return (
        f'<rect class="cell {kind}" x="{x + 2}" y="{y + 2}" width="{width - 4}" height="{height - 4}" rx="6" '
        f'style="--strength:{strength:.2f}"/>{number if count else ""}'
    )


def course(losses: Sequence[float], scores: Sequence[float], base: float, best: int, title: str) -> str:
    """Validation score and training loss over the validations; the base model is the first point and a dashed line."""
    height, left, right, top, bottom = 230, 60, WIDTH - 60, 20, 190
    points = [base, *scores]
    low, high = min(points) - 0.01, max(points) + 0.01
    least, most = min(losses), max(losses)

    def x(number: int) -> float:
        return round(left + number / max(1, len(points) - 1) * (right - left), 1)

    def y(value: float) -> float:
        return round(bottom - (value - low) / (high - low) * (bottom - top), 1)

    def y_loss(value: float) -> float:
        return round(bottom - (value - least) / max(most - least, 1e-9) * (bottom - top), 1)

    parts = [_open(WIDTH, height, title)]
    for step in range(4):
        value = low + (high - low) * step / 3
        parts.append(f'<line class="grid" x1="{left}" x2="{right}" y1="{y(value)}" y2="{y(value)}"/>')
        parts.append(f'<text class="tick" x="{left - 10}" y="{y(value) + 4}" text-anchor="end">{value:.3f}</text>')
        loss = least + (most - least) * step / 3
        parts.append(f'<text class="tick" x="{right + 10}" y="{y_loss(loss) + 4}">{loss:.2f}</text>')
    parts.append(f'<line class="base" x1="{left}" x2="{right}" y1="{y(base)}" y2="{y(base)}"/>')
    parts += _line("loss", [(x(number), y_loss(loss)) for number, loss in enumerate(losses, start=1)])
    parts += _line("score", [(x(number), y(score)) for number, score in enumerate(points)])
    parts.append(f'<circle class="after" cx="{x(best + 1)}" cy="{y(points[best + 1])}" r="6"/>')
    parts.append(f'<text class="tick" x="{left}" y="{height - 16}">base</text>')
    label = f"best: {points[best + 1]:.3f}"
    parts.append(f'<text class="tick" x="{x(best + 1)}" y="{height - 16}" text-anchor="middle">{label}</text>')
    return "".join([*parts, "</svg>"])


def _open(width: float, height: float, title: str) -> str:
    return f'<svg viewBox="0 0 {width} {height}" width="{width}" role="img" aria-label="{escape(title, quote=True)}">'


def _line(kind: str, points: Sequence[tuple[float, float]]) -> list[str]:
    return [
        f'<line class="{kind}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>' for (x1, y1), (x2, y2) in pairwise(points)
    ]


def _bucket(rank: int | None) -> int:
    if rank is None:
        return len(BUCKETS) - 1
    return next((number for number, end in enumerate(_BUCKET_ENDS) if rank <= end), len(BUCKETS) - 1)
