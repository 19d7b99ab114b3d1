"""Notices changed files in workspace folders, for editors that do not watch them.

What is reported is a hint: the caller looks at the files. Lost events cost freshness, never correctness, as
the folders are compared with the index from time to time anyway.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from codecontext.core.paths import codecontext_home

if TYPE_CHECKING:
    from watchdog.observers.inotify_c import CallbackId, InotifyEvent, WatchDescriptor

logger = logging.getLogger(__name__)

EVERYTHING = "."
"""Reported instead of paths when events were lost."""

UNWATCHED = frozenset({".git", ".hg", ".jj", ".svn", ".venv", "__pycache__", "node_modules"})
# What is in a repository's own folder and still decides which files there are, and the folders that hold it.
GIT_STATE = frozenset({"HEAD", "info/exclude"})
GIT_STATE_FOLDERS = frozenset({"", "info"})

CHANGES: list[type[FileSystemEvent]] = [
    *(DirCreatedEvent, DirDeletedEvent, DirMovedEvent),
    *(FileCreatedEvent, FileModifiedEvent, FileClosedEvent, FileMovedEvent, FileDeletedEvent),
]

Report = Callable[[str], None]


class FolderWatcher:
    """Calls ``on_change`` with a folder and what was created, written, moved or deleted in it.

    Paths are relative with ``/`` between parts. A path of a folder stands for everything below it, ``.`` for
    the whole workspace folder (events were lost), and ``.git/HEAD`` for another branch. Dependencies, caches
    and version control's own files are left out.

    Changes are collected until none came for ``quiet`` seconds, or for ``longest`` seconds, and delivered by
    one thread of the watcher. ``native_recursion`` leaves it to the platform to watch whole trees; otherwise
    each folder that counts is watched by itself, which on Linux is what costs.
    """

    def __init__(
        self,
        on_change: Callable[[Path, frozenset[str]], None],
        *,
        quiet: float = 0.3,
        longest: float = 2.0,
        native_recursion: bool = sys.platform != "linux",
    ) -> None:
        self._on_change = on_change
        self._quiet = quiet
        self._longest = longest
        self._open_tree: Callable[[Path, Report], _Tree] = _NativeTree if native_recursion else _InotifyTree
        self._arranging = threading.Lock()
        self._trees: dict[Path, _Tree] = {}
        self._changed = threading.Condition()
        self._batches: dict[Path, set[str]] = {}
        self._first = self._last = 0.0
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="folder-watcher", daemon=True)
        self._thread.start()

    def watch(self, folders: Collection[Path]) -> None:
        """Watch these folders and no others; changes after the return are reported.

        Takes some milliseconds for each thousand subfolders. A folder that cannot be watched is logged; one
        that was deleted and made again is watched again by the next call.
        """
        with self._arranging:
            for folder, tree in list(self._trees.items()):
                if folder not in folders or tree.lost:
                    del self._trees[folder]
                    tree.close()
            with self._changed:
                self._batches = {folder: paths for folder, paths in self._batches.items() if folder in folders}
            for folder in folders:
                if folder not in self._trees:
                    self._open(folder)

    def close(self) -> None:
        """Stop watching; no call comes afterwards. Not to be used inside ``on_change``."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        with self._arranging:
            for tree in self._trees.values():
                tree.close()
            self._trees.clear()

    def _open(self, folder: Path) -> None:
        try:
            self._trees[folder] = self._open_tree(folder, lambda path: self._note(folder, path))
        except OSError as error:
            _warn(folder, error)

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
            while not self._closing:
                due = min(self._last + self._quiet, self._first + self._longest)
                left = due - time.monotonic() if self._batches else None
                if left is not None and left <= 0:
                    batches, self._batches = self._batches, {}
                    return batches
                self._changed.wait(left)
        return None


class _Tree(Protocol):
    """A folder being watched with all that counts below it."""

    @property
    def lost(self) -> bool:
        """Whether the folder itself is gone, and the watches with it."""

    def close(self) -> None:
        """End the watches and their threads."""


class _Paths:
    """Which paths below a folder count."""

    def __init__(self, folder: Path) -> None:
        self.root = os.path.realpath(folder)
        home = Path(os.path.realpath(codecontext_home()))
        self._home = home.relative_to(self.root).as_posix() if Path(self.root) in home.parents else None

    def reported(self, path: str) -> str | None:
        """What to report for an event at ``path``; ``None`` if it does not count."""
        if self._is_home(path) or not _is_utf8(path):
            return None
        outside, unwatched, inside = _split(path)
        if not unwatched:
            return path
        if unwatched != ".git" or (inside and inside not in GIT_STATE):
            return None
        return f"{outside}.git/{inside or 'HEAD'}"

    def entered(self, path: str) -> bool:
        """Whether anything directly inside the folder ``path`` counts."""
        if self._is_home(path) or not _is_utf8(path):
            return False
        _outside, unwatched, inside = _split(path)
        return not unwatched or (unwatched == ".git" and inside in GIT_STATE_FOLDERS)

    def _is_home(self, path: str) -> bool:
        return self._home is not None and f"{path}/".startswith(f"{self._home}/")


