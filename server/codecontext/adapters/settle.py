"""Waits until an adapter's files are complete and quiet, so that no half-written adapter is ever loaded."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from codecontext.adapters.files import CONFIG_FILE, MANIFEST_FILE, WEIGHTS_FILE
from codecontext.adapters.inspect import AdapterInfo, inspect_adapter
from codecontext.core import CancelToken
from codecontext.core.errors import AdapterError

# Seconds between two checks of the files; also how late a cancel may be seen.
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class FileState:
    """One file as ``stat`` sees it: enough to notice that it was written or replaced, without reading it."""

    inode: int
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class AdapterStamp:
    """State of an adapter folder and its files; a file that is missing or cannot be reached is ``None``."""

    folder: Path
    """The real folder, with all links followed."""
    config: FileState | None
    weights: FileState | None
    manifest: FileState | None


def stamp_of(path: Path) -> AdapterStamp:
    """State of the adapter at ``path``, which need not exist; never raises for what it finds there."""
    try:
        folder = Path(os.path.realpath(path))
    except (OSError, ValueError):  # no path of this system's: with a null character, or not in its encoding
        folder = path
    return AdapterStamp(
        folder,
        config=_file_state(folder / CONFIG_FILE),
        weights=_file_state(folder / WEIGHTS_FILE),
        manifest=_file_state(folder / MANIFEST_FILE),
    )


def inspect_when_settled(
    path: Path,
    previous: AdapterStamp | None,
    *,
    cancel: CancelToken,
    quiet: float = 0.4,
    lone: float = 3.0,
    patience: float = 30.0,
) -> AdapterInfo:
    """Wait until the adapter at ``path`` is sound and nobody writes it; the result is that adapter.

    ``previous`` is the stamp of the active adapter, if any. The files must not have changed for
    ``quiet`` seconds, or for ``lone`` seconds while only one of configuration and weights of ``previous`` was
    replaced: the other is probably still to come, and both together would be a mixture of two adapters.

    Raises ``AdapterError`` with what was wrong at the last inspection when nothing changed for ``lone`` seconds
    or ``patience`` seconds have passed in total; a later change is worth another call. Raises
    ``OperationCancelled`` when cancelled.
    """
    started = changed = time.monotonic()
    stamp = stamp_of(path)
    inspected = False
    problem = AdapterError(
        f"The files of the adapter {path} did not stop changing.", "It can be loaded once they are fully written."
    )
    while True:
        cancel.check()
        unchanged = time.monotonic() - changed
        needed = lone if _half_replaced(previous, stamp) else quiet
        if unchanged >= needed and not inspected:
            inspected = True
            try:
                info = inspect_adapter(path)
            except AdapterError as error:
                problem = error
            else:
                if stamp_of(path) == stamp:
                    return info
        if unchanged >= max(lone, needed) or time.monotonic() - started >= patience:
            raise problem
        cancel.wait(POLL_SECONDS)
        latest = stamp_of(path)
        if latest != stamp:
            stamp, changed, inspected = latest, time.monotonic(), False


def _half_replaced(previous: AdapterStamp | None, current: AdapterStamp) -> bool:
    """Whether only one of configuration and weights was replaced, in the same folder."""
    if previous is None or previous.folder != current.folder:
        return False
    return (previous.config != current.config) != (previous.weights != current.weights)


def _file_state(file: Path) -> FileState | None:
    try:
        status = file.stat()
    except (OSError, ValueError):
        return None
    return FileState(status.st_ino, status.st_size, status.st_mtime_ns)
