"""Long work as the user sees it: progress as bars, log lines or JSON, and Ctrl-C to stop it."""

from __future__ import annotations

import dataclasses
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

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

from codecontext.core.printable import json_for_people, printable
from codecontext.core.progress import CancelToken, Progress, ProgressCallback
from codecontext.service.eta import Eta

logger = logging.getLogger(__name__)

_UNITS = {"reading": "files", "embedding": "chunks", "training": "steps"}
_QUERIES = "queries"
_SECONDS_BETWEEN_LINES = 10.0
_SECONDS_BETWEEN_EVENTS = 0.2


@contextmanager
def work_progress(console: Console) -> Iterator[ProgressCallback]:
    """A callback that shows the stages of long work on ``console``."""
    if not console.is_terminal:
        yield LogLines(time.monotonic)
        return
    columns = (
        SpinnerColumn(finished_text="[green]✓[/]"),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        _Counts(),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
    )
    with Bars(*columns, console=console, transient=True) as bars:
        yield StageBars(bars)


@contextmanager
def json_progress(console: Console) -> Iterator[ProgressCallback]:
    """A callback that prints each report on ``console`` as one JSON object per line (docs/cli.md)."""
    yield JsonLines(console, time.monotonic)


@contextmanager
def stop_on_interrupt(announce: Callable[[], None]) -> Iterator[CancelToken]:
    """Give a token that the first Ctrl-C sets, after which ``announce`` is called.

    The second one raises ``KeyboardInterrupt``, as without this. Signals reach the main thread only, so this
    must run there.
    """
    token = CancelToken()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        token.cancel()
        # Whatever this handler interrupts may be writing to the same stream, so it must not write itself.
        threading.Thread(target=announce).start()

    previous = signal.signal(signal.SIGINT, stop)
    try:
        yield token
    finally:
        signal.signal(signal.SIGINT, previous)


class JsonLines:
    """One line when a stage begins or ends, and at most five per second in between.

    ``clock`` gives seconds from any starting point.
    """

    def __init__(self, console: Console, clock: Callable[[], float]) -> None:
        self._console = console
        self._clock = clock
        self._eta = Eta(clock)
        self._stage = ""
        self._said_at = 0.0

    def __call__(self, progress: Progress) -> None:
        """Print one report, if it is time to."""
        now = self._clock()
        begun, finished = progress.stage != self._stage, 0 < progress.total == progress.done
        if not begun and not finished and now - self._said_at < _SECONDS_BETWEEN_EVENTS:
            return
        if begun:
            self._eta = Eta(self._clock)
        self._stage, self._said_at = progress.stage, now
        event = {
            "event": "progress",
            **{name: value for name, value in dataclasses.asdict(progress).items() if value not in (None, "")},
            "eta_seconds": self._eta.seconds_left(progress.done, progress.total),
        }
        self._console.print(json_for_people(event), soft_wrap=True)


class StageBars:
    """One bar per stage; a stage that begins ends the one before."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, progress: Progress) -> None:
        """Show one report."""
        if progress.stage not in self._tasks:
            self._begin(progress.stage)
        self._bars.update(
            self._tasks[progress.stage],
            completed=progress.done,
            total=progress.total or None,
            detail=printable(progress.detail),
        )

    def _begin(self, stage: str) -> None:
        for task in self._bars.tasks:
            if not task.finished:
                self._bars.update(task.id, total=task.completed)
        self._tasks[stage] = self._bars.add_task(_sentence_case(stage), total=None, unit=_unit(stage), detail="")


class LogLines:
    """A line when a stage begins, one every ten seconds while it lasts, and one when it is done.

    ``clock`` gives seconds from any starting point.
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
        counts = f": {progress.done:,} of {progress.total:,} {_unit(progress.stage)}" if progress.total else ""
        detail = f", {printable(progress.detail)}" if progress.detail else ""
        logger.info("%s%s%s", _sentence_case(progress.stage), counts, detail)


class _Counts(ProgressColumn):
    """``4,096 of 20,480 chunks  52/s``."""

    def render(self, task: Task) -> Text:
        if not task.total:
            return Text()
        text = Text(f"{task.completed:,.0f} of {task.total:,.0f} {task.fields['unit']}")
        speed = task.finished_speed or task.speed
        if task.fields["detail"]:
            return text.append(f"  {task.fields['detail']}", style="dim")
        return text.append(f"  {speed:,.0f}/s", style="dim") if speed else text


def _unit(stage: str) -> str:
    return _UNITS.get(stage, _QUERIES if stage.startswith(("asking", "choosing")) else "")


def _sentence_case(stage: str) -> str:
    """The stage with a capital; what it names keeps its case."""
    return printable(stage[:1].upper() + stage[1:])
