"""Bounds of every fuzz test: seeded examples, limits on time and on memory.

The same examples come on every run, so that what passes here passes in CI. ``FUZZ_EXAMPLES=20000`` searches
longer and with fresh examples.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
from hypothesis import HealthCheck, settings

_MORE = os.environ.get("FUZZ_EXAMPLES")
SECONDS = 3_600 if _MORE else 120
MEMORY_BYTES = 1_000_000_000
"""What a test may take beyond what is taken when it starts."""

FUZZ = settings(
    max_examples=int(_MORE or 150),
    derandomize=not _MORE,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
"""Stands above ``@given`` of every fuzz test."""


@contextmanager
def bounded_memory(extra_bytes: int = MEMORY_BYTES) -> Iterator[None]:
    """``MemoryError`` where the process takes more than ``extra_bytes`` beyond what it has (Linux only)."""
    if sys.platform != "linux":
        yield
        return
    import resource

    limits = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (psutil.Process().memory_info().data + extra_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, limits)
