"""Notices changed files in workspace folders, for editors that do not watch them.

What is reported is a hint: the caller checks the files. Lost events cost freshness, never correctness, as
the folders are compared with the index from time to time anyway.
"""

from __future__ import annotations

import errno
import logging
import sys
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from codecontext.watching.paths import EVERYTHING, identity_of
from codecontext.watching.trees import CLOSING_SECONDS, LIMIT_ERRORS, InotifyTree, NativeTree, Report, WatchedTree

logger = logging.getLogger(__name__)

_CHECK_SECONDS = 2.0
"""How often a folder is checked to be still the one that is watched: one ``stat`` each."""
_RETRY_SECONDS = 60.0
"""How long to wait before requesting again what the system refused."""
_PARTIAL_FACTOR = 10
"""How many times longer to wait where only a part is not watched: finding it walks through all folders."""


class FolderWatcher:
    """Calls ``on_change`` with a folder and what was created, written, moved or deleted in it.

    Paths are relative with ``/`` between parts. A path of a folder stands for everything below it, ``.`` for
    the whole workspace folder (events were lost), and ``.git/HEAD`` for another branch. Dependencies, caches
    and version control's own files are left out.

    Changes are collected until none came for ``quiet`` seconds, or for ``longest`` seconds, and delivered by
    one thread of the watcher. ``native_recursion`` leaves it to the platform to watch whole trees; otherwise
    each folder that counts is watched by itself, which on Linux is what costs.

    A folder that is missing, goes away, or is replaced by another one of its name is watched again within seconds of
    its return, and reported as a whole; what the system refuses is requested again from time to time. ``problems`` says
    which folders are not fully watched, and ``on_problem`` is called, from any thread, whenever that changed.
    """

    def __init__(
        self,
        on_change: Callable[[Path, frozenset[str]], None],
        on_problem: Callable[[], None] = lambda: None,
        *,
        quiet: float = 0.3,
        longest: float = 2.0,
        check: float = _CHECK_SECONDS,
        retry: float = _RETRY_SECONDS,
        native_recursion: bool = sys.platform != "linux",
    ) -> None:
        self._on_change = on_change
        self._on_problem = on_problem
        self._quiet = quiet
        self._longest = longest
        self._check = check
        self._retry = retry
        self._open_tree: Callable[[Path, Report], WatchedTree] = NativeTree if native_recursion else InotifyTree
        self._arranging = threading.Lock()
        self._watched: dict[Path, _Watched] = {}
        self._changed = threading.Condition()
        self._batches: dict[Path, set[str]] = {}
        self._first = self._last = 0.0
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=run, name="folder-watcher", daemon=True) for run in (self._run, self._check_folders)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def problems(self) -> dict[Path, str]:
        """Folders that are not fully watched now, and a sentence about each that says why and what follows."""
        return {folder: watched.problem for folder, watched in list(self._watched.items()) if watched.problem}

    def watch(self, folders: Collection[Path]) -> None:
        """Watch these folders and no others; changes after the return are reported.

        Takes some milliseconds for each thousand subfolders. A folder that cannot be watched is logged and a problem.
        """
        with self._arranging:
            for folder in [folder for folder in self._watched if folder not in folders]:
                self._watched.pop(folder).close()
            with self._changed:
                self._batches = {folder: paths for folder, paths in self._batches.items() if folder in folders}
            for folder in folders:
                if folder not in self._watched:
                    self._watched[folder] = _Watched()
                    self._start_watching(folder, self._watched[folder])
                else:
                    self._check_folder(folder, self._watched[folder])

    def close(self) -> None:
        """Stop watching; no call comes afterwards. Not to be used inside ``on_change``."""
        with self._changed:
            self._closing.set()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(CLOSING_SECONDS)
        with self._arranging:
            for watched in self._watched.values():
                watched.close()
            self._watched.clear()

    def _check_folders(self) -> None:
        """Notice folders that were lost or came back, and request again what the system refused."""
        while not self._closing.wait(self._check):
            for folder, watched in list(self._watched.items()):
                with self._arranging:
                    if self._watched.get(folder) is watched and not self._closing.is_set():
                        try:
                            self._check_folder(folder, watched)
                        except Exception:  # one folder's problem must not end the watch over the others
                            logger.exception("Cannot watch %s", folder)

    def _check_folder(self, folder: Path, watched: _Watched) -> None:
        """Watch a folder again if it is not the one that is watched, or not watched as a whole."""
        current = identity_of(folder)
        if watched.tree is not None and (watched.tree.lost or current != watched.identity):
            logger.info("%s is no longer the folder that is watched", folder)
            watched.close()
            watched.retry_at = 0.0
        returned = current is not None and watched.identity is None
        if watched.tree is None and (current is None or returned or time.monotonic() >= watched.retry_at):
            before = watched.identity
            self._start_watching(folder, watched)
            if watched.identity != before or watched.tree is not None:
                self._note(folder, EVERYTHING)
        elif watched.tree is not None:
            if watched.tree.shortage is not None and time.monotonic() >= watched.retry_at:
                watched.retry_at = time.monotonic() + _PARTIAL_FACTOR * self._retry
                watched.tree.watch_missing()
            self._update_problem(folder, watched, watched.tree.shortage)

    def _start_watching(self, folder: Path, watched: _Watched) -> None:
        watched.identity = identity_of(folder)
        watched.retry_at = time.monotonic() + self._retry
        shortage: OSError | None = None
        try:
            watched.tree = self._open_tree(folder, lambda path: self._note(folder, path))
            shortage = watched.tree.shortage
        except OSError as error:
            shortage = error
        except ValueError as error:  # no path of this system's, or none in its encoding
            shortage = OSError(errno.EINVAL, str(error))
        self._update_problem(folder, watched, shortage)

    def _update_problem(self, folder: Path, watched: _Watched, shortage: OSError | None) -> None:
        """Say what is wrong, once, and that it is no longer."""
        problem = _sentence(folder, shortage) if shortage is not None else ""
        if problem == watched.problem:
            return
        watched.problem = problem
        if problem:
            logger.warning("%s", problem)
        else:
            logger.info("Watching %s again", folder)
        try:
            self._on_problem()
        except Exception:
            logger.exception("Reporting the state of file watching failed")

    def _note(self, folder: Path, path: str) -> None:
        with self._changed:
            self._last = time.monotonic()
            if not self._batches:
                self._first = self._last
                self._changed.notify_all()
            self._batches.setdefault(folder, set()).add(path)

    def _run(self) -> None:
        while (batches := self._wait_for_batches()) is not None:
            for folder, paths in batches.items():
                try:
                    self._on_change(folder, frozenset(paths))
                except Exception:
                    logger.exception("Handling changed files in %s failed", folder)

    def _wait_for_batches(self) -> dict[Path, set[str]] | None:
        """What changed, by folder; ``None`` at the end."""
        with self._changed:
            while not self._closing.is_set():
                due = min(self._last + self._quiet, self._first + self._longest)
                left = due - time.monotonic() if self._batches else None
                if left is not None and left <= 0:
                    batches, self._batches = self._batches, {}
                    return batches
                self._changed.wait(left)
        return None


@dataclass(slots=True)
class _Watched:
    """A folder that is to be watched, and what came of it."""

    tree: WatchedTree | None = None
    identity: tuple[int, int] | None = None
    """Device and inode when watching began; None while it was missing."""
    problem: str = ""
    retry_at: float = 0.0

    def close(self) -> None:
        """End the watches."""
        tree, self.tree = self.tree, None
        if tree is not None:
            tree.close()


def _sentence(folder: Path, error: OSError) -> str:
    """What it means that a folder is not fully watched."""
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return f"Cannot watch the folder {folder}, which does not exist; watching resumes when it is back."
    is_limit = sys.platform == "linux" and error.errno in LIMIT_ERRORS
    reason = "the system's limit on watches is reached" if is_limit else error.strerror or error
    advice = "; to see them at once, raise fs.inotify.max_user_watches and max_user_instances (sysctl)"
    return (
        f"Cannot watch all of {folder} ({reason}): changes made outside the editor are only found by the next "
        f"rescan{advice if is_limit else ''}."
    )
