"""The service's watchdog over itself, for when nobody else is left to end it."""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
import time

_CHECK_SECONDS = 5.0
_LONGEST_LOCK_SECONDS = 300.0
"""More than the language server ever waits for a heartbeat: it comes first where there is one."""


def watch_over_itself() -> None:
    """End this process when its parent is gone, or when no Python thread of it has run for minutes.

    An orphan sees the end of its stdin, but not while its event loop hangs; and while C code holds the interpreter's
    lock no Python sees anything. So a thread keeps resetting a timer, which ``faulthandler`` waits for
    without the lock, and which ends the process with the stacks of its threads on stderr.
    """
    threading.Thread(target=_watch, args=(os.getppid(),), name="self-watch", daemon=True).start()


def _watch(parent: int) -> None:
    while sys.platform == "win32" or os.getppid() == parent:  # Windows keeps the id of a parent that is gone
        faulthandler.dump_traceback_later(_LONGEST_LOCK_SECONDS, exit=True)
        time.sleep(_CHECK_SECONDS)
    time.sleep(_CHECK_SECONDS)  # the end of stdin shuts it down cleanly, if it can
    os._exit(1)
