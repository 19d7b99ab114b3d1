from __future__ import annotations

import signal
import subprocess
import sys
import threading

from codecontext.cli.progress import stop_on_interrupt

# In a process of its own: a signal that goes astray would end whoever runs the tests.
INTERRUPTED_TWICE = """
import signal, threading
from codecontext.cli.progress import stop_on_interrupt

announced = threading.Event()
before = signal.getsignal(signal.SIGINT)
with stop_on_interrupt(announced.set) as token:
    assert not token.cancelled
    signal.raise_signal(signal.SIGINT)
    assert token.cancelled
    assert announced.wait(timeout=10)
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        print("aborted")
assert signal.getsignal(signal.SIGINT) is before
"""


def test_the_first_interrupt_cancels_and_the_second_aborts() -> None:
    run = subprocess.run([sys.executable, "-c", INTERRUPTED_TWICE], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (0, "aborted\n"), run.stderr


def test_without_an_interrupt_nothing_is_cancelled_or_announced() -> None:
    announced = threading.Event()
    before = signal.getsignal(signal.SIGINT)
    with stop_on_interrupt(announced.set) as token:
        pass
    assert not token.cancelled
    assert not announced.is_set()
    assert signal.getsignal(signal.SIGINT) is before
