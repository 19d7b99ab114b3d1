"""Background work gives way to questions, and a storm of them never stops it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from codecontext.engine import lanes as lanes_module
from codecontext.engine.lanes import Lanes

DEADLINE = 20.0


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A question is never taken for too long in these tests."""
    monkeypatch.setattr(lanes_module, "_LONGEST_STOP", DEADLINE * 2)


def test_without_questions_work_goes_on() -> None:
    with ThreadPoolExecutor() as pool:
        pool.submit(Lanes().give_way).result(DEADLINE)


def test_work_waits_for_the_last_question() -> None:
    lanes = Lanes()
    with ThreadPoolExecutor() as pool:
        with lanes.question():
            with lanes.question():
                work = pool.submit(lanes.give_way)
            with pytest.raises(TimeoutError):
                work.result(0.2)
        work.result(DEADLINE)


def test_a_question_that_fails_is_over_too() -> None:
    lanes = Lanes()

    def fail() -> None:
        with lanes.question():
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with ThreadPoolExecutor() as pool:
        pool.submit(lanes.give_way).result(DEADLINE)


def test_a_storm_of_questions_does_not_stop_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes_module, "_LONGEST_STOP", 0.01)
    lanes = Lanes()
    over = threading.Event()

    def ask_without_end() -> None:
        with lanes.question():
            over.wait(DEADLINE)

    with ThreadPoolExecutor() as pool:
        pool.submit(ask_without_end)
        pool.submit(lanes.give_way).result(DEADLINE)
        over.set()
