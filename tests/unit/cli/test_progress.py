from __future__ import annotations

import io
import json
import logging

import pytest
from rich.console import Console

from codecontext.cli.progress import JsonLines, LogLines, work_progress
from codecontext.core.progress import Progress
from codecontext.training.optimize.loop import TrainingProgress


def logged(caplog: pytest.LogCaptureFixture, reports: list[tuple[float, Progress]]) -> list[str]:
    times = iter([moment for moment, _ in reports])
    lines = LogLines(lambda: next(times))
    with caplog.at_level(logging.INFO, logger="codecontext.cli.progress"):
        for _, progress in reports:
            lines(progress)
    return caplog.messages


def test_a_stage_is_named_once_and_again_after_ten_seconds(caplog: pytest.LogCaptureFixture) -> None:
    reports = [
        (0.0, Progress("scanning", 0, 0)),
        (1.0, Progress("reading", 400, 1200)),
        (2.0, Progress("reading", 800, 1200)),
        (11.5, Progress("reading", 1200, 1200)),
        (12.0, Progress("loading model", 0, 0)),
    ]
    assert logged(caplog, reports) == [
        "Scanning",
        "Reading: 400 of 1,200 files",
        "Reading: 1,200 of 1,200 files",
        "Loading model",
    ]


def test_a_terminal_has_a_bar_for_each_stage() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120, color_system=None)
    with work_progress(console) as on_progress:
        on_progress(Progress("scanning", 0, 0))
        on_progress(Progress("reading", 2, 4))
        on_progress(Progress("embedding", 512, 2048))
    last = screen.getvalue().split("Scanning")[-1]
    assert "✓ Reading" in last
    assert "512 of 2,048 chunks" in last
    assert "✓ Embedding" not in last


def test_a_pipe_has_no_bars() -> None:
    screen = io.StringIO()
    with work_progress(Console(file=screen)) as on_progress:
        on_progress(Progress("reading", 2, 4))
    assert screen.getvalue() == ""


def test_programs_get_one_event_a_line() -> None:
    screen = io.StringIO()
    now = 0.0
    lines = JsonLines(Console(file=screen, width=20), lambda: now)
    lines(Progress("reading", 0, 10))
    lines(Progress("reading", 1, 10))  # too soon
    now = 1.0
    lines(Progress("reading", 5, 10, "slow files, one after the other"))
    lines(Progress("reading", 10, 10))
    lines(TrainingProgress("training", 1, 0, loss=2.5))
    events = [json.loads(line) for line in screen.getvalue().splitlines()]
    assert [(event["stage"], event["done"]) for event in events] == [
        ("reading", 0),
        ("reading", 5),
        ("reading", 10),
        ("training", 1),
    ]
    assert {event["event"] for event in events} == {"progress"}
    assert events[1]["detail"] == "slow files, one after the other"
    assert events[3]["loss"] == 2.5
    assert "score" not in events[3]
