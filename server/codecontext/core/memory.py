"""Keeps a process small where many threads allocate."""

from __future__ import annotations

import ctypes
import sys

_M_ARENA_MAX = -8
"""Option number of mallopt(3) in glibc's ``malloc.h``."""
_ARENAS = 2


def limit_malloc_arenas() -> None:
    """Let glibc's allocator keep two arenas in place of eight a core; elsewhere do nothing.

    The database and the model allocate from many short-lived threads, and what is freed in one arena is not used by
    another. Must be called before there are threads.
    """
    if sys.platform.startswith("linux"):
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_M_ARENA_MAX, _ARENAS)
