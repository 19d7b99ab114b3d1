"""The states that the service sends: the newest one is always sent, and not each on the way to it."""

from __future__ import annotations

import queue

import pytest

from codecontext.engine.folder_state import FolderState
from codecontext.service.process import ReportPublisher

DEADLINE = 20.0


class Receiver:
    """Gets reports of folders whose number of files is what ``files`` says at the time."""

    def __init__(self) -> None:
        self.files = {"a": 0, "b": 0}
        self.sent: queue.Queue[FolderState] = queue.Queue()
        self.reports = ReportPublisher(self.sent.put)
        self.reports.start(self._report)

    def _report(self, folder: str) -> FolderState | None:
        if folder == "broken":
            raise ZeroDivisionError
        return FolderState(folder=folder, files=self.files[folder]) if folder in self.files else None

    def next(self) -> tuple[str, int]:
        report = self.sent.get(timeout=DEADLINE)
        return report.folder, report.files


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


def test_the_last_of_many_changes_is_always_sent_and_few_before_it(receiver: Receiver) -> None:
    for number in range(1, 1001):
        receiver.files["a"] = number
        receiver.reports.note("a")
    seen = [receiver.next()]
    while seen[-1] != ("a", 1000):
        seen.append(receiver.next())
    assert len(seen) < 500


def test_a_report_is_as_new_as_its_sending(receiver: Receiver) -> None:
    receiver.reports.note("a")
    assert receiver.next() == ("a", 0)
    receiver.reports.note("a")  # waits for its turn now
    receiver.files["a"] = 7
    receiver.reports.note("b")
    assert {receiver.next(), receiver.next()} == {("a", 7), ("b", 0)}


def test_the_same_is_not_sent_again_unless_somebody_forgot_it(receiver: Receiver) -> None:
    receiver.reports.note("a")
    assert receiver.next() == ("a", 0)
    receiver.reports.note("a")
    receiver.reports.note("b")
    assert receiver.next() == ("b", 0)
    receiver.reports.repeat(["a"])
    assert receiver.next() == ("a", 0)


def test_a_report_that_cannot_be_made_does_not_end_the_others(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.reports.note("broken")
    receiver.reports.note("unknown")
    receiver.reports.note("a")
    assert receiver.next() == ("a", 0)
    receiver.reports.note("b")
    assert receiver.next() == ("b", 0)
    assert "The state of broken was not sent" in caplog.text
