"""How far an index run is: bars on a terminal, log lines elsewhere."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars
from rich.text import Text

from codecontext.core.progress import Progress, ProgressCallback

logger = logging.getLogger(__name__)

_UNITS = {"reading": "files", "embedding": "chunks"}
_SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def index_progress(console: Console) -> Iterator[ProgressCallback]:
    """A callback that shows the stages of an index run on ``console``."""
    if not console.is_terminal:
        yield LogLines(time.monotonic)
        return
    columns = (
        SpinnerColumn(finished_text="[green]✓[/]"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        _Counts(),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
    )
    with Bars(*columns, console=console, transient=True) as bars:
        yield StageBars(bars)


class StageBars:
    """One bar a stage; a stage that begins ends the one before."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, progress: Progress) -> None:
        """Show one report."""
        if progress.stage not in self._tasks:
            self._begin(progress.stage)
        self._bars.update(self._tasks[progress.stage], completed=progress.done, total=progress.total or None)

    def _begin(self, stage: str) -> None:
        for task in self._bars.tasks:
            if not task.finished:
                self._bars.update(task.id, total=task.completed)
        unit = _UNITS.get(stage, "")
        self._tasks[stage] = self._bars.add_task(stage.capitalize(), total=None, unit=unit)


class LogLines:
    """A line when a stage begins, one every ten seconds while it lasts, and one when it is done.

    ``clock`` gives seconds from any beginning.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._stage = ""
        self._said_at = 0.0
        self._said_done = 0

    def __call__(self, progress: Progress) -> None:
        """Log one report, if it is time to."""
        now = self._clock()
        begun, finished = progress.stage != self._stage, 0 < progress.total == progress.done != self._said_done
        if not begun and not finished and now - self._said_at < _SECONDS_BETWEEN_LINES:
            return
        self._stage, self._said_at, self._said_done = progress.stage, now, progress.done
        unit = _UNITS.get(progress.stage, "")
        counts = f": {progress.done:,} of {progress.total:,} {unit}" if progress.total else ""
        logger.info("%s%s", progress.stage.capitalize(), counts)


class _Counts(ProgressColumn):
    """``4,096 of 20,480 chunks  52/s``."""

    def render(self, task: Task) -> Text:
        if not task.total:
            return Text()
        text = Text(f"{task.completed:,.0f} of {task.total:,.0f} {task.fields['unit']}")
        speed = task.finished_speed or task.speed
        return text.append(f"  {speed:,.0f}/s", style="dim") if speed else text
