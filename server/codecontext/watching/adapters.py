"""Notices when an adapter on disk may have changed: its files, its folder, and the links and folders on the way.

A watch belongs to a folder that exists, while an adapter is wanted by path: the folder at that path may be
missing, replaced as a whole, or be reached through links that are pointed elsewhere. So the path is followed
part by part, every folder where a part of it could change is watched, and after each event the path is
followed again.
"""

from __future__ import annotations

import logging
import math
import os
import queue
import stat
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileAttribEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from codecontext.adapters.files import CONFIG_FILE, MANIFEST_FILE, WEIGHTS_FILE, AdapterStamp, stamp_of
from codecontext.watching.paths import identity_of
from codecontext.watching.trees import CLOSING_SECONDS

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver, ObservedWatch

logger = logging.getLogger(__name__)

# Seconds from an event to the call it causes, and between two calls for one adapter.
SOON = 0.05
SPACING = 0.25
# Seconds between checks of the adapters while a folder on their way cannot be watched.
BLIND_INTERVAL = 1.0

# The kernel's own limit.
MAX_LINKS = 40

# Folders may appear while watches are put; whoever makes them without end is left to the next check.
MAX_ROUNDS = 20

# A rename of any folder on the way changes what a path means. Only inotify watches single folders at no cost:
# FSEvents delivers whole trees, and Windows refuses to rename what lies above a watched folder.
WATCHES_ALL_PARENTS = sys.platform == "linux"

ADAPTER_FILES = (CONFIG_FILE, WEIGHTS_FILE, MANIFEST_FILE)
ENTRY_EVENTS: list[type[FileSystemEvent]] = [
    *(DirCreatedEvent, DirDeletedEvent, DirMovedEvent),
    *(FileCreatedEvent, FileDeletedEvent, FileMovedEvent),
]
FILE_EVENTS: list[type[FileSystemEvent]] = [*ENTRY_EVENTS, FileModifiedEvent, FileClosedEvent, FileAttribEvent]


class AdapterWatcher:
    """Calls ``on_change`` with a watched path when the adapter there may have changed.

    The calls come from one thread of the watcher: soon after the first event of a burst, then at most a few
    a second, and always once after the last event. Differences that bring no event, as on network file
    systems, are found every ``interval`` seconds by comparing stamps.
    """

    def __init__(self, on_change: Callable[[Path], None], *, interval: float = 5.0) -> None:
        self._on_change = on_change
        self._interval = interval
        self._lock = threading.Lock()
        self._known: dict[Path, AdapterStamp] = {}
        """Wanted path → state that was last reported; under the lock."""
        self._events: queue.SimpleQueue[FileSystemEvent | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._places = _WatchedPlaces(self._events)
        self._concerns: Mapping[Path, set[Path]] = {}
        """Path of a file, folder or link → wanted paths that depend on it."""
        self._due: dict[Path, float] = {}
        self._called: dict[Path, float] = {}
        self._next_check = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="adapter-watcher", daemon=True)
        self._thread.start()

    def watch(self, paths: Collection[Path]) -> None:
        """Watch these adapter folders, which need not exist, and no others.

        What changes from this call on is reported, also before the watches are in place.
        """
        with self._lock:
            self._known = {path: self._known.get(path) or stamp_of(path) for path in paths}
        self._events.put(None)

    def close(self) -> None:
        """Stop watching; no call comes afterwards. Not to be used inside ``on_change``."""
        self._closing.set()
        self._events.put(None)
        self._thread.join(CLOSING_SECONDS)

    def _run(self) -> None:
        try:
            while not self._closing.is_set():
                try:
                    self._take_turn(self._wait_for_events())
                except Exception:
                    logger.exception("Watching adapters failed; it continues")
                    self._closing.wait(self._interval)
        finally:
            self._places.close()

    def _wait_for_events(self) -> list[FileSystemEvent | None]:
        """Everything that was queued, ``None`` for a call of ``watch``; nothing when it is time to act."""
        events: list[FileSystemEvent | None] = []
        try:
            events.append(self._events.get(timeout=max(0.0, self._next_deadline() - time.monotonic())))
            while True:
                events.append(self._events.get_nowait())
        except queue.Empty:
            return events

    def _next_deadline(self) -> float:
        return min(self._next_check, *self._due.values()) if self._due else self._next_check

    def _take_turn(self, events: list[FileSystemEvent | None]) -> None:
        if self._closing.is_set():
            return
        touched = {path for event in events if event is not None for path in self._concerned_by(event)}
        self._plan_calls(touched)
        if touched or None in events or time.monotonic() >= self._next_check:
            self._follow_and_compare()
        self._make_due_calls()

    def _concerned_by(self, event: FileSystemEvent) -> set[Path]:
        source, target = Path(os.fsdecode(event.src_path)), Path(os.fsdecode(event.dest_path))
        if isinstance(event, DirDeletedEvent):
            self._places.forget(source)
        return self._concerns.get(source, set()) | self._concerns.get(target, set())

    def _follow_and_compare(self) -> None:
        """Follow all paths again, watch where they lead now, and find what changed without an event."""
        with self._lock:
            known = dict(self._known)
        self._follow(known)
        self._due = {path: due for path, due in self._due.items() if path in known}
        self._called = {path: called for path, called in self._called.items() if path in known}
        self._plan_calls(path for path, stamp in known.items() if stamp_of(path) != stamp)
        pause = min(self._interval, BLIND_INTERVAL) if self._places.blind else self._interval
        self._next_check = time.monotonic() + pause

    def _follow(self, paths: Collection[Path]) -> None:
        """Put watches where ``paths`` lead; again while new watches came too late to see a change."""
        for _round in range(MAX_ROUNDS):
            places: dict[Path, bool] = {}
            concerns: defaultdict[Path, set[Path]] = defaultdict(set)
            for path in paths:
                route = _trace(path)
                for entry in route.entries:
                    concerns[entry].add(path)
                for place in route.parents:
                    places.setdefault(place, False)
                if route.folder is not None:
                    places[route.folder] = True
                    for name in ADAPTER_FILES:
                        concerns[route.folder / name].add(path)
            self._concerns = concerns
            if not self._places.arrange(places):
                return

    def _plan_calls(self, paths: Iterable[Path]) -> None:
        now = time.monotonic()
        for path in paths:
            self._due.setdefault(path, max(now + SOON, self._called.get(path, -math.inf) + SPACING))

    def _make_due_calls(self) -> None:
        for path in [path for path, due in self._due.items() if due <= time.monotonic()]:
            del self._due[path]
            self._called[path] = time.monotonic()
            stamp = stamp_of(path)
            with self._lock:
                if path not in self._known or self._closing.is_set():
                    continue
                self._known[path] = stamp
            try:
                self._on_change(path)
            except Exception:
                logger.exception("Handling a change of the adapter %s failed", path)


