"""One folder in the service: kept indexed in the background, with the adapter that its settings name."""

from __future__ import annotations

import errno
import logging
import math
import os
import threading
import time
from collections.abc import Collection, Hashable
from pathlib import Path

from codecontext.core.errors import CodeContextError
from codecontext.core.paths import project_config_file
from codecontext.core.progress import CancelToken
from codecontext.engine.engine import Engine
from codecontext.engine.folder_state import FolderState, Problem, ProblemKind
from codecontext.rpc.messages import FolderSetup
from codecontext.service.adapter_manager import AdapterManager
from codecontext.service.background_index import BackgroundIndex
from codecontext.service.folder_settings import FolderSettings, read_folder_settings
from codecontext.service.resources import EngineResources

logger = logging.getLogger(__name__)

_NOTE_USE_SECONDS = 120.0
"""How often to record that the index is in use; much more often than ``disk_bound`` needs."""


class FolderSession:
    """Serves one folder. Every method may be called from any thread and returns at once.

    Raises ``ConfigError`` when the folder is none, and ``OSError`` when it cannot be listed.
    """

    def __init__(self, setup: FolderSetup, resources: EngineResources) -> None:
        self.setup = setup
        self._resources = resources
        self._lock = threading.RLock()
        self._closed = False
        self._settings = read_folder_settings(setup, None)
        self.engine = Engine(Path(setup.folder), self._settings.settings)
        self._adapter_manager = AdapterManager(self.engine, resources.models, self.publish, self._want_vectors)
        self._index = BackgroundIndex(setup.folder, self.engine, self._adapter_manager, resources, self.publish)
        self._index.prefer(setup.open_files)
        self._may_index = self._settings.settings.engine.auto_index
        self._reconcile_at = math.inf
        self._note_use_at = 0.0
        self._place = _identity(self.engine.folder)
        self.missing: Problem | None = None
        """Why nothing can be done for the folder while it is away; None while it is there."""

    def start(self) -> None:
        """Start to load the model and, unless the user turned that off, to index."""
        self._follow()
        self._allow_indexing()
        self._rescan()
        self.publish()

    def configure(self, setup: FolderSetup) -> None:
        """Use another setup from now on."""
        with self._lock:
            before, self.setup = self.setup, setup
        self._index.prefer(setup.open_files)
        if before.paused != setup.paused:
            self.pause(setup.paused)
        self.reload_settings()

    def reload_settings(self) -> None:
        """Read the settings again and apply what changed."""
        with self._lock:
            before = self._settings
            after = self._settings = read_folder_settings(self.setup, before)
            self.engine.settings = after.settings
        if _decides_about_model(before) != _decides_about_model(after):
            self._follow()
        starts = after.settings.engine.auto_index and not before.settings.engine.auto_index
        if starts:
            self._may_index = True
            self._allow_indexing()
        if starts or _decides_about_indexing(before) != _decides_about_indexing(after):
            self._rescan()
        self.publish()

    def files_changed(self, paths: Collection[str], *, everything: bool = False) -> None:
        """Files or folders that may have changed, relative to the folder."""
        if everything or project_config_file(Path()).name in paths:
            self.reload_settings()
        if everything:
            self._rescan()
        elif paths:
            self._index.update_saved(paths)

    def adapter_touched(self) -> None:
        """The files of the adapter may have changed."""
        self._follow()

    def reindex(self, *, force: bool) -> None:
        """Rescan every file; ``force`` rebuilds the index."""
        self._may_index = True
        self._allow_indexing()
        self._rescan(force=force)
        self.publish()

    def pause(self, paused: bool) -> None:
        """Pause or resume background work."""
        with self._lock:
            self.setup = self.setup.model_copy(update={"paused": paused})
        self._allow_indexing()
        if paused:
            self._index.stop()
        else:
            self._rescan()
        self.publish()

    def poll(self) -> None:
        """Notice what no event reports: a folder that is away, writes of other processes, missed changes.

        To be called often.
        """
        self._check_presence()
        if self.missing:
            return
        self._note_use()
        self._index.see_other_writers()
        if time.monotonic() >= self._reconcile_at:
            self._rescan()

    def _note_use(self) -> None:
        if time.monotonic() >= self._note_use_at:
            self.engine.note_use()
            self._note_use_at = time.monotonic() + _NOTE_USE_SECONDS

    def leads_elsewhere(self) -> bool:
        """Whether the path of the folder leads to another one than at the start."""
        return not self.missing and os.path.realpath(self.setup.folder) != str(self.engine.folder)

    def close(self) -> None:
        """Stop and release everything. Waits for the running job to reach a safe point."""
        self._closed = True
        self._resources.model_worker.drop(self._is_mine, wait=True)
        self._index.stop(wait=True)
        self.engine.close()

    @property
    def settings(self) -> FolderSettings:
        """The settings in force."""
        return self._settings

    def state(self) -> FolderState:
        """Everything there is to say about the folder."""
        settings, index, adapter_manager = self._settings, self._index, self._adapter_manager
        queued = self._resources.index_worker.has(self._is_mine) or self._resources.model_worker.has(self._is_mine)
        snapshot, indexed = self.engine.snapshot(), self.engine.store.has_index()
        # While there is work, an index without chunks is one that grows, of which nothing is covered yet.
        is_known = len(snapshot) > 0 or (indexed and not queued)
        active, pending = adapter_manager.active, adapter_manager.pending
        return FolderState(
            folder=self.setup.folder,
            indexed=indexed,
            watched=self.missing is None,
            problems=self._problems(),
            ready=active is not None,
            keyword_only=not settings.settings.indexing.vectors,
            model=settings.settings.embeddings.huggingface.model_name,
            backend=active.provider.backend_name if active else "",
            adapter=active.describe() if active else None,
            current_adapter_path=(active.path or None) if active else None,
            wanted_adapter_path=str(settings.adapter) if settings.adapter else None,
            pending_adapter=pending.path if pending else None,
            pending_coverage=adapter_manager.pending_coverage if pending else None,
            space=active.provider.space.space_id if active else "",
            files=snapshot.file_count,
            chunks=len(snapshot),
            coverage=self._coverage(snapshot.coverage) if is_known else 0.0,
            revision=sum(snapshot.versions),
            phase=index.phase,
            done=index.progress.done,
            total=index.progress.total,
            eta_seconds=index.seconds_left,
            queued=queued,
            paused=self.setup.paused,
            skipped=index.skipped,
            notices=(*settings.warnings, *index.notices),
            idle_minutes=settings.settings.engine.idle_minutes,
            log_level=settings.settings.logging.level,
        )

    def publish(self) -> None:
        """Announce that the state may have changed."""
        if not self._closed:
            self._resources.on_change(self.setup.folder)

    def _coverage(self, embedded: float) -> float:
        if not self._settings.settings.indexing.vectors:
            return 1.0  # none is to be embedded
        return round(embedded, 4) if self._adapter_manager.active else 0.0

    def _problems(self) -> tuple[Problem, ...]:
        adapter_manager, settings = self._adapter_manager, self._settings
        found = (
            self.missing,
            self._index.problem,
            adapter_manager.model_problem,
            settings.problem,
            adapter_manager.problem_of(settings.adapter),
        )
        return tuple(filter(None, found))

    def _check_presence(self) -> None:
        """Notice that the folder is gone, is back or was replaced by another one of the same name.

        Its index is kept: it may be on a disk that is not mounted.
        """
        try:
            place = _identity(Path(self.setup.folder))
        except OSError as error:
            if not self.missing:
                self.missing = Problem(
                    kind=ProblemKind.AWAY,
                    message=f"Cannot list the folder {self.setup.folder}: {error.strerror}.",
                    hint="Its index is kept, and indexing resumes when the folder is back.",
                )
                logger.error("%s", self.missing)
                self._index.stop()
                self.publish()
            return
        if self.missing or place != self._place:
            logger.info("The folder %s is %s.", self.setup.folder, "back" if self.missing else "another one now")
            self.missing, self._place = None, place
            self.reload_settings()
            self._rescan()
            self.publish()

    def _rescan(self, *, force: bool = False) -> None:
        self._reconcile_at = time.monotonic() + 60 * self._settings.settings.engine.reconcile_minutes
        self._index.update_text(force=force)

    def _allow_indexing(self) -> None:
        self._index.enabled = self._may_index and not self.setup.paused

    def _want_vectors(self) -> None:
        self._index.update_vectors()

    def _follow(self) -> None:
        """Have the model worker load what the settings name; a newer request stops an older one."""
        self._resources.model_worker.drop(self._is_mine)
        self._resources.model_worker.put((self.setup.folder, "follow"), 0, self._run_follow)

    def _run_follow(self, cancel: CancelToken) -> bool:
        try:
            if not self._settings.settings.indexing.vectors:
                self._adapter_manager.use_keywords()
                return True
            return self._adapter_manager.follow(self._settings, cancel)
        except Exception as error:  # whatever it is, it is reported like any other problem
            logger.exception("Loading the model or the adapter failed.")
            self._adapter_manager.fail(CodeContextError(f"Loading failed: {type(error).__name__}: {error}"))
            return True

    def _is_mine(self, key: Hashable) -> bool:
        return isinstance(key, tuple) and key[0] == self.setup.folder


def is_folder(path: Path) -> bool:
    """Whether there is a folder at ``path`` now that can be listed; never raises."""
    try:
        _identity(path)
    except OSError:
        return False
    return True


def _identity(path: Path) -> tuple[int, int]:
    """Device and inode of a folder. Raises ``OSError`` where there is none that can be listed."""
    try:
        os.scandir(path).close()
        status = path.stat()
    except ValueError as error:  # no path of this system's
        raise OSError(errno.ENOENT, str(error)) from error
    return status.st_dev, status.st_ino


def _decides_about_model(settings: FolderSettings) -> tuple[object, object]:
    return settings.settings.embeddings, settings.settings.indexing.vectors


def _decides_about_indexing(settings: FolderSettings) -> tuple[object, ...]:
    return settings.settings.indexing, settings.settings.chunking, settings.settings.engine.memory_mb
