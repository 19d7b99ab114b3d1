"""What a benchmark gives: figures beside their budgets, as a table and as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field, computed_field
from pydantic.dataclasses import dataclass
from rich.table import Table
from rich.text import Text

from benchmarks.machine import Machine

Unit = Literal["s", "min", "ms", "MB", "chunks/s", "x", "%", "cosine", "count"]


@dataclass(frozen=True)
class Budget:
    """What a figure should stay below or reach."""

    bound: Literal["at most", "at least"]
    limit: float


@dataclass(frozen=True)
class Figure:
    """One measured number."""

    name: str
    value: float
    unit: Unit
    budget: Budget | None = None
    before: float | None = None
    """The same of an earlier version, where there is one to compare with."""

    @computed_field  # type: ignore[prop-decorator]  # mypy takes no decorator on top of a property
    @property
    def met(self) -> bool | None:
        """Whether the budget is kept; ``None`` where there is none."""
        if self.budget is None:
            return None
        if self.budget.bound == "at most":
            return self.value <= self.budget.limit
        return self.value >= self.budget.limit


class Result(BaseModel):
    """What one benchmark measured."""

    title: str
    figures: list[Figure]
    notes: list[str] = Field(default_factory=list, description="What a reader must know to judge the figures.")
    details: dict[str, Any] = Field(default_factory=dict, description="What the figures were made from.")


class Record(BaseModel):
    """A result with the circumstances it came from; one JSON file."""

    benchmark: str
    quick: bool = Field(description="Measured on a small part of the code, to see that it runs.")
    code: str = Field(description="Name of the folder whose code was used.")
    started: datetime
    seconds: float
    machine: Machine
    result: Result


def at_most(limit: float) -> Budget:
    """A budget that a figure must not exceed."""
    return Budget("at most", limit)


def at_least(limit: float) -> Budget:
    """A budget that a figure must reach."""
    return Budget("at least", limit)


def as_table(record: Record) -> Table:
    """The figures of a record, with notes below."""
    size = "a small part of " if record.quick else ""
    machine = record.machine
    table = Table(
        title=f"{record.result.title} ({size}{record.code}; {machine.cores} cores, {machine.cpu}, load {machine.load})",
        title_justify="left",
        caption="\n".join(_notes(record)),
        caption_justify="left",
    )
    compared = any(figure.before is not None for figure in record.result.figures)
    table.add_column("figure")
    if compared:
        table.add_column("before", justify="right")
    table.add_column("measured", justify="right")
    table.add_column("budget", justify="right")
    table.add_column("met")
    for figure in record.result.figures:
        budget = figure.budget
        before = "" if figure.before is None else _number(figure.before, figure.unit)
        table.add_row(
            figure.name,
            *([before] if compared else []),
            _number(figure.value, figure.unit),
            f"{budget.bound} {_number(budget.limit, figure.unit)}" if budget else "",
            _verdict(figure.met),
        )
    return table


def _notes(record: Record) -> list[str]:
    notes = [*record.result.notes]
    if record.machine.is_busy:
        notes.append(f"The machine was busy (load {record.machine.load}): times mean little.")
    return notes


def _verdict(met: bool | None) -> Text:
    if met is None:
        return Text()
    return Text("met", style="green") if met else Text("not met", style="red")


def _number(value: float, unit: Unit) -> str:
    match unit:
        case "cosine":
            return f"{value:.5f}"
        case "count":
            return f"{value:,.0f}"
        case _:
            size = abs(value)
            if size < 1:
                return f"{round(value, 3):g} {unit}"
            decimals = 0 if size >= 100 else 1 if size >= 10 else 2
            return f"{value:,.{decimals}f} {unit}"
