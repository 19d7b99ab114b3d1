"""The editor's process: when it is gone without notice, the server must exit (LSP 3.17, ``processId``)."""

from __future__ import annotations

from contextlib import suppress

import psutil


class EditorProcess:
    """A running process that is related to this one, so that it can be the editor."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """Its process id."""
        return int(self._process.pid)

    def is_alive(self) -> bool:
        """Whether it is still running; another one that reuses its id does not count."""
        with suppress(psutil.Error):
            return self._process.is_running() and self._process.status() != psutil.STATUS_ZOMBIE
        return False


def find_editor(process_id: int | None) -> EditorProcess | None:
    """The process that an editor named as its own; None where it cannot be that.

    An editor outside the container, or on the other end of ssh or WSL, names an id of its own system: here it belongs
    to no process, or to an unrelated one. So the process must be running, and be an ancestor of this one or share an
    ancestor with it, other than the first process of the system.
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
