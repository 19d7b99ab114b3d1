"""Tells the engine of changed files and adapters, as the editor or watchers of ours notice them.

What neither notices is found by the engine's periodic rescan.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from codecontext.core.paths import user_config_file
from codecontext.lsp.folders import Folders
from codecontext.rpc.client import EngineClient
from codecontext.rpc.messages import FilesChanged
from codecontext.watching.adapters import AdapterWatcher
from codecontext.watching.files import FolderWatcher
from codecontext.watching.paths import EVERYTHING, is_relevant
from codecontext.watching.single_file import FileWatcher

_QUIET_SECONDS = 0.05
"""The editor sends events in bursts of messages; they are passed on together."""


class ChangedFiles:
    """Collects what may have changed and sends it to the engine. Belongs to the event loop."""

    def __init__(self, engine: EngineClient) -> None:
        self._engine = engine
        self._waiting: defaultdict[str, set[str]] = defaultdict(set)
        self._timer: asyncio.TimerHandle | None = None

    def add(self, folder: str, paths: Iterable[str]) -> None:
        """These paths, relative to the folder, may have changed."""
        counted = [path for path in paths if is_relevant(path)]
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
        self._user_settings = FileWatcher(user_config_file(), lambda: self._on_loop(self._rescan_all))
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
        return {str(folder): sentence for folder, sentence in self._files.problems.items()} if self._files else {}

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

    def _rescan_all(self) -> None:
        for folder in self._folders().places():
            self._engine.files_changed(FilesChanged(folder=folder.key, everything=True))
