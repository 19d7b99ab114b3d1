"""When the index of a folder was last used: the time of an empty file in it."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from codecontext.core.private import create_private
from codecontext.store.index_reader import RECORDS_FOLDER

_USED = "used"


def note_use(directory: Path) -> None:
    """Record that an index is used now, if there is one and the disk permits."""
    with suppress(OSError):
        if directory.is_dir():
            create_private(directory / _USED)
            os.utime(directory / _USED)


def unused_seconds(directory: Path) -> float:
    """How long an index has not been used; since it was written where nothing says."""
    places = [directory / name for name in (_USED, *RECORDS_FOLDER)]
    times = [place.stat().st_mtime for place in places if place.exists()]
    return time.time() - max(times, default=0.0)
