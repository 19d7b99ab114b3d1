"""Who reports changed files: the editor where it can, else our own watchers.

What neither reports, the engine finds when it rescans the folders from time to time.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.polling import PollingObserver

from codecontext.core.paths import user_config_file
from codecontext.core.private import make_private
from codecontext.lsp.folders import Folders
from codecontext.rpc.client import EngineClient
from codecontext.rpc.messages import FilesChanged
from codecontext.watching.adapters import AdapterWatcher
from codecontext.watching.files import CHANGES, EVERYTHING, GIT_STATE, UNWATCHED, FolderWatcher

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver

logger = logging.getLogger(__name__)

_QUIET_SECONDS = 0.05
"""The editor sends events in bursts of messages; they are passed on together."""


_POLL_SECONDS = 5.0
"""How often a file is polled where the system has no watch left for it."""
_CLOSING_SECONDS = 5.0


class ChangedFiles:
    """Collects what may have changed and sends it to the engine. Belongs to the event loop."""

    def __init__(self, engine: EngineClient) -> None:
        self._engine = engine
        self._waiting: defaultdict[str, set[str]] = defaultdict(set)
        self._timer: asyncio.TimerHandle | None = None

    def add(self, folder: str, paths: Iterable[str]) -> None:
        """These paths, relative to the folder, may have changed."""
        counted = [path for path in paths if _counts(path)]
        if counted:
            self._waiting[folder].update(counted)
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(_QUIET_SECONDS, self._send)

    def _send(self) -> None:
        self._timer = None
        waiting, self._waiting = self._waiting, defaultdict(set)
        for folder, paths in waiting.items():
            everything = EVERYTHING in paths
            changed = () if everything else tuple(sorted(paths))
            self._engine.files_changed(FilesChanged(folder=folder, paths=changed, everything=everything))


def _counts(path: str) -> bool:
    """Whether a change there can change the index: not in dependencies, caches and version control's own data."""
    parts = path.split("/")
    inner = next((index for index, part in enumerate(parts) if part in UNWATCHED), None)
    if inner is None:
        return True
    return parts[inner] == ".git" and "/".join(parts[inner + 1 :]) in GIT_STATE


class Watching:
    """Our own watchers. Belongs to the event loop it is made on."""

    def __init__(
        self,
        engine: EngineClient,
        changed: ChangedFiles,
        folders: Callable[[], Folders],
        on_problem: Callable[[], None] = lambda: None,
    ) -> None:
        """``on_problem`` is called on the loop when ``problems`` have changed."""
        self._engine = engine
        self._changed = changed
        self._folders = folders
        self._on_problem = on_problem
        self._loop = asyncio.get_running_loop()
        self._adapters = AdapterWatcher(lambda path: self._on_loop(self._adapter_touched, path))
        self._files: FolderWatcher | None = None
        self._user_settings = _FileWatcher(user_config_file(), lambda: self._on_loop(self._rescan_all_folders))
        self._wanted: frozenset[Path] = frozenset()

    async def watch_files(self) -> None:
        """Watch the folders ourselves, for an editor that does not."""
        if self._files is None:
            self._files = FolderWatcher(
                lambda folder, paths: self._on_loop(self._changed.add, str(folder), paths),
                lambda: self._on_loop(self._on_problem),
            )
        await asyncio.to_thread(self._files.watch, [Path(folder.key) for folder in self._folders().places()])

    @property
    def problems(self) -> dict[str, str]:
        """What is wrong with watching, by the keys of the folders concerned."""
        return {str(folder): sentence for folder, sentence in self._files.faults.items()} if self._files else {}

    def watch_adapters(self) -> None:
        """Watch the adapters that the folders' settings name."""
        states = self._engine.states.values()
        wanted = frozenset(Path(state.wanted_adapter_path) for state in states if state.wanted_adapter_path)
        if wanted != self._wanted:
            self._wanted = wanted
            self._adapters.watch(wanted)

    def close(self) -> None:
        """Stop all watchers. Takes a moment, so not on the event loop."""
        self._adapters.close()
        self._user_settings.close()
        if self._files is not None:
            self._files.close()

    def _on_loop(self, call: Callable[..., None], *arguments: object) -> None:
        """From a watcher's thread; a loop that is gone takes no more calls."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(call, *arguments)

    def _adapter_touched(self, path: Path) -> None:
        for state in self._engine.states.values():
            if state.wanted_adapter_path == str(path):
                self._engine.adapter_touched(state.folder)

    def _rescan_all_folders(self) -> None:
        for folder in self._folders().places():
            self._engine.files_changed(FilesChanged(folder=folder.key, everything=True))


class _FileWatcher(FileSystemEventHandler):
    """Calls ``on_change`` when one file was written, replaced or removed."""

    def __init__(self, file: Path, on_change: Callable[[], None]) -> None:
        self._file = str(file)
        self._on_change = on_change
        self._observer: BaseObserver | None = None
        try:
            make_private(file.parent)
            self._observer = self._started(Observer)
        except OSError as error:
            logger.warning("Cannot watch %s (%s); it is polled instead.", file, error)
            with suppress(OSError):
                self._observer = self._started(lambda: PollingObserver(timeout=_POLL_SECONDS))

    def _started(self, make: Callable[[], BaseObserver]) -> BaseObserver:
        """An observer of the file's folder. Raises ``OSError``, also when the system has no more of them."""
        observer = make()
        try:
            observer.schedule(self, str(Path(self._file).parent), event_filter=CHANGES)
            observer.start()
        except OSError:
            observer.stop()
            raise
        return observer

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Select the events of the file."""
        if self._file in (os.fsdecode(event.src_path), os.fsdecode(event.dest_path)):
            self._on_change()

    def close(self) -> None:
        """Stop watching."""
        if self._observer is not None and self._observer.is_alive():
            self._observer.stop()
            self._observer.join(_CLOSING_SECONDS)
