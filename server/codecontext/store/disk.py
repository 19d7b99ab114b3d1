"""What the system refuses to do with the files of an index, in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from codecontext.core.errors import StoreError


@contextmanager
def disk_errors(directory: Path) -> Iterator[None]:
    """Raise an ``OSError`` of the block as a ``StoreError``."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"The disk refused to store the index in {directory}: {error.strerror or error}.",
            "Free some space and run again; the previous index is intact.",
        ) from error
