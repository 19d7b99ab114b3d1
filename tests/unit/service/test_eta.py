"""The time that is left: from the recent rate, and never more than what was said before."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codecontext.service.eta import Eta


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def eta(clock: Clock) -> Eta:
    return Eta(clock)


def work(eta: Eta, clock: Clock, dones: range, total: int, seconds: float = 1.0) -> list[float | None]:
    """What is said while work takes ``seconds`` for each step."""
    said = []
    for done in dones:
        said.append(eta.seconds_left(done, total))
        clock.now += seconds
    return said


def test_nothing_is_said_before_something_is_known(eta: Eta, clock: Clock) -> None:
    assert eta.seconds_left(0, 0) is None
    assert eta.seconds_left(0, 100) is None
    clock.now += 0.5
    assert eta.seconds_left(10, 100) is None


def test_steady_work_is_foreseen(eta: Eta, clock: Clock) -> None:
    assert work(eta, clock, range(0, 100, 10), 100)[2:] == [8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0]


def test_slower_work_makes_the_figure_stand_still(eta: Eta, clock: Clock) -> None:
    work(eta, clock, range(0, 50, 10), 100)
    said = work(eta, clock, range(50, 60), 100, seconds=5.0)
    assert all(before >= after for before, after in pairwise(filter(None, said)))


def test_work_that_was_stopped_goes_on_from_what_was_said(eta: Eta, clock: Clock) -> None:
    before = work(eta, clock, range(0, 500, 10), 1000)[-1]
    clock.now += 300  # something else was done meanwhile
    eta.resume()
    after = eta.seconds_left(0, 510)
    assert before is not None
    assert after is not None
    assert before >= after > before - 5


def test_a_break_is_not_counted_as_time_of_work(eta: Eta, clock: Clock) -> None:
    work(eta, clock, range(0, 500, 10), 1000)
    clock.now += 3600
    eta.resume()
    assert (eta.seconds_left(500, 1000) or 0) > 40


def test_more_work_than_was_left_begins_anew(eta: Eta, clock: Clock) -> None:
    work(eta, clock, range(0, 90, 10), 100)
    assert eta.seconds_left(0, 5000) is None


@given(st.lists(st.tuples(st.integers(0, 40), st.floats(0.0, 100.0)), min_size=2, max_size=60))
def test_it_never_runs_backwards(steps: list[tuple[int, float]]) -> None:
    clock = Clock()
    eta = Eta(clock)
    total = sum(more for more, _ in steps) + 1
    done, said = 0, []
    for more, seconds in steps:
        done += more
        clock.now += seconds
        said.append(eta.seconds_left(done, total))
    figures = [figure for figure in said if figure is not None]
    assert all(before >= after >= 0 for before, after in pairwise(figures))
