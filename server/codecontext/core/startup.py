"""What a program does to its own process: names in UTF-8, stdout for a protocol, little memory."""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress
from io import BufferedReader, BufferedWriter

_M_ARENA_MAX = -8
"""Option number of mallopt(3) in glibc's ``malloc.h``."""
_ARENAS = 2


def ensure_utf8() -> None:
    """Restart this program in Python's UTF-8 mode if it takes names of files for anything else (PEP 540).

    So it is where the locale is ``C`` with that mode switched off, or of another encoding: no folder with a letter
    outside it could be named then, neither to the system nor in a message. Python cannot change it while it runs. To
    be called before anything reads stdin.
    """
    if sys.getfilesystemencoding().lower() == "utf-8" or "utf8" in sys._xoptions:
        return
    with suppress(OSError):  # without it names in ASCII still work
        os.execve(  # noqa: S606 - this very program
            sys.executable,
            [sys.executable, "-X", "utf8", *sys.orig_argv[1:]],
            os.environ | {"PYTHONUTF8": "1"},
        )


def claim_stdio() -> tuple[BufferedReader, BufferedWriter]:
    """Take stdin and stdout for a protocol; returns what to read from and what to write to.

    From then on whatever else writes to stdout, be it Python, a C library or a child process, writes to stderr, and
    whatever reads stdin finds it empty. Must be called before anything could print.
    """
    reader = os.fdopen(os.dup(0), "rb")
    writer = os.fdopen(os.dup(1), "wb")
    sys.stdout.flush()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return reader, writer


def return_free_memory() -> None:
    """Have glibc's allocator give back to the system what it holds and nobody uses; elsewhere do nothing."""
    if sys.platform.startswith("linux"):
        malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if malloc_trim is not None:
            malloc_trim(0)


def limit_malloc_arenas() -> None:
    """Let glibc's allocator keep two arenas in place of eight a core; elsewhere do nothing.

    The database and the model allocate from many short-lived threads, and what is freed in one arena is not used by
    another. Must be called before there are threads.
    """
    if sys.platform.startswith("linux"):
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_M_ARENA_MAX, _ARENAS)
