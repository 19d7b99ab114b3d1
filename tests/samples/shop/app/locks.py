"""Files shared by several workers."""

import fcntl
from pathlib import Path


def hold_lock(path: Path):
    """Take the lock exclusively; everybody else has to stand in line."""
    handle = path.open("w")
    fcntl.flock(handle, fcntl.LOCK_EX)
    return handle


def release_lock(handle) -> None:
    """Give the lock back."""
    fcntl.flock(handle, fcntl.LOCK_UN)
    handle.close()
