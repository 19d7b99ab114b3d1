"""Stops background work while the service takes more memory than the settings allow; searches still work."""

from __future__ import annotations

import gc
import os
import time

import psutil

from codecontext.core.errors import CodeContextError
from codecontext.core.startup import return_free_memory

_SECONDS_BETWEEN_LOOKS = 1.0
_MEGABYTE = 1_000_000


class MemoryBound:
    """What the service takes, looked at once a second at most. To be used by one thread."""

    def __init__(self) -> None:
        self._look_at = 0.0

    def check(self, max_mb: int | None) -> None:
        """Raise ``CodeContextError`` where the service takes more than ``max_mb``, with free memory given back."""
        now = time.monotonic()
        if max_mb is None or now < self._look_at:
            return
        self._look_at = now + _SECONDS_BETWEEN_LOOKS
        if own_memory() <= max_mb * _MEGABYTE:
            return
        gc.collect()
        return_free_memory()
        taken = own_memory() // _MEGABYTE
        if taken > max_mb:
            raise CodeContextError(
                f"the engine takes {taken:,} MB of memory, more than engine.memory_mb ({max_mb:,}) allows.",
                "Allow more, exclude files, or turn indexing.vectors off. It is retried from time to time.",
            )


def own_memory() -> int:
    """Bytes that this process and its children hold; where that is known, without the files that they map."""
    total = 0
    service = psutil.Process(os.getpid())
    for process in (service, *service.children(recursive=True)):
        try:
            memory = process.memory_info()
        except psutil.Error:  # it ended meanwhile
            continue
        total += memory.rss - getattr(memory, "shared", 0)
    return total
