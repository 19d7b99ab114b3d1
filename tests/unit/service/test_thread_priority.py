from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from codecontext.service.thread_priority import lower_thread_priority


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
    lowered = max(before, 10)
    assert lowered_in_a_thread(begun_with=before) == (lowered, lowered)
    assert niceness() == before


@linux_only
def test_who_gives_way_even_more_already_goes_on_with_that() -> None:
    assert lowered_in_a_thread(begun_with=15) == (15, 15)


@pytest.mark.skipif(sys.platform == "linux", reason="the others have no such thing")
def test_elsewhere_nothing_happens() -> None:
    lower_thread_priority()
