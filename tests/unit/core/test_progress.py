"""Asking work to stop."""

from __future__ import annotations

import threading

import pytest

from codecontext.core import CancelToken
from codecontext.core.errors import OperationCancelled


def test_check_raises_once_somebody_asked_to_stop() -> None:
    token = CancelToken()
    token.check()
    token.cancel()
    assert token.cancelled
    with pytest.raises(OperationCancelled):
        token.check()


def test_a_wait_says_whether_somebody_asked_to_stop() -> None:
    token = CancelToken()
    assert not token.wait(0.01)
    token.cancel()
    assert token.wait(0)


def test_a_wait_ends_when_another_thread_asks_to_stop() -> None:
    token = CancelToken()
    stopper = threading.Timer(0.05, token.cancel)
    stopper.start()
    assert token.wait(60)
    stopper.join()
