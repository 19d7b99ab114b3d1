"""What a change, a question and a start cost, beside the budgets and an earlier version.

Everything is measured by ``probe.py`` in processes of its own. Saves and questions run on one core; their figures are
CPU time, which other work on the machine hardly changes. The earlier version is measured the same way in the same run
where its checkout is named (``--before``); otherwise its figures are those of ``before.json``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, TypeAdapter

from benchmarks.common import MEGABYTE, Context, empty_folder
from benchmarks.growth import draw_growth
from benchmarks.machine import describe_machine
from benchmarks.results import Budget, Figure, Result, Unit, at_most

ROOT = Path(__file__).parents[1]
PROBE = Path(__file__).with_name("probe.py")
BEFORE = Path(__file__).with_name("before.json")

SIZES = (1_000, 10_000, 42_000, 222_000)
ALL_SIZES = (*SIZES, 889_000)
_QUICK_SIZES = (20,)

SAVE = {42_000: 0.08, 222_000: 0.1, 889_000: 0.15}
QUESTION: dict[int, float] = {42_000: 15, 222_000: 20, 889_000: 45}
QUESTION_WALL: dict[int, float] = {889_000: 100}
MEMORY: dict[int, float] = {42_000: 450, 222_000: 500, 889_000: 700}
DISK: dict[int, float] = {42_000: 110, 889_000: 1325}
WORDS = at_most(5)
FIRST_QUESTION = at_most(2.5)
COMMAND = at_most(0.8)
FIRST_LOAD = at_most(0.7)
FIRST_LOAD_MEMORY = at_most(5)  # nothing, within what two loads differ by anyway
NEW_ADAPTER = at_most(0.5)
RESTART = at_most(1)
LARGE_MEMORY = at_most(1000)
LARGE_RESTART = at_most(6)

_ENOUGH_ROUNDS = 3
_MINUTE = 60

Values = dict[str, float]


class Earlier(BaseModel):
    """One figure of an earlier version."""

    value: float
    commit: str = Field(description="Of the version that was measured.")
    machine: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table before it is measured in one version or two."""

    name: str
    unit: Unit
    value: float
    budget: Budget | None = None


