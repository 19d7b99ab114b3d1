"""One folder in the engine's process: kept indexed in the background, with the adapter that its settings name.

Two workers serve all folders. The index worker scans, cuts, embeds and writes; the model worker loads models and
adapters. What answers questions is replaced in one step (``Engine.serve``), so each answer belongs to one space.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from codecontext.adapters.settle import AdapterStamp, settle, stamp_of
from codecontext.core.errors import (
    AdapterError,
    CodeContextError,
    ConfigError,
    IndexLocked,
    ModelUnavailable,
    OperationCancelled,
)
from codecontext.core.paths import project_config_file
from codecontext.core.progress import CancelToken, Progress
from codecontext.embeddings.huggingface import HuggingFaceEmbeddingProvider
from codecontext.embeddings.huggingface.provider import PEFT_AVAILABLE
from codecontext.engine.coverage import coverage_of
from codecontext.engine.engine import Engine, Serving
from codecontext.engine.eta import Eta
from codecontext.engine.folder_settings import FolderSettings, read_folder_settings
from codecontext.engine.lanes import Lanes
from codecontext.engine.messages import ActiveAdapter, FolderReport, FolderSetup, Health, Phase
from codecontext.engine.models import Models
from codecontext.engine.worker import Worker
from codecontext.indexing.pipeline import Indexer
from codecontext.indexing.reader import FileReader
from codecontext.indexing.report import IndexReport
from codecontext.store.manifest import read_manifest

logger = logging.getLogger(__name__)

_AT_REST = Progress("idle", 0, 0)

# The lower, the sooner.
_SAVED, _TEXT, _VECTORS = 0, 1, 2

_LOCK_SECONDS = 2.0
"""How long to wait before asking again for an index that another process writes."""
_FAULT_SECONDS = 30.0
"""How long to wait before trying again what the disk refused."""
_REFRESH_SECONDS = 1.0
_REFRESH_SHARE = 10
"""Looking at the index again takes a tenth of the time at most."""

_PHASES = {
    "scanning": Phase.SCANNING,
    "reading": Phase.READING,
    "loading model": Phase.LOADING_MODEL,
    "embedding": Phase.EMBEDDING,
}


@dataclass(slots=True)
class Shared:
    """What all folders of the process use together."""

    index_worker: Worker
    model_worker: Worker
    models: Models
    lanes: Lanes
    reader: FileReader
    on_report: Callable[[FolderReport], None]


@dataclass(slots=True)
class _Adapter:
    """An adapter that is loaded: its provider, and its files as they were."""

    provider: HuggingFaceEmbeddingProvider
    stamp: AdapterStamp | None
    loaded_at: float
    load_milliseconds: float


@dataclass(slots=True)
class _Faults:
    """What is wrong, by where it came from; each goes when the next try succeeds."""

    settings: str = ""
    model: str = ""
    adapter: str = ""
    index: str = ""

    def worst(self) -> tuple[Health, str]:
        """How the folder is, and the sentence that matters most."""
        if error := self.index or self.model or self.settings:
            return Health.ERROR, error
        return (Health.WARNING, self.adapter) if self.adapter else (Health.OK, "")


@dataclass(slots=True)
class ServedFolder:
    """Serves one folder. Every method may be called from any thread and returns at once."""

    setup: FolderSetup
    shared: Shared
    engine: Engine = field(init=False)
    _settings: FolderSettings = field(init=False)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _active: _Adapter | None = None
    _pending: _Adapter | None = None
    _faults: _Faults = field(default_factory=_Faults)
    _changed: set[str] = field(default_factory=set)
    _force: bool = False
    _may_index: bool = False
    _closed: bool = False
    _progress: Progress = _AT_REST
    _waiting: bool = False
    _pending_coverage: float | None = None
    _skipped: int = 0
    _notices: tuple[str, ...] = ()
    _eta: Eta = field(default_factory=Eta)
    _refreshed_until: float = 0.0

    def __post_init__(self) -> None:
        self._settings = read_folder_settings(self.setup, None)
        self.engine = Engine(Path(self.setup.folder), self._settings.settings)
        self._faults.settings = self._settings.fault
        manifest = read_manifest(self.engine.store.directory)
        self._skipped = len(manifest.skipped) if manifest else 0
        self.engine.serve(Serving(None, "The model is being loaded, so only words are compared."))
        self.publish()

    # -- what the outside asks -------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to load the model and, unless the user does not want that, to index."""
        self._may_index = self._settings.settings.engine.auto_index
        self._put_follow()
        self._put_text()

    def configure(self, setup: FolderSetup) -> None:
        """Go by another setup from now on."""
        with self._lock:
            before, self.setup = self.setup, setup
        if before.paused != setup.paused:
            self.pause(setup.paused)
        self.reload_settings()

    def reload_settings(self) -> None:
        """Read the settings again and do what follows from what changed."""
        with self._lock:
            before = self._settings
            after = self._settings = read_folder_settings(self.setup, before)
            self._faults.settings = after.fault
            self.engine.settings = after.settings
        if before.settings.embeddings != after.settings.embeddings or before.adapter != after.adapter:
            self._put_follow()
        files = (before.settings.indexing, before.settings.chunking)
        if files != (after.settings.indexing, after.settings.chunking):
            self._put_text()
        self.publish()

    def files_changed(self, paths: Collection[str], *, everything: bool = False) -> None:
        """Files or folders that may have changed, relative to the folder."""
        if everything or project_config_file(Path()).name in paths:
            self.reload_settings()
        if everything:
            self._put_text()
        elif paths:
            with self._lock:
                self._changed.update(paths)
            self._put_saved()

    def adapter_touched(self) -> None:
        """The files of the adapter may have changed."""
        self._put_follow()

    def reindex(self, *, force: bool) -> None:
        """Look at every file again; ``force`` builds the index anew."""
        with self._lock:
            self._force = self._force or force
            self._may_index = True
        self._put_text()

    def pause(self, paused: bool) -> None:
        """Stop working in the background, or go on."""
        with self._lock:
            self.setup = self.setup.model_copy(update={"paused": paused})
        if paused:
            self.shared.index_worker.drop(self._is_mine)
            self._set_progress(_AT_REST)
        else:
            self._put_text()
        self.publish()

    def look_at_index(self) -> None:
        """See what another process wrote."""
        if self._progress.stage == "idle" and self.engine.is_behind():
            self._look_again()

    def close(self) -> None:
        """Stop and let go of everything. Waits for the job that runs to reach a safe point."""
        self._closed = True
        for worker in self._workers:
            worker.drop(self._is_mine, wait=True)
        self.engine.close()

    @property
    def _workers(self) -> tuple[Worker, Worker]:
        return self.shared.index_worker, self.shared.model_worker

    @property
    def settings(self) -> FolderSettings:
        """The settings in force."""
        return self._settings

    def report(self) -> FolderReport:
        """Everything there is to say."""
        with self._lock:
            health, message = self._faults.worst()
            active, pending, settings = self._active, self._pending, self._settings
            snapshot = self.engine.snapshot()
            provider = active.provider if active else None
            adapter = _describe(active)
            progress = self._progress
            return FolderReport(
                folder=self.setup.folder,
                health=health,
                message=message,
                ready=provider is not None,
                model=settings.settings.embeddings.huggingface.model_name,
                backend=provider.backend_name if provider else "",
                adapter=adapter,
                current_adapter_path=adapter.path if adapter else None,
                wanted_adapter_path=str(settings.adapter) if settings.adapter else None,
                pending_adapter=_path_of(pending) if pending else None,
                pending_coverage=self._pending_coverage if pending else None,
                space=provider.space.space_id if provider else "",
                files=snapshot.file_count if snapshot else 0,
                chunks=len(snapshot) if snapshot else 0,
                coverage=round(snapshot.coverage, 4) if snapshot and provider else 0.0,
                phase=Phase.WAITING if self._waiting else _PHASES.get(progress.stage, Phase.IDLE),
                done=progress.done,
                total=progress.total,
                eta_seconds=self._eta.seconds_left(progress.done, progress.total) if progress.total else None,
                queued=any(worker.has(self._is_mine) for worker in self._workers),
                paused=self.setup.paused,
                skipped=self._skipped,
                notices=(*settings.warnings, *self._notices),
                settings={
                    "log_level": settings.settings.logging.level,
                    **settings.settings.engine.model_dump(mode="json"),
                },
            )

    def publish(self) -> None:
        """Send the report to whoever listens."""
        if not self._closed:
            self.shared.on_report(self.report())

    # -- the queue -------------------------------------------------------------------------------------------

    def _is_mine(self, key: object) -> bool:
        return isinstance(key, tuple) and key[0] == self.setup.folder

    def _put_saved(self, delay: float = 0.0) -> None:
        self._put_index("saved", _SAVED, self._update_saved, delay)

    def _put_text(self, delay: float = 0.0) -> None:
        self._put_index("text", _TEXT, self._update_text, delay)

    def _put_vectors(self, delay: float = 0.0) -> None:
        self._put_index("vectors", _VECTORS, self._update_vectors, delay)

    def _put_index(self, name: str, urgency: int, run: Callable[[CancelToken], bool], delay: float) -> None:
        if self._may_index and not self.setup.paused and not self._closed:
            self.shared.index_worker.put((self.setup.folder, name), urgency, run, delay=delay)

    def _put_follow(self) -> None:
        """Have the model worker do what the settings say about model and adapter; a newer wish stops an older."""
        if not self._closed:
            self.shared.model_worker.drop(self._is_mine)
            self.shared.model_worker.put((self.setup.folder, "follow"), 0, self._follow)

    # -- index jobs, on the index worker ---------------------------------------------------------------------

    def _update_saved(self, cancel: CancelToken) -> bool:
        with self._lock:
            paths, self._changed = self._changed, set()
        done = self._index(
            lambda indexer: indexer.update(
                paths, vectors=self._active is not None, on_progress=self._progressed, cancel=cancel
            ),
            again=lambda delay: self._update_saved_later(delay, paths),
        )
        if not done:
            with self._lock:
                self._changed |= paths
        return done

    def _update_text(self, cancel: CancelToken) -> bool:
        with self._lock:
            force, self._force = self._force, False
            first = self.setup.open_files
        done = self._index(
            lambda indexer: indexer.update_text(force=force, first=first, on_progress=self._progressed, cancel=cancel),
            again=lambda delay: self._update_text_later(delay, force=force),
        )
        if done:
            self._put_vectors()
        return done

    def _update_vectors(self, cancel: CancelToken) -> bool:
        with self._lock:
            target = self._pending or self._active
            first = self.setup.open_files
        if target is None:  # the model worker asks again once there is one
            return True
        done = self._index(
            lambda indexer: indexer.update_vectors(
                target.provider,
                first=first,
                activate=target is self._active,
                on_progress=self._progressed,
                cancel=cancel,
            ),
            again=self._put_vectors,
        )
        if done and target is self._pending:
            self._promote(target)
            self._put_vectors()
        return done

    def _update_text_later(self, delay: float, *, force: bool) -> None:
        with self._lock:
            self._force = self._force or force
        self._put_text(delay)

    def _update_saved_later(self, delay: float, paths: set[str]) -> None:
        with self._lock:
            self._changed |= paths
        self._put_saved(delay)

    def _index(self, step: Callable[[Indexer], IndexReport], again: Callable[[float], object]) -> bool:
        """Run one step of indexing; True unless it was stopped before its end and has to be done again."""
        target = self._pending or self._active
        indexer = self.engine.indexer(self._provider_for_text(target), self.shared.reader)
        try:
            report = step(indexer)
        except IndexLocked:
            self._waiting = True
            self._look_again()
            again(_LOCK_SECONDS)
            return True
        except CodeContextError as error:
            self._waiting = False
            self._faults.index = str(error)
            logger.error("Indexing %s stopped: %s", self.setup.folder, error)
            again(_FAULT_SECONDS)
            return True
        finally:
            self._set_progress(_AT_REST)
        self._waiting = False
        self._faults.index = ""
        self._skipped = sum(report.skipped.values())
        if report.notices:
            self._notices = tuple(report.notices)
        self._look_again()
        return not report.cancelled

    def _provider_for_text(self, target: _Adapter | None) -> HuggingFaceEmbeddingProvider:
        """Any provider does while there is no model: steps that need one are not taken then."""
        config = self._settings.settings.embeddings.huggingface
        active = self._active or target
        return active.provider if active else HuggingFaceEmbeddingProvider(config)

    def _progressed(self, progress: Progress) -> None:
        self.shared.lanes.give_way()
        self._waiting = False
        self._set_progress(progress)
        if time.monotonic() >= self._refreshed_until:
            self._look_again()

    def _set_progress(self, progress: Progress) -> None:
        self._progress = progress
        self.publish()

    def _look_again(self) -> None:
        """Let questions see what was written, and count it; next time not too soon."""
        started = time.monotonic()
        self.engine.refresh()
        if (pending := self._pending) is not None:
            self._pending_coverage = coverage_of(self.engine.store, pending.provider.space.space_id)
        ended = time.monotonic()
        self._refreshed_until = ended + max(_REFRESH_SECONDS, _REFRESH_SHARE * (ended - started))
        self.publish()

    # -- model and adapter, on the model worker --------------------------------------------------------------

    def _follow(self, cancel: CancelToken) -> bool:
        """Load what the settings name beside what serves, and let it serve as soon as it can."""
        settings = self._settings
        huggingface = settings.settings.embeddings.huggingface
        try:
            base = self.shared.models.base(huggingface, leave_cores=settings.settings.engine.leave_cores)
        except (ModelUnavailable, ConfigError) as error:
            self._without_model(str(error))
            return True
        self._faults.model = ""
        try:
            candidate = self._candidate(base, settings.adapter, cancel)
        except OperationCancelled:
            return False
        except AdapterError as error:
            self._without_adapter(base, settings.adapter, error)
            return True
        if not cancel.cancelled:
            self._faults.adapter = ""
            self._offer(candidate, base)
        return not cancel.cancelled

    def _candidate(self, base: HuggingFaceEmbeddingProvider, path: Path | None, cancel: CancelToken) -> _Adapter:
        """What the settings name, loaded; just what serves already if that is it."""
        active = self._active
        same_base = active is not None and active.provider.config == base.config
        if path is None:
            if active is not None and same_base and active.provider.adapter is None:
                return active
            return _Adapter(base, None, time.time(), 0.0)
        if not PEFT_AVAILABLE:
            raise AdapterError(f"{path} is configured, but peft is not installed.", "Run: pip install peft")
        self._announce_missing(path)
        info = settle(path, active.stamp if active else None, cancel=cancel)
        stamp = stamp_of(path)
        if active is not None and same_base and active.provider.adapter == info:
            active.stamp = stamp
            return active
        started = time.perf_counter()
        provider = base.beside(path)
        return _Adapter(provider, stamp, time.time(), (time.perf_counter() - started) * 1000)

    def _announce_missing(self, path: Path) -> None:
        """Say at once that files are missing; whether they come back is waited for."""
        stamp = stamp_of(path)
        if stamp.config is None or stamp.weights is None:
            self._faults.adapter = self._adapter_fault(path, f"{path} lacks files of an adapter.")
            self._serve_active()

    def _offer(self, candidate: _Adapter, base: HuggingFaceEmbeddingProvider) -> None:
        """Let the candidate serve if it answers as well as what serves now; else prepare it."""
        if self._active is None and self._coverage(candidate.provider) < self._coverage(base):
            # At the start: what the index covers answers until the adapter's space is covered too.
            self._promote(_Adapter(base, None, time.time(), 0.0))
        active = self._active
        if active is None or candidate is active or self._is_as_good(candidate, active):
            self._promote(candidate)
        else:
            with self._lock:
                self._pending = candidate
                self._pending_coverage = self._coverage(candidate.provider)
            self._serve_active()
        self._restart_vectors()

    def _is_as_good(self, candidate: _Adapter, active: _Adapter) -> bool:
        if candidate.provider.space.space_id == active.provider.space.space_id:
            return True
        return self._coverage(candidate.provider) >= self._coverage(active.provider)

    def _coverage(self, provider: HuggingFaceEmbeddingProvider) -> float:
        return coverage_of(self.engine.store, provider.space.space_id)

    def _promote(self, adapter: _Adapter) -> None:
        with self._lock:
            if self._pending is adapter or self._pending is None or adapter is not self._active:
                self._pending = None
                self._pending_coverage = None
            self._active = adapter
        self._serve_active()

    def _restart_vectors(self) -> None:
        """Vectors of the space that is wanted now, not of the one before."""
        self.shared.index_worker.drop(lambda key: key == (self.setup.folder, "vectors"))
        self._put_vectors()

    def _serve_active(self) -> None:
        with self._lock:
            active = self._active
            if active is not None:
                self.engine.serve(Serving(active.provider, self._incomplete() or None))
        self.publish()

    def _incomplete(self) -> str:
        """What answers is not what the settings name: why."""
        if self._faults.adapter:
            return self._faults.adapter
        if self._pending is None:
            return ""
        wanted = _path_of(self._pending)
        coming = f"The adapter {wanted}" if wanted else "The base model without an adapter"
        return f"{coming} is being prepared; {self._name_of_active()} answers until then."

    def _name_of_active(self) -> str:
        path = _path_of(self._active) if self._active else ""
        return f"the adapter {path}" if path else "the base model"

    def _without_adapter(self, base: HuggingFaceEmbeddingProvider, path: Path | None, error: AdapterError) -> None:
        """The adapter cannot be used: what serves goes on, or the base model begins."""
        logger.error("The adapter %s is not used: %s", path, error)
        with self._lock:
            self._pending = None
            self._faults.adapter = ""
            if self._active is None or self._active.provider.config != base.config:
                self._active = _Adapter(base, None, time.time(), 0.0)
            self._faults.adapter = self._adapter_fault(path, str(error))
        self._serve_active()
        self._restart_vectors()

    def _adapter_fault(self, path: Path | None, reason: str) -> str:
        return f"{self._name_of_active().capitalize()} answers instead of the adapter {path}: {reason}"

    def _without_model(self, reason: str) -> None:
        logger.error("The model of %s cannot be used: %s", self.setup.folder, reason)
        with self._lock:
            self._faults.model = reason
            if self._active is None:
                self.engine.serve(Serving(None, f"Only words are compared, not meaning: {reason}"))
            else:
                self.engine.serve(Serving(self._active.provider, f"The model before answers: {reason}"))
        self.publish()


def _path_of(adapter: _Adapter) -> str:
    info = adapter.provider.adapter
    return str(info.path) if info else ""


def _describe(active: _Adapter | None) -> ActiveAdapter | None:
    info = active.provider.adapter if active else None
    if active is None or info is None:
        return None
    return ActiveAdapter(
        name=info.name,
        path=str(info.path),
        fingerprint=info.fingerprint,
        rank=info.rank,
        alpha=info.alpha,
        side=info.side.value,
        base_model=info.base_model,
        size_bytes=info.size_bytes,
        loaded_at=active.loaded_at,
        load_milliseconds=round(active.load_milliseconds, 1),
    )
