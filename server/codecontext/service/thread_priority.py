"""Lets the system prefer one thread of this process over another."""

from __future__ import annotations

import os
import sys
import threading

_NICENESS = 10


def lower_thread_priority() -> None:
    """Make the calling thread give way to all others on this machine; threads that it starts inherit that.

    Linux gives each thread a niceness of its own (sched(7)). Elsewhere nothing happens: macOS and Windows would need
    calls that Python does not have, and there only the number of threads keeps cores free.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        # Never the other way: the whole process may have been started to give way even more.
        os.setpriority(os.PRIO_PROCESS, thread, max(_NICENESS, os.getpriority(os.PRIO_PROCESS, thread)))