@dataclass(frozen=True, slots=True)
class Checkout:
    """A version of the code, the interpreter with its dependencies, and where its indexes and models go."""

    root: Path
    python: str
    work: Path
    environment: dict[str, str]

    @property
    def home(self) -> Path:
        """Its ``CODECONTEXT_HOME``; two versions may not understand each other's indexes."""
        return self.work / "home"

    @property
    def commit(self) -> str:
        """Short hash of its commit, with a ``+`` where files differ from it."""
        described = ["git", "-C", str(self.root), "describe", "--always", "--dirty=+", "--exclude=*"]
        process = subprocess.run(described, capture_output=True, text=True, check=False)
        return process.stdout.strip() or "unknown"

    def measure(self, probe: str, *, home: Path | None = None, one_core: bool = False, **arguments: Any) -> Values:
        """The answer of one probe. Raises ``RuntimeError`` with what it printed when it fails."""
        command = [self.python, "-P", str(PROBE), probe, json.dumps(arguments, default=str)]
        environment = os.environ | self.environment | {"CODECONTEXT_HOME": str(home or self.home)}
        environment["PYTHONPATH"] = os.pathsep.join([str(self.root / "server"), str(self.root)])
        process = subprocess.run(
            [*command, *(["--one-core"] if one_core else [])],
            cwd=self.work,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if process.returncode:
            raise RuntimeError(f"'{probe}' failed in {self.root}:\n{process.stderr}")
        answer: Values = json.loads(process.stdout.splitlines()[-1])
        return answer


def run(context: Context) -> Result:
    """Measure this version, and the earlier one where its checkout is named."""
    checkouts = [_this_version(context)]
    if context.before is not None:
        checkouts.append(_earlier_version(context, context.before))
    columns: list[list[Line]] = [[] for _ in checkouts]
    details: dict[str, Any] = {}
    for measured in zip(*(_measure(context, checkout, details) for checkout in checkouts), strict=True):
        for column, lines in zip(columns, measured, strict=True):
            column += lines
    earlier = {} if context.quick else read_earlier()
    if context.before is not None:
        earlier |= _keep(checkouts[-1], columns[-1], in_file=not context.quick)
    figures = [Figure(line.name, line.value, line.unit, line.budget, _value(earlier, line)) for line in columns[0]]
    if context.plot is not None:
        draw_growth(context.plot, figures)
    return Result(title="Budgets", figures=figures, notes=_notes(earlier, figures), details=details)


def read_earlier() -> dict[str, Earlier]:
    """The kept figures of earlier versions, by the name of their line."""
    return TypeAdapter(dict[str, Earlier]).validate_json(BEFORE.read_bytes()) if BEFORE.is_file() else {}


def _this_version(context: Context) -> Checkout:
    context.home.mkdir(parents=True, exist_ok=True)
    return Checkout(ROOT, sys.executable, context.work, context.environment())


def _earlier_version(context: Context, root: Path) -> Checkout:
    """It has an environment of its own if there is one in its folder, and starts with what is embedded already."""
    python = root / ".venv" / "bin" / "python"
    work = context.work / "before"
    known = context.home / "cache" / "embeddings.sqlite"
    own = work / "home" / "cache" / known.name
    if known.is_file() and not own.is_file():
        own.parent.mkdir(parents=True)
        shutil.copy2(known, own)
    work.mkdir(parents=True, exist_ok=True)
    return Checkout(root, str(python) if python.is_file() else sys.executable, work, context.environment())


def _measure(context: Context, checkout: Checkout, details: dict[str, Any]) -> Iterator[list[Line]]:
    """Groups of lines, each measured when it is asked for, so that two versions take turns."""
    answers: dict[str, Any] = details.setdefault(checkout.commit, {})
    for size in context.sizes or (_QUICK_SIZES if context.quick else SIZES):
        answers[f"{size:,} chunks"], lines = _of_size(context, checkout, size)
        yield lines
    for group in (_words, _first_question, _command, _restart, _first_load, _adapter):
        answers[group.__name__.strip("_")], lines = group(context, checkout)
        yield lines
    if context.tree is not None:
        answers["tree"], lines = _tree(context.tree, checkout)
        yield lines


def _of_size(context: Context, checkout: Checkout, size: int) -> tuple[Any, list[Line]]:
    rounds = 1 if context.quick else _ENOUGH_ROUNDS
    folder = empty_folder(checkout.work / "synthetic")
    built = checkout.measure("build", source=context.folder, folder=folder, chunks=size)
    asked = checkout.measure("question", one_core=True, folder=folder, rounds=rounds)
    saved = checkout.measure("save", one_core=True, folder=folder, rounds=rounds)
    label = f"{size:,} chunks"
    return {"build": built, "question": asked, "save": saved}, [
        Line(f"{label}: save to searchable, CPU", "s", saved["cpu_s"], _budget(SAVE, size)),
        Line(f"{label}: question, CPU", "ms", asked["cpu_ms"], _budget(QUESTION, size)),
        Line(f"{label}: question, p95 by the clock", "ms", asked["wall_p95_ms"], _budget(QUESTION_WALL, size)),
        Line(
            f"{label}: memory beside mapped pages",
            "MB",
            asked["anonymous_bytes"] / MEGABYTE,
            _budget(MEMORY, size),
        ),
        Line(f"{label}: memory with them", "MB", asked["resident_bytes"] / MEGABYTE),
        Line(f"{label}: index on disk", "MB", built["disk_bytes"] / MEGABYTE, _budget(DISK, size)),
    ]


def _words(context: Context, checkout: Checkout) -> tuple[Any, list[Line]]:
    home = empty_folder(checkout.work / "words-home")
    answer = checkout.measure("words", home=home, folder=context.folder)
    return answer, [
        Line("first index by words, CPU", "s", answer["cpu_s"]),
        Line("first index by words, by the clock", "s", answer["wall_s"], WORDS),
        Line("first index by words: first files, by the clock", "s", answer["first_s"]),
    ]


def _first_question(context: Context, checkout: Checkout) -> tuple[Any, list[Line]]:
    """In a home with the model prepared and nothing indexed."""
    package = context.folder / "django"
    home = empty_folder(checkout.work / "young-home")
    prepared = checkout.home / "cache"
    for name in ("openvino", "tokenizers"):
        if (prepared / name).is_dir():
            shutil.copytree(prepared / name, home / "cache" / name)
    folder = package if package.is_dir() else context.folder
    answer = checkout.measure("first_question", home=home, folder=folder)
    return answer, [
        Line("first question behind the server, CPU", "s", answer["cpu_s"]),
        Line("first question behind the server, by the clock", "s", answer["wall_s"], FIRST_QUESTION),
    ]


def _command(context: Context, checkout: Checkout) -> tuple[Any, list[Line]]:
    checkout.measure("command", arguments=["index", context.folder], runs=1)
    words = ["search", "where is the session cookie set", "--folder", context.folder]
    answer = checkout.measure("command", arguments=words, runs=2 if context.quick else 5)
    return answer, [
        Line("codecontext search, CPU", "s", answer["cpu_s"], COMMAND),
        Line("codecontext search, by the clock", "s", answer["wall_s"]),
    ]


def _restart(context: Context, checkout: Checkout) -> tuple[Any, list[Line]]:
    answer = checkout.measure("command", arguments=["index", context.folder], runs=2 if context.quick else 3)
    return answer, [
        Line("codecontext index, nothing changed, CPU", "s", answer["cpu_s"]),
        Line("codecontext index, nothing changed, by the clock", "s", answer["wall_s"], RESTART),
    ]


def _first_load(context: Context, checkout: Checkout) -> tuple[Any, list[Line]]:
    home = empty_folder(checkout.work / "young-home")
    first = checkout.measure("first_load", home=home, folder=context.folder)
    again = checkout.measure("first_load", home=home, folder=context.folder)
    only_first = max(first["added_bytes"] - again["added_bytes"], first["largest_child_bytes"])
    return {"first": first, "again": again}, [
        Line("first load of the model, CPU", "s", first["cpu_s"]),
        Line("first load of the model, by the clock", "s", first["wall_s"], FIRST_LOAD),
        Line(
            "first load of the model: memory that later loads do not take",
            "MB",
            only_first / MEGABYTE,
            FIRST_LOAD_MEMORY,
        ),
    ]


def _adapter(context: Context, checkout: Checkout) -> tuple[Any, list[Line]]:
    folder = empty_folder(checkout.work / "adapters")
    checkout.measure("adapters", folder=folder)
    answer = checkout.measure("adapter_load", folder=context.folder, adapter=folder / "0")
    return answer, [
        Line("first load of an adapter, CPU", "s", answer["cpu_s"]),
        Line("first load of an adapter, by the clock", "s", answer["wall_s"], NEW_ADAPTER),
        Line("first load of an adapter: memory added", "MB", answer["added_bytes"] / MEGABYTE),
    ]


def _tree(tree: Path, checkout: Checkout) -> tuple[Any, list[Line]]:
    """Words of a large tree, and once more without changes."""
    home = empty_folder(checkout.work / "tree-home")
    first = checkout.measure("words", home=home, folder=tree)
    again = checkout.measure("words", home=home, folder=tree)
    return {"first": first, "again": again}, [
        Line(f"{tree.name}: files", "count", first["files"]),
        Line(f"{tree.name}: chunks", "count", first["chunks"]),
        Line(f"{tree.name}: first index by words, CPU minutes", "min", first["cpu_s"] / _MINUTE),
        Line(f"{tree.name}: first index by words, by the clock", "min", first["wall_s"] / _MINUTE),
        Line(f"{tree.name}: peak memory, all processes", "MB", first["all_peak_bytes"] / MEGABYTE, LARGE_MEMORY),
        Line(f"{tree.name}: index on disk", "MB", first["disk_bytes"] / MEGABYTE),
        Line(f"{tree.name}: nothing changed, CPU", "s", again["cpu_s"]),
        Line(f"{tree.name}: nothing changed, by the clock", "s", again["wall_s"], LARGE_RESTART),
    ]


def _budget(budgets: dict[int, float], size: int) -> Budget | None:
    return at_most(budgets[size]) if size in budgets else None


def _value(earlier: dict[str, Earlier], line: Line) -> float | None:
    return earlier[line.name].value if line.name in earlier else None


def _keep(checkout: Checkout, lines: list[Line], *, in_file: bool) -> dict[str, Earlier]:
    """What was measured of the earlier version; in the file it takes the place of what was kept of it."""
    machine, commit = describe_machine(), checkout.commit
    name = f"{machine.cores} cores, {machine.cpu}"
    measured = {line.name: Earlier(value=float(f"{line.value:.3g}"), commit=commit, machine=name) for line in lines}
    if in_file:
        BEFORE.write_bytes(TypeAdapter(dict[str, Earlier]).dump_json(read_earlier() | measured, indent=1) + b"\n")
    return measured


def _notes(earlier: dict[str, Earlier], figures: list[Figure]) -> list[str]:
    used = [earlier[figure.name] for figure in figures if figure.name in earlier]
    commits = sorted({f"{value.commit} ({value.machine})" for value in used})
    return [
        "CPU time is that of all threads, and of child processes. Saves and questions run on one core.",
        "Memory beside mapped pages is RssAnon: pages of files are shared by all processes, and the system drops them.",
        *([f"Before: {', '.join(commits)}."] if commits else []),
    ]
