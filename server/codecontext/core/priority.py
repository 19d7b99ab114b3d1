"""Lets the system prefer other work on this machine over background work."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress

NICENESS = 10


def lower_thread_priority() -> None:
    """Make the calling thread give way to all others on this machine; threads and processes it starts inherit that.

    Linux gives each thread a niceness of its own (sched(7)) and an I/O class (ioprio_set(2)). Elsewhere nothing
    happens: macOS and Windows would need calls that Python does not have, and there only the number of threads keeps
    cores free.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        # Never the other way: the whole process may have been started to give way even more.
        os.setpriority(os.PRIO_PROCESS, thread, max(NICENESS, os.getpriority(os.PRIO_PROCESS, thread)))
        _use_idle_disk(thread)


def lower_process_priority() -> None:
    """Make this process give way, with all threads and processes that it starts from now on."""
    if sys.platform == "win32":
        import psutil

        psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
    elif sys.platform == "linux":
        lower_thread_priority()
    else:
        os.nice(NICENESS)


def _use_idle_disk(thread: int) -> None:
    """Read and write only while nobody else does, where the disk's scheduler heeds that (BFQ)."""
    import psutil

    with suppress(psutil.Error, OSError):  # a sandbox may forbid it
        psutil.Process(thread).ionice(psutil.IOPRIO_CLASS_IDLE)
