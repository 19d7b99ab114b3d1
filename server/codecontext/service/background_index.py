"""Keeps the index of one folder up to date in the background, one job at a time.

Three kinds of job, the most urgent first: saved files, the text of the whole folder, vectors. A job that is stopped, by
a more urgent one or by another process that is writing the index, is queued again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Hashable

from codecontext.core.errors import CodeContextError, IndexCorrupt, IndexLocked, StoreError
from codecontext.core.progress import CancelToken, Progress
from codecontext.embeddings.huggingface import HuggingFaceEmbeddingProvider
from codecontext.engine.engine import Engine
from codecontext.engine.folder_state import Phase, Problem, ProblemKind
from codecontext.indexing.pipeline import Indexer
from codecontext.indexing.report import IndexReport
from codecontext.service.adapter_manager import AdapterManager
from codecontext.service.eta import Eta
from codecontext.service.resources import EngineResources

logger = logging.getLogger(__name__)

_SAVED, _TEXT, _VECTORS = "saved", "text", "vectors"
_URGENCY = {_SAVED: 0, _TEXT: 1, _VECTORS: 2}
"""The lower, the sooner."""

_LOCK_SECONDS = 2.0
"""Before trying again to write an index that another process is writing."""
_RETRY_SECONDS = 30.0
"""Before trying again what the disk refused."""
_REFRESH_SECONDS = 1.0
_REFRESH_SHARE = 10
"""Reading what was written takes a tenth of the time at most."""

_AT_REST = Progress("idle", 0, 0)
_PHASES = {
    "scanning": Phase.SCANNING,
    "reading": Phase.READING,
    "loading model": Phase.LOADING_MODEL,
    "embedding": Phase.EMBEDDING,
}


class BackgroundIndex:
    """The jobs of one folder. Every public method may be called from any thread and returns at once."""

    def __init__(
        self,
        name: str,
        engine: Engine,
        adapter_manager: AdapterManager,
        resources: EngineResources,
        on_change: Callable[[], None],
    ) -> None:
        self._name = name
        self._engine = engine
        self._adapter_manager = adapter_manager
        self._resources = resources
        self._on_change = on_change
        self._lock = threading.Lock()
        self._saved: set[str] = set()
        self._force = False
        self._progress = _AT_REST
        self._etas = {kind: Eta() for kind in _URGENCY}
        self._eta = self._etas[_TEXT]
        self._refresh_at = 0.0
        self._repair_at = 0.0
        self._waits_for_other = False
        self._is_interrupted = False
        """Whether the last full scan was stopped, so that the next one continues it."""
        self.enabled = False
        """Whether jobs are taken."""
        self._first: tuple[str, ...] = ()
        self.problem: Problem | None = None
        """Why indexing stopped."""
        self.skipped = _skipped(engine)
        self.notices: tuple[str, ...] = ()

    @property
    def phase(self) -> Phase:
        """What is being done now."""
        return Phase.WAITING if self._waits_for_other else _PHASES.get(self._progress.stage, Phase.IDLE)

    @property
    def progress(self) -> Progress:
        """How far it has come."""
        return self._progress

    @property
    def seconds_left(self) -> float | None:
        """Until the phase ends; None while that is unknown."""
        return self._eta.seconds_left(self._progress.done, self._progress.total) if self._progress.total else None

    def update_saved(self, paths: Collection[str], *, delay: float = 0.0) -> None:
        """Index these files again; paths relative to the folder."""
        with self._lock:
            self._saved.update(paths)
        self._put(_SAVED, self._run_saved, delay)

    def update_text(self, *, force: bool = False, delay: float = 0.0) -> None:
        """Rescan every file; ``force`` rebuilds the index. Vectors follow."""
        with self._lock:
            self._force = self._force or force
        self._put(_TEXT, self._run_text, delay)

    def update_vectors(self, *, delay: float = 0.0) -> None:
        """Embed for the space that is wanted now, not for another one that may be in progress."""
        self._resources.index_worker.drop(lambda key: key == (self._name, _VECTORS))
        self._put(_VECTORS, self._run_vectors, delay)

    def prefer(self, paths: Collection[str]) -> None:
        """Index these files before others, also in a running job if some of them still wait for vectors."""
        added = set(paths) - set(self._first)
        self._first = tuple(paths)
        if added and self._has_job(_VECTORS) and self._engine.snapshot().lacks_vectors(added):
            self.update_vectors()

    def stop(self, *, wait: bool = False) -> None:
        """Drop all jobs; the running one ends at its next safe point."""
        self._resources.index_worker.drop(self._is_mine, wait=wait)
        self._progress = _AT_REST
        self._waits_for_other = False

    def see_other_writers(self) -> None:
        """Make what another process wrote searchable, if it did."""
        if self._progress is not _AT_REST or self.problem:
            return
        try:
            is_behind = self._engine.is_behind()
        except IndexCorrupt:
            is_behind = True
        if is_behind:
            self._refresh()

    def _has_job(self, kind: str) -> bool:
        return self._resources.index_worker.has(lambda key: key == (self._name, kind))

    def _is_mine(self, key: Hashable) -> bool:
        return isinstance(key, tuple) and key[0] == self._name

    def _put(self, kind: str, run: Callable[[CancelToken], bool], delay: float) -> None:
        if self.enabled:
            self._resources.index_worker.put((self._name, kind), _URGENCY[kind], run, delay=delay)

    # -- jobs, on the index worker ---------------------------------------------------------------------------

    def _run_saved(self, cancel: CancelToken) -> bool:
        with self._lock:
            paths, self._saved = self._saved, set()
        has_model = self._adapter_manager.active is not None
        report = self._step(
            _SAVED,
            lambda indexer: indexer.update(paths, vectors=has_model, on_progress=self._progressed, cancel=cancel),
            again=lambda delay: self.update_saved(paths, delay=delay),
        )
        if report is not None and report.cancelled:
            with self._lock:
                self._saved |= paths
            return False
        return True

    def _run_text(self, cancel: CancelToken) -> bool:
        with self._lock:
            force, self._force = self._force, False
        report = self._step(
            _TEXT,
            lambda indexer: indexer.update_text(
                force=force, first=self._first, on_progress=self._progressed, cancel=cancel
            ),
            again=lambda delay: self.update_text(force=force, delay=delay),
        )
        if report is None:
            return True
        if not report.cancelled:
            self._bound_disk()
            self.update_vectors()
        return not report.cancelled

    def _run_vectors(self, cancel: CancelToken) -> bool:
        target = self._adapter_manager.wanted()
        if target is None:  # whoever loads the model queues it again
            return True
        report = self._step(
            _VECTORS,
            lambda indexer: indexer.update_vectors(
                target.provider,
                first=self._first,
                activate=target is self._adapter_manager.active,
                on_progress=self._progressed,
                cancel=cancel,
            ),
            again=lambda delay: self.update_vectors(delay=delay),
        )
        if report is None:
            return True
        if not report.cancelled:
            self._adapter_manager.space_filled(target)
            self._bound_disk()
        return not report.cancelled

    def _bound_disk(self) -> None:
        """Keep the indexes of all folders within what the settings allow, and say what went."""
        try:
            said = self._engine.bound_disk()
        except CodeContextError as error:  # of another folder's index; this one is fine
            said = [str(error)]
        for sentence in said:
            logger.info("%s", sentence)
        self.notices = tuple(dict.fromkeys((*self.notices, *said)))

    def _step(
        self, kind: str, step: Callable[[Indexer], IndexReport], again: Callable[[float], None]
    ) -> IndexReport | None:
        """One step of indexing; None when it could not be done now and was queued by ``again``."""
        self._eta = self._etas[kind]
        self._eta.resume()
        try:
            report = step(self._engine.indexer(self._provider(), self._resources.reader))
        except IndexLocked:
            self._waits_for_other = True
            again(_LOCK_SECONDS)
            return None
        except IndexCorrupt as error:
            self._stopped_by(error)
            self._repair()
            return None
        except CodeContextError as error:
            self._stopped_by(error)
            again(_RETRY_SECONDS)
            return None
        except Exception as error:  # whatever it is, it is reported and the work is not lost
            logger.exception("Indexing %s failed.", self._name)
            self._stopped_by(CodeContextError(f"{type(error).__name__}: {error}", "See the log for details."))
            again(_RETRY_SECONDS)
            return None
        finally:
            self._progress = _AT_REST
            self._refresh()
        self._waits_for_other = False
        self.problem = None
        self.skipped = sum(report.skipped.values())
        # The notices of a full scan stand until the next one, and one that was interrupted is the same one still.
        kept = () if kind == _TEXT and not self._is_interrupted else self.notices
        self.notices = tuple(dict.fromkeys((*kept, *report.notices)))
        if kind == _TEXT:
            self._is_interrupted = report.cancelled
        return report

    def _stopped_by(self, error: CodeContextError) -> None:
        logger.error("Indexing %s stopped: %s", self._name, error)
        self._waits_for_other = False
        self.problem = Problem.of(ProblemKind.INDEX, error, "Indexing stopped")

    def _repair(self) -> None:
        """Rescan every file, which repairs damaged tables; where it did not, not again at once."""
        now = time.monotonic()
        self.update_text(delay=max(0.0, self._repair_at - now))
        self._repair_at = now + _RETRY_SECONDS

    def _provider(self) -> HuggingFaceEmbeddingProvider:
        """What is active; while nothing is, one that is never loaded: only steps without a model are done then."""
        active = self._adapter_manager.active
        return active.provider if active else HuggingFaceEmbeddingProvider(self._engine.settings.embeddings.huggingface)

    def _progressed(self, progress: Progress) -> None:
        self._resources.index_worker.beat()
        self._resources.gate.give_way()
        self._resources.memory.check(self._engine.settings.engine.memory_mb)
        self._waits_for_other = False
        self._progress = progress
        if time.monotonic() >= self._refresh_at:
            self._refresh()
        self._on_change()

    def _refresh(self) -> None:
        """Make what was written searchable; next time not too soon."""
        started = time.monotonic()
        try:
            self._engine.refresh()
        except IndexCorrupt as error:
            if not self._has_job(_TEXT):  # which repairs it and says so; a second one would find nothing to say
                self._stopped_by(error)
                self._repair()
        self._adapter_manager.measure_pending()
        ended = time.monotonic()
        self._refresh_at = ended + max(_REFRESH_SECONDS, _REFRESH_SHARE * (ended - started))
        self._on_change()


def _skipped(engine: Engine) -> int:
    """How many files the last run skipped; 0 where the index cannot be read, which the next run says and repairs."""
    try:
        return sum(engine.store.skipped_by_reason().values())
    except (IndexCorrupt, StoreError):
        return 0
