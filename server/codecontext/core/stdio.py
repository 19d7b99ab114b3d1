"""Keeps a process whose stdout is a protocol from ever printing into it."""

from __future__ import annotations

import os
import sys
from io import BufferedReader, BufferedWriter


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
