"""One writer per index, over all processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from codecontext.core.errors import IndexLocked, StoreError
from codecontext.core.private import make_private


@contextmanager
def writer_lock(directory: Path, *, timeout: float = 0.0) -> Iterator[None]:
    """Hold the right to write the index in ``directory``; the system frees it if the process dies.

    Raises ``IndexLocked`` when another process still holds it after ``timeout`` seconds, and ``StoreError``
    when the folder cannot be written at all.
    """
    lock = FileLock(directory / "writer.lock", mode=0o600)
    try:
        make_private(directory)
        lock.acquire(timeout=timeout)
    except Timeout as error:
        raise IndexLocked(
            f"Another CodeContext process is writing the index in {directory}.",
            "Wait until it has finished; you can search in the meantime.",
        ) from error
    except OSError as error:
        raise StoreError(
            f"The index folder {directory} cannot be written: {error.strerror or error}.",
            "Free some space or set CODECONTEXT_HOME to a folder that can be written.",
        ) from error
    try:
        yield
    finally:
        lock.release()
