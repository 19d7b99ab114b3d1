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
from dataclasses import dataclass
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

_LOOK_SECONDS = 2.0
"""How often it is looked whether a watched folder is still the one that is watched: one ``stat`` each."""
_RETRY_SECONDS = 60.0
"""How long to wait before asking again for watches that the system did not give."""
_WHOLE_TREE = 10
"""So much longer where only a part is not watched: asking for that walks through all folders."""
_CLOSING_SECONDS = 5.0
"""Threads that do not end by then, as the disk or a callback does not answer, are left: they are daemons."""


class FolderWatcher:
    """Calls ``on_change`` with a folder and what was created, written, moved or deleted in it.

    Paths are relative with ``/`` between parts. A path of a folder stands for everything below it, ``.`` for
    the whole workspace folder (events were lost), and ``.git/HEAD`` for another branch. Dependencies, caches
    and version control's own files are left out.

    Changes are collected until none came for ``quiet`` seconds, or for ``longest`` seconds, and delivered by
    one thread of the watcher. ``native_recursion`` leaves it to the platform to watch whole trees; otherwise
    each folder that counts is watched by itself, which on Linux is what costs.

    A folder that is missing, goes away, or is replaced by another one of its name is taken up again within seconds of
    its return, and reported as a whole; what the system refuses is asked for again from time to time. ``faults`` says
    which folders are not fully watched, and ``on_fault`` is called, from any thread, whenever that changed.
    """

    def __init__(
        self,
        on_change: Callable[[Path, frozenset[str]], None],
        on_fault: Callable[[], None] = lambda: None,
        *,
        quiet: float = 0.3,
        longest: float = 2.0,
        look: float = _LOOK_SECONDS,
        retry: float = _RETRY_SECONDS,
        native_recursion: bool = sys.platform != "linux",
    ) -> None:
        self._on_change = on_change
        self._on_fault = on_fault
        self._quiet = quiet
        self._longest = longest
        self._look = look
        self._retry = retry
        self._open_tree: Callable[[Path, Report], _Tree] = _NativeTree if native_recursion else _InotifyTree
        self._arranging = threading.Lock()
        self._watched: dict[Path, _Watched] = {}
        self._changed = threading.Condition()
        self._batches: dict[Path, set[str]] = {}
        self._first = self._last = 0.0
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=run, name="folder-watcher", daemon=True) for run in (self._run, self._look_after)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def faults(self) -> dict[Path, str]:
        """Folders that are not fully watched now, and a sentence about each that says why and what follows."""
        return {folder: watched.fault for folder, watched in list(self._watched.items()) if watched.fault}

    def watch(self, folders: Collection[Path]) -> None:
        """Watch these folders and no others; changes after the return are reported.

        Takes some milliseconds for each thousand subfolders. A folder that cannot be watched is logged and a fault.
        """
        with self._arranging:
            for folder in [folder for folder in self._watched if folder not in folders]:
                self._watched.pop(folder).close()
            with self._changed:
                self._batches = {folder: paths for folder, paths in self._batches.items() if folder in folders}
            for folder in folders:
                if folder not in self._watched:
                    self._watched[folder] = _Watched()
                    self._take_up(folder, self._watched[folder])
                else:
                    self._see_to(folder, self._watched[folder])

    def close(self) -> None:
        """Stop watching; no call comes afterwards. Not to be used inside ``on_change``."""
        with self._changed:
            self._closing.set()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(_CLOSING_SECONDS)
        with self._arranging:
            for watched in self._watched.values():
                watched.close()
            self._watched.clear()

    def _look_after(self) -> None:
        """Notice folders that were lost or came back, and ask again for what the system refused."""
        while not self._closing.wait(self._look):
            for folder, watched in list(self._watched.items()):
                with self._arranging:
                    if self._watched.get(folder) is watched and not self._closing.is_set():
                        try:
                            self._see_to(folder, watched)
                        except Exception:  # one folder's fault must not end the watch over the others
                            logger.exception("%s cannot be watched", folder)

    def _see_to(self, folder: Path, watched: _Watched) -> None:
        """Take up a folder again if it is not the one that is watched, or not watched as a whole."""
        identity = _identity(folder)
        if watched.tree is not None and (watched.tree.lost or identity != watched.identity):
            logger.info("%s is no longer the folder that is watched", folder)
            watched.close()
            watched.retry_at = 0.0
        returned = identity is not None and watched.identity is None
        if watched.tree is None and (identity is None or returned or time.monotonic() >= watched.retry_at):
            before = watched.identity
            self._take_up(folder, watched)
            if watched.identity != before or watched.tree is not None:
                self._note(folder, EVERYTHING)
        elif watched.tree is not None:
            if watched.tree.shortage is not None and time.monotonic() >= watched.retry_at:
                watched.retry_at = time.monotonic() + _WHOLE_TREE * self._retry
                watched.tree.try_again()
            self._judge(folder, watched, watched.tree.shortage)

    def _take_up(self, folder: Path, watched: _Watched) -> None:
        watched.identity = _identity(folder)
        watched.retry_at = time.monotonic() + self._retry
        shortage: OSError | None = None
        try:
            watched.tree = self._open_tree(folder, lambda path: self._note(folder, path))
            shortage = watched.tree.shortage
        except OSError as error:
            shortage = error
        except ValueError as error:  # no path of this system's, or none in its encoding
            shortage = OSError(errno.EINVAL, str(error))
        self._judge(folder, watched, shortage)

    def _judge(self, folder: Path, watched: _Watched, shortage: OSError | None) -> None:
        """Say what is wrong, once, and that it is no longer."""
        fault = _sentence(folder, shortage) if shortage is not None else ""
        if fault == watched.fault:
            return
        watched.fault = fault
        if fault:
            logger.warning("%s", fault)
        else:
            logger.info("%s is watched again", folder)
        try:
            self._on_fault()
        except Exception:
            logger.exception("The state of watching cannot be told")

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


