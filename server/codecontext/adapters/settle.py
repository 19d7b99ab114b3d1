"""Waits until an adapter's files are complete and quiet, so that no half-written adapter is ever loaded."""

from __future__ import annotations

import time
from pathlib import Path

from codecontext.adapters.files import AdapterStamp, stamp_of
from codecontext.adapters.inspect import AdapterInfo, inspect_adapter
from codecontext.core import CancelToken
from codecontext.core.errors import AdapterError

# Seconds between two checks of the files; also the longest time until a cancellation is noticed.
POLL_SECONDS = 0.05


def inspect_when_settled(
    path: Path,
    previous: AdapterStamp | None,
    *,
    cancel: CancelToken,
    quiet: float = 0.4,
    lone: float = 3.0,
    patience: float = 30.0,
) -> AdapterInfo:
    """Wait until the adapter at ``path`` is complete and nobody is writing it, then return it.

    ``previous`` is the stamp of the active adapter, if any. The files must not have changed for ``quiet`` seconds, or
    for ``lone`` seconds while only one of configuration and weights of ``previous`` was replaced: the other is probably
    still to come, and both together would be a mixture of two adapters.

    Raises ``AdapterError`` with the problem found by the last inspection when nothing changed for ``lone`` seconds
    or ``patience`` seconds have passed in total; call it again after a later change. Raises ``OperationCancelled`` when
    cancelled.
    """
    started = changed = time.monotonic()
    stamp = stamp_of(path)
    inspected = False
    problem = AdapterError(
        f"The files of the adapter {path} keep changing.", "It can be loaded once they are completely written."
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
                if stamp == info.stamp == stamp_of(path):
                    return info
        if unchanged >= max(lone, needed) or time.monotonic() - started >= patience:
            raise problem
        cancel.wait(POLL_SECONDS)
        latest = stamp_of(path)
        if latest != stamp:
            stamp, changed, inspected = latest, time.monotonic(), False


def _half_replaced(previous: AdapterStamp | None, current: AdapterStamp) -> bool:
    """Whether only one of configuration and weights has changed, in the same folder."""
    if previous is None or previous.folder != current.folder:
        return False
    return (previous.config != current.config) != (previous.weights != current.weights)
