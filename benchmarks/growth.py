"""Draws how costs grow with the index, as an SVG that can be read on light and dark pages."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from pathlib import Path

from benchmarks.results import Figure

PANELS = {
    "save to searchable, CPU": "Save until searchable, CPU seconds",
    "question, CPU": "Question, CPU milliseconds",
    "memory beside mapped pages": "Memory beside mapped pages, MB",
    "index on disk": "Index on disk, MB",
}
"""The lines that are drawn, as the end of a figure's name, and the title of each."""

_NAME = re.compile(r"([\d,]+) chunks: (.+)")
_WIDTH, _HEIGHT, _COLUMNS = 420, 260, 2
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 24, 40, 34
_HEADER = 40
# The background is the picture's own, for a page can be light where the system is dark.
_STYLE = """
  .page { fill: #ffffff; stroke: #d0d7de }
  text { font: 12px system-ui, sans-serif; fill: #57606a }
  .title { font-weight: 600; fill: #1f2328 }
  .grid { stroke: #d8dee4 }
  .line { fill: none; stroke-width: 2 }
  .now { stroke: #0969da } .dot.now { fill: #0969da }
  .before { stroke: #bc4c00 } .dot.before { fill: #bc4c00 }
  .budget { stroke: #1a7f37; stroke-width: 3 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; stroke: #30363d }
    text { fill: #9198a1 }
    .title { fill: #f0f6fc }
    .grid { stroke: #262c34 }
    .now { stroke: #58a6ff } .dot.now { fill: #58a6ff }
    .before { stroke: #f0883e } .dot.before { fill: #f0883e }
    .budget { stroke: #3fb950 }
  }
"""

Point = tuple[float, float]


@dataclass(slots=True)
class Series:
    """Points (chunks, value) of one panel: this version, the earlier one, and the budgets."""

    now: list[Point] = field(default_factory=list)
    before: list[Point] = field(default_factory=list)
    budget: list[Point] = field(default_factory=list)

    @property
    def values(self) -> list[float]:
        """All that must fit into the panel."""
        return [value for _, value in (*self.now, *self.before, *self.budget)]


def draw_growth(file: Path, figures: Iterable[Figure]) -> None:
    """Write the picture. Figures without a size in their name are left out, zeros as well: the axes are logarithmic."""
    panels = _series(figures)
    chunks = [size for series in panels.values() for size, _ in (*series.now, *series.before)]
    if not chunks:
        raise RuntimeError("There is no figure of any size to draw.")
    across = _decades(chunks)
    rows = math.ceil(len(panels) / _COLUMNS)
    width, height = _WIDTH * _COLUMNS, _HEADER + _HEIGHT * rows
    label = "What a save, a question, memory and disk cost by the number of chunks"
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{label}">',
        f"<style>{_STYLE}</style>",
        f'<rect class="page" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8"/>',
        *_legend(),
    ]
    for number, (name, series) in enumerate(panels.items()):
        x, y = number % _COLUMNS * _WIDTH, _HEADER + number // _COLUMNS * _HEIGHT
        parts += [f'<g transform="translate({x} {y})">', *_panel(PANELS[name], series, across), "</g>"]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join([*parts, "</svg>", ""]), encoding="utf-8")


def _series(figures: Iterable[Figure]) -> dict[str, Series]:
    panels: dict[str, Series] = {name: Series() for name in PANELS}
    for figure in figures:
        match = _NAME.fullmatch(figure.name)
        if match is None or match[2] not in panels:
            continue
        chunks, series = float(match[1].replace(",", "")), panels[match[2]]
        if figure.value > 0:
            series.now.append((chunks, figure.value))
        if figure.before:
            series.before.append((chunks, figure.before))
        if figure.budget is not None:
            series.budget.append((chunks, figure.budget.limit))
    return {name: series for name, series in panels.items() if series.now}


def _legend() -> list[str]:
    parts, x = [], _LEFT
    for kind, text in (("now", "this version"), ("before", "before"), ("budget", "budget")):
        parts.append(f'<line class="line {kind}" x1="{x}" x2="{x + 22}" y1="24" y2="24"/>')
        parts.append(f'<text x="{x + 30}" y="28">{text}</text>')
        x += 130
    return [*parts, f'<text x="{_WIDTH * _COLUMNS - _RIGHT}" y="28" text-anchor="end">across: chunks</text>']


def _panel(title: str, series: Series, across: tuple[int, int]) -> list[str]:
    up = _decades(series.values)

    def x(chunks: float) -> float:
        return _on(math.log10(chunks), across, _LEFT, _WIDTH - _RIGHT)

    def y(value: float) -> float:
        return _on(math.log10(value), up, _HEIGHT - _BOTTOM, _TOP)

    parts = [f'<text class="title" x="{_LEFT}" y="22">{escape(title)}</text>']
    for exponent in range(across[0], across[1] + 1):
        place = x(10**exponent)
        parts.append(f'<line class="grid" x1="{place}" x2="{place}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>')
        parts.append(f'<text x="{place}" y="{_HEIGHT - 14}" text-anchor="middle">{_short(10**exponent)}</text>')
    for exponent in range(up[0], up[1] + 1):
        place = y(10**exponent)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{place}" y2="{place}"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{place + 4}" text-anchor="end">{_short(10**exponent)}</text>')
    for kind, points in (("before", series.before), ("now", series.now)):
        places = [(x(chunks), y(value)) for chunks, value in sorted(points)]
        parts += _curve(kind, places)
    for chunks, value in series.budget:
        parts.append(
            f'<line class="budget" x1="{x(chunks) - 9}" x2="{x(chunks) + 9}" y1="{y(value)}" y2="{y(value)}"/>'
        )
    return parts


def _curve(kind: str, places: Sequence[Point]) -> list[str]:
    lines = [
        f'<line class="line {kind}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>'
        for (x1, y1), (x2, y2) in pairwise(places)
    ]
    return [*lines, *(f'<circle class="dot {kind}" cx="{x}" cy="{y}" r="3.5"/>' for x, y in places)]


def _decades(values: Sequence[float]) -> tuple[int, int]:
    """Exponents of the powers of ten around ``values``; at least one decade."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _on(value: float, scale: tuple[int, int], start: float, end: float) -> float:
    return round(start + (value - scale[0]) / (scale[1] - scale[0]) * (end - start), 1)


def _short(value: float) -> str:
    """A power of ten for an axis: 0.01, 10, 1k, 1M."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"