class _NativeTree(FileSystemEventHandler):
    """One recursive watch of the platform's own."""

    def __init__(self, folder: Path, report: Report) -> None:
        self.lost = False
        self._paths = _Paths(folder)
        self._report = report
        os.scandir(self._paths.root).close()
        self._observer = Observer()
        self._observer.start()
        try:
            self._observer.schedule(self, self._paths.root, recursive=True, event_filter=CHANGES)
        except OSError:
            self.close()
            raise

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Report both ends of a move."""
        places = [os.fsdecode(place) for place in (event.src_path, event.dest_path) if place]
        for place in places:
            path = os.path.relpath(place, self._paths.root).replace(os.sep, "/")
            if path == ".":
                self.lost = self.lost or isinstance(event, DirDeletedEvent)
            elif reported := self._paths.reported(path):
                self._report(reported)

    def close(self) -> None:
        """End the watch."""
        self._observer.stop()
        self._observer.join()


class _InotifyTree:
    """A watch for each folder that counts, below one reader.

    Watchdog's observer has a thread for each watch that is not recursive, and watches everything below one
    that is, so its reader is used by itself.
    """

    def __init__(self, folder: Path, report: Report) -> None:
        from watchdog.observers.inotify_c import InotifyConstants, InotifyFD, Mask

        self._mask = Mask(
            InotifyConstants.IN_CREATE
            | InotifyConstants.IN_MODIFY
            | InotifyConstants.IN_CLOSE_WRITE
            | InotifyConstants.IN_MOVE
            | InotifyConstants.IN_DELETE
            | InotifyConstants.IN_DELETE_SELF
            | InotifyConstants.IN_ONLYDIR
            | InotifyConstants.IN_DONT_FOLLOW
        )
        self._folder = folder
        self._paths = _Paths(folder)
        self._report = report
        self._full = False
        self._lock = threading.RLock()
        self._watched: dict[str, _InotifyFolder] = {}
        os.scandir(self._paths.root).close()
        self._reader = InotifyFD()
        self._reader.start()
        self.watch_below("")

    @property
    def lost(self) -> bool:
        """Whether the folder itself is gone."""
        return "" not in self._watched and not self._full

    def watch_below(self, top: str) -> None:
        """Watch ``top`` and the folders below it that count. Each is watched first and then listed."""
        pending = [top]
        with self._lock:
            while pending and not self._full:
                path = pending.pop()
                try:
                    if path not in self._watched:
                        self._watch(path)
                    pending.extend(self._subfolders(path))
                except OSError as error:
                    if error.errno in {errno.ENOSPC, errno.EMFILE, errno.ENFILE, errno.ENOMEM}:
                        self._full = True
                        _warn(self._folder, error)

    def handle(self, folder: _InotifyFolder, event: InotifyEvent) -> None:
        """An event in one of the watched folders."""
        if not event.name:
            return
        path = _join(folder.path, os.fsdecode(event.name))
        if event.is_directory and event.is_moved_from:
            self._unwatch_below(path)
        if event.is_directory and (event.is_create or event.is_moved_to) and self._paths.entered(path):
            self.watch_below(path)
        if reported := self._paths.reported(path):
            self._report(reported)

    def drop(self, folder: _InotifyFolder) -> None:
        """Forget a folder that the kernel no longer watches, because it was deleted."""
        with self._lock:
            if self._watched.get(folder.path) is folder:
                del self._watched[folder.path]

    def catch_up(self) -> None:
        """Events were lost: watch folders that appeared, and report everything."""
        self.watch_below("")
        self._report(EVERYTHING)

    def close(self) -> None:
        """End all watches and the reader."""
        self._reader.stop()
        self._reader.join()

    def _watch(self, path: str) -> None:
        place = os.fsencode(_join(self._paths.root, path))
        if not os.access(place, os.R_OK):
            return  # the reader would take the refusal for a watch
        folder = _InotifyFolder(self, path)
        folder.descriptor = self._reader.add_callback(place, self._mask, folder, folder.id)
        self._watched[path] = folder

    def _subfolders(self, path: str) -> Iterator[str]:
        with os.scandir(_join(self._paths.root, path)) as entries:
            names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        return filter(self._paths.entered, (_join(path, name) for name in names))

    def _unwatch_below(self, top: str) -> None:
        with self._lock:
            moved = [path for path in self._watched if f"{path}/".startswith(f"{top}/")]
            folders = [self._watched.pop(path) for path in moved]
            self._reader.remove_callbacks([(folder.descriptor, folder.id) for folder in folders])


class _InotifyFolder:
    """One watched folder, as watchdog's reader calls it.

    A folder that moves is known to the kernel by the same descriptor; each path has an object of its own, so
    that the old and the new one never mix.
    """

    descriptor: WatchDescriptor

    def __init__(self, tree: _InotifyTree, path: str) -> None:
        from watchdog.observers.inotify_c import CallbackId

        self.path = path
        self.id: CallbackId = CallbackId(id(self))
        self._tree = tree

    def on_event(self, event: InotifyEvent) -> None:
        """Something happened in the folder."""
        self._tree.handle(self, event)

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:  # noqa: ARG002 - the reader's signature
        """The kernel ended the watch."""
        self._tree.drop(self)

    def on_queue_overflow(self) -> None:
        """The kernel lost events; every folder is told, one of them acts."""
        if not self.path:
            self._tree.catch_up()


def _split(path: str) -> tuple[str, str, str]:
    """The part before the first unwatched folder (empty or ending with ``/``), that folder, what is in it."""
    parts = path.split("/")
    for index, part in enumerate(parts):
        if part in UNWATCHED:
            return "".join(f"{outer}/" for outer in parts[:index]), part, "/".join(parts[index + 1 :])
    return path, "", ""


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder and name else folder or name


def _is_utf8(path: str) -> bool:
    """Whether the name can be spoken about; files whose name is not UTF-8 are not indexed either."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _warn(folder: Path, error: OSError) -> None:
    advice = "raise fs.inotify.max_user_watches and max_user_instances (sysctl)"
    limits = {errno.ENOSPC, errno.EMFILE, errno.ENFILE}
    logger.warning(
        "Cannot watch all of %s (%s): changes made outside the editor are found later, by comparing%s",
        folder,
        error.strerror or error,
        f"; to see them at once, {advice}" if sys.platform == "linux" and error.errno in limits else "",
    )
