"""One job at a time, the most urgent first; whatever stops a job, it takes its turn again."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Hashable, Iterator

import pytest

from codecontext.core.progress import CancelToken
from codecontext.service.worker import Worker

DEADLINE = 20.0


class Journal:
    """What a worker did, in order, to be waited for."""

    def __init__(self) -> None:
        self._entries: queue.Queue[str] = queue.Queue()

    def __call__(self, entry: Hashable) -> None:
        self._entries.put(str(entry))

    def next(self) -> str:
        return self._entries.get(timeout=DEADLINE)

    def take(self, count: int) -> list[str]:
        return [self.next() for _ in range(count)]

    @property
    def is_empty(self) -> bool:
        return self._entries.empty()


@pytest.fixture
def ended() -> Journal:
    """Keys of the jobs that ended or were stopped."""
    return Journal()


@pytest.fixture
def worker(ended: Journal) -> Iterator[Worker]:
    worker = Worker("tested", ended)
    yield worker
    worker.close()


@pytest.fixture
def done() -> Journal:
    """Jobs that were done."""
    return Journal()


@pytest.fixture
def job(done: Journal) -> Callable[[str], Callable[[CancelToken], bool]]:
    def make(name: str) -> Callable[[CancelToken], bool]:
        def run(_cancel: CancelToken) -> bool:
            done(name)
            return True

        return run

    return make


class Endless:
    """A job that runs until it is stopped, or until it is let go."""

    def __init__(self, done: Journal) -> None:
        self._done = done
        self.begun = threading.Semaphore(0)
        self.let_go = threading.Event()

    def __call__(self, cancel: CancelToken) -> bool:
        self.begun.release()
        while not cancel.cancelled:
            if self.let_go.wait(0.01):
                self._done("endless")
                return True
        return False

    def wait_until_it_runs(self) -> None:
        assert self.begun.acquire(timeout=DEADLINE)


@pytest.fixture
def endless(worker: Worker, done: Journal) -> Endless:
    """A job that runs already, of urgency 5."""
    endless = Endless(done)
    worker.put("endless", 5, endless)
    endless.wait_until_it_runs()
    return endless


def test_the_most_urgent_job_is_done_first(worker: Worker, endless: Endless, job: Callable, done: Journal) -> None:
    for urgency in (9, 7, 8):
        worker.put(urgency, urgency, job(f"urgency {urgency}"))
    endless.let_go.set()
    assert done.take(4) == ["endless", "urgency 7", "urgency 8", "urgency 9"]


def test_a_job_that_waits_is_not_queued_again(worker: Worker, endless: Endless, job: Callable, done: Journal) -> None:
    worker.put("same", 7, job("old"))
    worker.put("other", 6, job("other"))
    worker.put("same", 5, job("new"))
    endless.let_go.set()
    assert done.take(3) == ["endless", "new", "other"]
    worker.put("last", 9, job("last"))
    assert done.next() == "last"


def test_a_more_urgent_job_stops_the_one_that_runs(
    worker: Worker, endless: Endless, job: Callable, done: Journal, ended: Journal
) -> None:
    worker.put("urgent", 1, job("urgent"))
    assert done.next() == "urgent"
    endless.wait_until_it_runs()
    endless.let_go.set()
    assert done.next() == "endless"
    assert ended.take(3) == ["endless", "urgent", "endless"]


def test_a_less_urgent_job_waits(worker: Worker, endless: Endless, job: Callable, done: Journal) -> None:
    worker.put("later", 6, job("later"))
    worker.put("equal", 5, job("equal"))
    endless.let_go.set()
    assert done.take(3) == ["endless", "equal", "later"]


def test_a_job_asked_for_while_it_runs_is_done_once_more(
    worker: Worker, endless: Endless, job: Callable, done: Journal
) -> None:
    worker.put("endless", 5, job("again"))
    endless.let_go.set()
    assert done.take(2) == ["endless", "again"]


def test_a_delayed_job_lets_others_pass_and_counts_only_when_due(worker: Worker, job: Callable, done: Journal) -> None:
    worker.put("much later", 0, job("much later"), delay=3600)
    worker.put("soon", 1, job("soon"), delay=0.05)
    worker.put("now", 9, job("now"))
    assert done.take(2) == ["now", "soon"]
    assert not worker.has(lambda key: key == "much later")
    worker.put("much later", 9, job("not so late"))
    assert done.next() == "not so late"


def test_a_fault_in_a_job_or_in_telling_its_end_does_not_end_the_others(
    job: Callable, done: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> bool:
        raise ZeroDivisionError("broken")

    worker = Worker("tested", fail)
    worker.put("broken", 1, fail)
    worker.put("sound", 2, job("sound"))
    assert done.next() == "sound"
    worker.put("sound still", 2, job("sound still"))
    assert done.next() == "sound still"
    worker.close()
    assert "Background work failed: broken" in caplog.text
    assert "cannot be reported: broken" in caplog.text


def test_dropped_jobs_are_forgotten(worker: Worker, endless: Endless, job: Callable, done: Journal) -> None:
    worker.put(("folder", "text"), 6, job("dropped"))
    worker.put("kept", 7, job("kept"))
    worker.drop(lambda key: key in {("folder", "text"), "endless"}, wait=True)
    assert done.next() == "kept"
    assert not worker.has(lambda key: key == "endless")
    assert not endless.begun.acquire(blocking=False)


def test_a_dropped_job_may_be_asked_for_again(worker: Worker, endless: Endless, job: Callable, done: Journal) -> None:
    worker.drop(lambda key: key == "endless")
    worker.put("endless", 5, job("wanted after all"))
    assert done.next() == "wanted after all"


def test_a_job_may_drop_itself_and_wait(worker: Worker, done: Journal) -> None:
    def drop_myself(cancel: CancelToken) -> bool:
        worker.drop(lambda key: key == "me", wait=True)
        done("dropped" if cancel.cancelled else "still wanted")
        return not cancel.cancelled

    worker.put("me", 1, drop_myself)
    assert done.next() == "dropped"


def test_has_sees_what_runs_and_what_waits(worker: Worker, endless: Endless, job: Callable) -> None:
    worker.put("waits", 9, job("waits"))
    assert worker.has(lambda key: key == "endless")
    assert worker.has(lambda key: key == "waits")
    assert not worker.has(lambda key: key == "unknown")


def test_a_closed_worker_stops_its_job_and_takes_none(
    worker: Worker, endless: Endless, job: Callable, done: Journal
) -> None:
    worker.put("waits", 9, job("waits"))
    worker.close()
    worker.put("too late", 1, job("too late"))
    assert done.is_empty
    assert not worker.has(lambda key: key != "")
