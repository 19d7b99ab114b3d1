"""The editor's process: when it is gone without a word, the server is to end (LSP 3.17, ``processId``)."""

from __future__ import annotations

from contextlib import suppress

import psutil


class EditorProcess:
    """A process that lives and is of the same family as this one, so that it can be the editor."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """Its process id."""
        return int(self._process.pid)

    def is_alive(self) -> bool:
        """Whether it still runs; another one that got its number does not count."""
        with suppress(psutil.Error):
            return self._process.is_running() and self._process.status() != psutil.STATUS_ZOMBIE
        return False


def find_editor(process_id: int | None) -> EditorProcess | None:
    """The process that an editor named as its own; None where it cannot be that.

    An editor outside the container, on the other end of ssh or of WSL names a number of its own system: nobody has it
    here, or somebody who has nothing to do with it. So it must run now, and be an ancestor of this process or have one
    in common with it, other than the first process of the system.
    """
    if process_id is None or process_id <= 1:
        return None
    try:
        named = psutil.Process(process_id)
        ours, theirs = _line_of(psutil.Process()), _line_of(named)
    except (psutil.Error, OverflowError, OSError):
        return None
    editor = EditorProcess(named)
    return editor if editor.is_alive() and ours & theirs else None


def _line_of(process: psutil.Process) -> set[int]:
    """A process and its ancestors, the first of the system left out."""
    return {each.pid for each in (process, *process.parents())} - {0, 1}
