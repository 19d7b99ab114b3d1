"""Background work gives way to questions, and a storm of them never stops it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from codecontext.service import priority_gate as gate_module
from codecontext.service.priority_gate import PriorityGate

DEADLINE = 20.0


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A question is never taken for too long in these tests."""
    monkeypatch.setattr(gate_module, "_LONGEST_STOP", DEADLINE * 2)


def test_without_questions_work_goes_on() -> None:
    with ThreadPoolExecutor() as pool:
        pool.submit(PriorityGate().give_way).result(DEADLINE)


def test_work_waits_for_the_last_question() -> None:
    gate = PriorityGate()
    with ThreadPoolExecutor() as pool:
        with gate.query():
            with gate.query():
                work = pool.submit(gate.give_way)
            with pytest.raises(TimeoutError):
                work.result(0.2)
        work.result(DEADLINE)


def test_a_question_that_fails_is_over_too() -> None:
    gate = PriorityGate()

    def fail() -> None:
        with gate.query():
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with ThreadPoolExecutor() as pool:
        pool.submit(gate.give_way).result(DEADLINE)


def test_a_storm_of_questions_does_not_stop_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_module, "_LONGEST_STOP", 0.01)
    gate = PriorityGate()
    over = threading.Event()

    def ask_without_end() -> None:
        with gate.query():
            over.wait(DEADLINE)

    with ThreadPoolExecutor() as pool:
        pool.submit(ask_without_end)
        pool.submit(gate.give_way).result(DEADLINE)
        over.set()