class _Tree(Protocol):
    """A folder being watched with all that counts below it."""

    @property
    def lost(self) -> bool:
        """Whether the folder itself is gone, and the watches with it, or whoever waits for events."""

    @property
    def shortage(self) -> OSError | None:
        """Why some folders below are not watched; None while all are."""

    def try_again(self) -> None:
        """Watch what is not watched yet, and report everything where that is all there is."""

    def close(self) -> None:
        """End the watches and their threads."""


@dataclass(slots=True)
class _Watched:
    """A folder that is to be watched, and what came of it."""

    tree: _Tree | None = None
    identity: tuple[int, int] | None = None
    """Device and inode when it was taken up; None while it was missing."""
    fault: str = ""
    retry_at: float = 0.0

    def close(self) -> None:
        """End the watches."""
        tree, self.tree = self.tree, None
        if tree is not None:
            tree.close()


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

    shortage: OSError | None = None

    def __init__(self, folder: Path, report: Report) -> None:
        self._deleted = False
        self._paths = _Paths(folder)
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

    def try_again(self) -> None:
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
            self._observer.join(_CLOSING_SECONDS)


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
        self._paths = _Paths(folder)
        self._report = report
        self.shortage: OSError | None = None
        self._closed = False
        self._lock = threading.RLock()
        self._watched: dict[str, _InotifyFolder] = {}
        os.scandir(self._paths.root).close()
        self._reader = InotifyFD()
        self._reader.start()
        self.watch_below("")

    @property
    def lost(self) -> bool:
        """Whether the folder itself is gone, or the thread that reads events."""
        return ("" not in self._watched and self.shortage is None) or not self._reader.is_alive()

    def watch_below(self, top: str) -> None:
        """Watch ``top`` and the folders below it that count. Each is watched first and then listed."""
        pending = [top]
        with self._lock:
            while pending and self.shortage is None and not self._closed:
                path = pending.pop()
                try:
                    if path not in self._watched:
                        self._watch(path)
                    pending.extend(self._subfolders(path))
                except OSError as error:
                    if error.errno in {errno.ENOSPC, errno.EMFILE, errno.ENFILE, errno.ENOMEM}:
                        self.shortage = error

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

    def try_again(self) -> None:
        """Watch what was not watched for want of watches."""
        self.shortage = None
        self.watch_below("")
        if self.shortage is None:
            self._report(EVERYTHING)

    def close(self) -> None:
        """End all watches and the reader."""
        self._closed = True
        self._reader.stop()
        self._reader.join(_CLOSING_SECONDS)

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


def _identity(folder: Path) -> tuple[int, int] | None:
    """Device and inode of a folder; None where there is none."""
    try:
        status = folder.stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def _sentence(folder: Path, error: OSError) -> str:
    """What it means that a folder is not fully watched."""
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return f"Cannot watch the folder {folder}, which is not there; it is watched again when it is back."
    advice = "; to see them at once, raise fs.inotify.max_user_watches and max_user_instances (sysctl)"
    return (
        f"Cannot watch all of {folder} ({error.strerror or error}): changes made outside the editor are found later, "
        f"by comparing{advice if sys.platform == 'linux' and error.errno in _LIMITS else ''}."
    )


_LIMITS = frozenset({errno.ENOSPC, errno.EMFILE, errno.ENFILE})
