"""Watches on a folder and everything below it that counts.

Where the platform watches whole trees at no cost, watchdog does it. On Linux a watch belongs to a single folder and
the system gives only so many, so folders that do not count must not take any. Watchdog takes either everything below
a folder or a thread for each, so there inotify(7) is used directly.
"""

from __future__ import annotations

import errno
import os
import select
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
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

from codecontext.watching.paths import EVERYTHING, WatchedPaths, join

if TYPE_CHECKING:
    from inotify_simple import Event

CHANGES: list[type[FileSystemEvent]] = [
    *(DirCreatedEvent, DirDeletedEvent, DirMovedEvent),
    *(FileCreatedEvent, FileModifiedEvent, FileClosedEvent, FileMovedEvent, FileDeletedEvent),
]
LIMIT_ERRORS = frozenset({errno.ENOSPC, errno.EMFILE, errno.ENFILE})
"""How the system says that it has no more watches to give."""

CLOSING_SECONDS = 5.0
"""Threads that do not end by then, as the disk or a callback does not answer, are left: they are daemons."""

Report = Callable[[str], None]


class WatchedTree(Protocol):
    """A folder being watched with all that counts below it."""

    @property
    def lost(self) -> bool:
        """Whether the folder itself is gone, and the watches with it, or the thread that reads events."""

    @property
    def shortage(self) -> OSError | None:
        """Why some folders below are not watched; None while all are."""

    def watch_missing(self) -> None:
        """Watch what is not watched yet, and report everything once nothing is missing."""

    def close(self) -> None:
        """End the watches and their threads."""


class NativeTree(FileSystemEventHandler):
    """One recursive watch of the platform's own."""

    shortage: OSError | None = None

    def __init__(self, folder: Path, report: Report) -> None:
        self._deleted = False
        self._paths = WatchedPaths(folder)
        self._report = report
        os.scandir(self._paths.root).close()
        self._observer = Observer()
        try:
            self._observer.start()
            self._observer.schedule(self, self._paths.root, recursive=True, event_filter=CHANGES)
        except OSError:
            self.close()
            raise

    @property
    def lost(self) -> bool:
        """Whether the folder itself is gone, or the observer's thread."""
        return self._deleted or not self._observer.is_alive()

    def watch_missing(self) -> None:
        """Nothing: the platform watches all or nothing."""

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Report both ends of a move."""
        places = [os.fsdecode(place) for place in (event.src_path, event.dest_path) if place]
        for place in places:
            path = os.path.relpath(place, self._paths.root).replace(os.sep, "/")
            if path == ".":
                self._deleted = self._deleted or isinstance(event, DirDeletedEvent)
            elif reported := self._paths.reported(path):
                self._report(reported)

    def close(self) -> None:
        """End the watch."""
        self._observer.stop()
        if self._observer.is_alive():
            self._observer.join(CLOSING_SECONDS)


class InotifyTree:
    """A watch for each folder that counts, all read by one thread.

    The kernel knows a folder by its inode: one that moves keeps its watch, and until the move is read, and where a
    folder is mounted twice, one watch stands for two paths.
    """

    def __init__(self, folder: Path, report: Report) -> None:
        from inotify_simple import INotify, flags

        self._flags = flags
        self._paths = WatchedPaths(folder)
        self._report = report
        self.shortage: OSError | None = None
        self._lock = threading.RLock()
        self._closed = False
        self._watches: dict[str, int] = {}
        self._watched: dict[int, tuple[str, ...]] = {}
        """Watch descriptor → paths of the folder."""
        os.scandir(self._paths.root).close()
        self._inotify = INotify()
        self._wake_reader, self._wake = os.pipe()
        self._reader = threading.Thread(target=self._read, name="inotify-reader", daemon=True)
        self._reader.start()
        self._watch_below("")

    @property
    def lost(self) -> bool:
        """Whether the folder itself is gone, or the thread that reads events."""
        return ("" not in self._watches and self.shortage is None) or not self._reader.is_alive()

    def watch_missing(self) -> None:
        """Watch what was not watched for want of watches."""
        self.shortage = None
        self._watch_below("")
        if self.shortage is None:
            self._report(EVERYTHING)

    def close(self) -> None:
        """End all watches and the reader."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            os.close(self._wake)
        self._reader.join(CLOSING_SECONDS)

    def _read(self) -> None:
        """Handle events until the other end of the pipe is closed."""
        poll = select.poll()
        poll.register(self._inotify, select.POLLIN)
        poll.register(self._wake_reader, select.POLLIN)
        try:
            while not self._closed:
                poll.poll()
                for event in self._inotify.read(timeout=0):
                    self._handle(event)
        finally:
            with self._lock:
                self._inotify.close()
                os.close(self._wake_reader)

    def _handle(self, event: Event) -> None:
        if event.mask & self._flags.Q_OVERFLOW:
            self._watch_below("")  # the creation of folders may be among what was lost
            self._report(EVERYTHING)
        elif event.mask & self._flags.IGNORED:
            self._forget(event.wd)
        elif event.name:
            for folder in self._watched.get(event.wd, ()):
                self._handle_entry(join(folder, event.name), event.mask)

    def _handle_entry(self, path: str, mask: int) -> None:
        """Something happened to ``path``, which is in a watched folder."""
        if mask & self._flags.ISDIR:
            if mask & self._flags.MOVED_FROM:
                self._unwatch_below(path)
            if mask & (self._flags.CREATE | self._flags.MOVED_TO) and self._paths.is_watched_folder(path):
                self._watch_below(path)
        if reported := self._paths.reported(path):
            self._report(reported)

    def _watch_below(self, top: str) -> None:
        """Watch ``top`` and the folders below it that count. Each is watched first and then listed."""
        pending = [top]
        with self._lock:
            while pending and self.shortage is None and not self._closed:
                path = pending.pop()
                try:
                    if path not in self._watches:
                        self._watch(path)
                    pending.extend(self._subfolders(path))
                except OSError as error:  # gone this moment or closed to us, unless it is a limit
                    if error.errno in LIMIT_ERRORS | {errno.ENOMEM}:
                        self.shortage = error

    def _watch(self, path: str) -> None:
        flags = self._flags
        mask = flags.CREATE | flags.MODIFY | flags.CLOSE_WRITE | flags.MOVED_FROM | flags.MOVED_TO | flags.DELETE
        mask |= flags.DELETE_SELF | flags.ONLYDIR | flags.DONT_FOLLOW
        watch: int = self._inotify.add_watch(join(self._paths.root, path), mask)
        self._watches[path] = watch
        self._watched[watch] = (*self._watched.get(watch, ()), path)

    def _subfolders(self, path: str) -> Iterator[str]:
        with os.scandir(join(self._paths.root, path)) as entries:
            names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        return filter(self._paths.is_watched_folder, (join(path, name) for name in names))

    def _forget(self, watch: int) -> None:
        """The kernel ended a watch, because its folder was deleted."""
        with self._lock:
            for path in self._watched.pop(watch, ()):
                del self._watches[path]

    def _unwatch_below(self, top: str) -> None:
        with self._lock:
            for path in [path for path in self._watches if f"{path}/".startswith(f"{top}/")]:
                watch = self._watches.pop(path)
                others = tuple(other for other in self._watched[watch] if other != path)
                if others:
                    self._watched[watch] = others
                else:
                    del self._watched[watch]
                    self._end(watch)

    def _end(self, watch: int) -> None:
        with suppress(OSError):  # the folder is gone, and its watch with it
            self._inotify.rm_watch(watch)