@dataclass(frozen=True, slots=True)
class _Route:
    """How a path leads to a folder, as real paths."""

    entries: list[Path]
    """Every link and folder on the way, the last of which may be missing."""
    parents: list[Path]
    """Existing folders to watch for changes of those entries."""
    folder: Path | None
    """The folder at the end; ``None`` while there is none."""


def _trace(path: Path) -> _Route:
    """Follow ``path`` part by part as the kernel would, as far as it leads."""
    path = path.absolute()
    place, rest = Path(path.anchor), list(reversed(path.parts[1:]))
    entries: list[Path] = []
    links: list[Path] = []
    while rest and len(links) <= MAX_LINKS:
        name = rest.pop()
        if name == "..":
            place = place.parent
            continue
        entry = place / name
        entries.append(entry)
        try:
            mode = entry.lstat().st_mode
            target = entry.readlink() if stat.S_ISLNK(mode) else None
        except (OSError, ValueError):
            break  # missing, or hidden from us, or no name of this system's
        if target is not None:
            links.append(entry)
            place = Path(target.anchor) if target.anchor else place
            rest.extend(reversed(target.parts[1:] if target.anchor else target.parts))
        elif stat.S_ISDIR(mode):
            place = entry
        else:
            break
    watched = entries if WATCHES_ALL_PARENTS else [*links, *entries[-1:]]
    complete = bool(entries) and not rest and place == entries[-1]
    return _Route(entries, [entry.parent for entry in watched], place if complete else None)


@dataclass(frozen=True, slots=True)
class _Place:
    watch: ObservedWatch
    identity: tuple[int, int]
    """Device and inode: another folder under the same path needs a watch of its own."""
    files: bool
    """Whether changes of file content are watched too, not only of names."""


class _WatchedPlaces(FileSystemEventHandler):
    """The folders that are watched right now; their events go to a queue."""

    def __init__(self, events: queue.SimpleQueue[FileSystemEvent | None]) -> None:
        self.blind = False
        """Whether some wanted folder cannot be watched."""
        self._events = events
        self._observer: BaseObserver | None = None
        self._places: dict[Path, _Place] = {}
        self._complained: set[Path] = set()

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Hand the event to the watcher's own thread, so that the observer never waits."""
        self._events.put(event)

    def arrange(self, wanted: Mapping[Path, bool]) -> bool:
        """Watch these folders (path → whether its files count) and no others; whether any was added.

        Old watches go first: the kernel keeps one watch for a folder, whatever path it was added by.
        """
        for path, place in list(self._places.items()):
            if wanted.get(path) != place.files or identity_of(path) != place.identity:
                self.forget(path)
        missing = [path for path in wanted if path not in self._places]
        added = [path for path in missing if self._add(path, files=wanted[path])]
        self.blind = len(added) < len(missing)
        return bool(added)

    def forget(self, path: Path) -> None:
        """Stop watching ``path``, if it is watched."""
        place = self._places.pop(path, None)
        if place is not None and self._observer is not None:
            self._observer.unschedule(place.watch)

    def close(self) -> None:
        """End all watches and their threads."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join(CLOSING_SECONDS)

    def _add(self, path: Path, *, files: bool) -> bool:
        identity = identity_of(path)
        if identity is None:
            return False  # it vanished this moment
        try:
            if not os.access(path, os.R_OK):
                raise PermissionError("permission denied")  # the observer would keep silent about it
            watch = self._running_observer().schedule(self, path, event_filter=FILE_EVENTS if files else ENTRY_EVENTS)
        except OSError as error:
            self._complain(path, error)
            return False
        self._places[path] = _Place(watch, identity, files)
        self._complained.discard(path)
        return True

    def _running_observer(self) -> BaseObserver:
        if self._observer is None:
            observer = Observer()
            observer.start()
            self._observer = observer
        return self._observer

    def _complain(self, path: Path, error: OSError) -> None:
        if path not in self._complained:
            self._complained.add(path)
            logger.warning("Cannot watch %s for adapters (%s); they are checked regularly instead", path, error)
