"""A process together with its children."""

from __future__ import annotations

from contextlib import suppress

# psutil is imported where it is used: few commands look at processes.


def kill_with_children(pid: int) -> None:
    """Kill a process and all below it, also when it is stopped or hangs. It may be gone already."""
    import psutil

    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return
    for each in family:
        with suppress(psutil.Error):  # the next one ended meanwhile
            each.kill()


def resident_bytes(pid: int | None) -> int | None:
    """Resident memory of a process and of its children; None while it does not run."""
    if pid is None:
        return None
    import psutil

    try:
        process = psutil.Process(pid)
        return sum(part.memory_info().rss for part in (process, *process.children(recursive=True)))
    except psutil.Error:
        return None
