from __future__ import annotations

import signal
import threading

import pytest

from codecontext.cli.interrupt import stop_on_interrupt


def test_the_first_interrupt_cancels_and_the_second_aborts() -> None:
    announced = threading.Event()
    before = signal.getsignal(signal.SIGINT)
    with stop_on_interrupt(announced.set) as token:
        assert not token.cancelled
        signal.raise_signal(signal.SIGINT)
        assert token.cancelled
        assert announced.wait(timeout=10)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_without_an_interrupt_nothing_is_cancelled_or_announced() -> None:
    announced = threading.Event()
    before = signal.getsignal(signal.SIGINT)
    with stop_on_interrupt(announced.set) as token:
        pass
    assert not token.cancelled
    assert not announced.is_set()
    assert signal.getsignal(signal.SIGINT) is before
