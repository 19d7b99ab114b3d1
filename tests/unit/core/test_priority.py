from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from codecontext.core.priority import NICENESS, lower_thread_priority


def niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a niceness for each thread")


def lowered_in_a_thread(*, begun_with: int) -> tuple[int, int]:
    """Niceness of a thread that gives way, and of one that it starts."""

    def inside() -> tuple[int, int]:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), begun_with)
        lower_thread_priority()
        with ThreadPoolExecutor(1) as pool:
            return niceness(), pool.submit(niceness).result()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(inside).result()


@linux_only
def test_only_the_thread_and_those_it_starts_give_way() -> None:
    before = niceness()
    lowered = max(before, NICENESS)
    assert lowered_in_a_thread(begun_with=before) == (lowered, lowered)
    assert niceness() == before


@linux_only
def test_who_gives_way_even_more_already_goes_on_with_that() -> None:
    assert lowered_in_a_thread(begun_with=15) == (15, 15)


@pytest.mark.skipif(sys.platform == "linux", reason="the others have no such thing")
def test_elsewhere_nothing_happens() -> None:
    lower_thread_priority()


@linux_only
def test_the_disk_is_left_to_others() -> None:
    def classes() -> tuple[int, int]:
        lower_thread_priority()
        with ThreadPoolExecutor(1) as pool:
            return io_class(), pool.submit(io_class).result()

    def io_class() -> int:
        return int(psutil.Process(threading.get_native_id()).ionice().ioclass)

    before = io_class()
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(classes).result() == (psutil.IOPRIO_CLASS_IDLE, psutil.IOPRIO_CLASS_IDLE)
    assert io_class() == before


def test_a_process_gives_way_with_all_that_it_starts() -> None:
    script = (
        "import psutil, subprocess, sys; from codecontext.core.priority import lower_process_priority\n"
        "lower_process_priority(); ask = 'import psutil; print(int(psutil.Process().nice()))'\n"
        "print(int(psutil.Process().nice()), subprocess.check_output([sys.executable, '-c', ask], text=True))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    mine = int(psutil.Process().nice())
    own, child = map(int, run.stdout.split())
    assert own == child
    assert own == psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else own >= max(mine, NICENESS)
