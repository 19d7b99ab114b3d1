"""Log records in the editor's own log."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator

import pytest
from lsprotocol.types import LogMessageParams, MessageType

from codecontext.lsp.logs import EditorLog, set_level


class Window:
    """What an editor is sent to log."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.sent: list[LogMessageParams] = []
        self.log = logging.Logger("codecontext.tried")
        self.log.addHandler(EditorLog(self.loop, self.sent.append))

    def deliver(self) -> list[LogMessageParams]:
        self.loop.run_until_complete(asyncio.sleep(0))
        return self.sent


@pytest.fixture
def window() -> Iterator[Window]:
    window = Window()
    yield window
    window.loop.close()


@pytest.mark.parametrize(
    ("level", "kind"),
    [
        (logging.CRITICAL, MessageType.Error),
        (logging.ERROR, MessageType.Error),
        (logging.WARNING, MessageType.Warning),
        (logging.INFO, MessageType.Info),
        (logging.DEBUG, MessageType.Log),
    ],
)
def test_a_record_keeps_its_weight(level: int, kind: MessageType, window: Window) -> None:
    window.log.log(level, "%d files", 3)
    assert window.deliver() == [LogMessageParams(kind, "3 files")]


def test_records_of_other_threads_come_in_order(window: Window) -> None:
    def talk() -> None:
        for number in range(50):
            window.log.info("%d", number)

    thread = threading.Thread(target=talk)
    thread.start()
    thread.join()
    assert [message.message for message in window.deliver()] == [str(number) for number in range(50)]


def test_the_library_s_own_records_are_left_out(window: Window) -> None:
    """It logs what it sends, which would be sent again."""
    window.log.name = "pygls.protocol"
    window.log.error("Sending data")
    assert window.deliver() == []


def test_a_record_has_its_traceback(window: Window) -> None:
    try:
        raise KeyError("absent")
    except KeyError:
        window.log.exception("It failed.")
    (message,) = window.deliver()
    assert message.message.startswith("It failed.\nTraceback")


def test_an_editor_that_is_gone_is_sent_nothing(window: Window) -> None:
    window.loop.close()
    window.log.error("late")
    assert window.sent == []


def test_the_level_is_that_of_our_records() -> None:
    package = logging.getLogger("codecontext")
    before = package.level
    try:
        set_level("warning")
        assert not logging.getLogger("codecontext.service").isEnabledFor(logging.INFO)
        set_level("debug")
        assert logging.getLogger("codecontext.service").isEnabledFor(logging.DEBUG)
    finally:
        package.setLevel(before)
