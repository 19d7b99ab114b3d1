"""Lets the adapter that the settings name answer, without an interruption and never half of it.

A new adapter is loaded beside the one that serves. It takes over at once where documents keep their vectors (a
query-side adapter) or have them already (a space that is known); otherwise when the background has embedded them.
Whatever goes wrong, what served goes on serving, and every answer says so.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from codecontext.adapters import AdapterInfo, inspect_adapter
from codecontext.adapters.settle import AdapterStamp, settle, stamp_of
from codecontext.core.errors import AdapterError, CodeContextError, IndexCorrupt, OperationCancelled
from codecontext.core.progress import CancelToken
from codecontext.embeddings.huggingface import HuggingFaceEmbeddingProvider
from codecontext.embeddings.pytorch.model import PEFT_AVAILABLE, without_peft
from codecontext.engine.engine import Engine, Serving
from codecontext.engine.folder_state import ActiveAdapter, Problem, ProblemKind
from codecontext.service.folder_settings import FolderSettings
from codecontext.service.models import Models
from codecontext.store.snapshot import coverage_of

logger = logging.getLogger(__name__)

_LOADING = Problem(kind=ProblemKind.LOADING, message="Keyword search only: the model is being loaded.")


@dataclass(slots=True)
class LoadedAdapter:
    """A provider that is ready, with its adapter or with none."""

    provider: HuggingFaceEmbeddingProvider
    base_model: HuggingFaceEmbeddingProvider
    """What it was loaded beside, or itself; kept so that whoever wants it next finds it loaded."""
    stamp: AdapterStamp | None
    """The adapter's files as they were; None for the base model alone."""
    loaded_at: float
    """Seconds since 1970."""
    load_milliseconds: float

    @classmethod
    def base(cls, provider: HuggingFaceEmbeddingProvider) -> LoadedAdapter:
        """The base model alone."""
        return cls(provider, provider, None, time.time(), 0.0)

    @property
    def info(self) -> AdapterInfo | None:
        """The adapter; None for the base model alone."""
        return self.provider.adapter

    @property
    def path(self) -> str:
        """Folder of the adapter; empty for the base model alone."""
        return str(self.info.path) if self.info else ""

    def describe(self) -> ActiveAdapter | None:
        """The adapter for people; None for the base model alone."""
        info = self.info
        if info is None:
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
            loaded_at=self.loaded_at,
            load_milliseconds=round(self.load_milliseconds, 1),
        )


class AdapterManager:
    """Decides what serves one folder.

    ``follow`` runs on the model worker; the rest may be called from any thread. ``on_change`` is called after every
    change of what is said, ``on_vectors_wanted`` when vectors of another space are to be made.
    """

    def __init__(
        self,
        engine: Engine,
        models: Models,
        on_change: Callable[[], None],
        on_vectors_wanted: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._models = models
        self._on_change = on_change
        self._on_vectors_wanted = on_vectors_wanted
        self._lock = threading.RLock()
        self.active: LoadedAdapter | None = None
        self.pending: LoadedAdapter | None = None
        self.pending_coverage: float | None = None
        self.model_problem: Problem | None = None
        self.adapter_problem: Problem | None = None
        self._at_fault: tuple[Path | None, AdapterStamp | None] = (None, None)
        """What ``adapter_problem`` is about: the adapter's path, and its files as they were."""
        self._coming: Path | None = None
        """The adapter that is being loaded in place of one at fault."""
        engine.serve(Serving(None, _LOADING))

    def follow(self, settings: FolderSettings, cancel: CancelToken) -> bool:
        """Load what ``settings`` name beside what serves, and let it serve as soon as it can.

        False when it was stopped before its end.
        """
        self._forget_problem_of_another(settings.adapter)
        try:
            base = self._models.base(
                settings.settings.embeddings.huggingface,
                leave_cores=settings.settings.engine.leave_cores,
                cancel=cancel,
            )
        except OperationCancelled:
            return False
        except CodeContextError as error:
            self.fail(error)
            return True
        self.model_problem = None
        try:
            candidate = self._candidate(base, settings.adapter, cancel)
        except OperationCancelled:
            return False
        except CodeContextError as error:
            self._without_adapter(base, settings.adapter, error)
            return True
        except Exception as error:  # nobody foresaw it, and yet the base model is loaded
            logger.exception("Loading the adapter %s failed.", settings.adapter)
            unforeseen = AdapterError(
                f"It cannot be loaded: {type(error).__name__}: {error}", "Choose another adapter."
            )
            self._without_adapter(base, settings.adapter, unforeseen)
            return True
        if cancel.cancelled:
            return False
        self.adapter_problem, self._coming = None, None
        self._offer(candidate, base)
        return True

    def problem_of(self, path: Path | None) -> Problem | None:
        """What is wrong with the adapter at ``path``; None for another, also before that begins to load."""
        return self.adapter_problem if self._at_fault[0] == path else None

    def wanted(self) -> LoadedAdapter | None:
        """Whose space should be filled next: what is pending, else what serves."""
        with self._lock:
            return self.pending or self.active

    def space_filled(self, adapter: LoadedAdapter) -> None:
        """Every chunk has its vector in the space of ``adapter``."""
        with self._lock:  # or a newer wish might be taken for this one
            is_awaited = adapter is self.pending
            if is_awaited:
                self._promote(adapter)
        if is_awaited:
            self._on_vectors_wanted()  # so that the index remembers which space is active

    def fail(self, error: CodeContextError) -> None:
        """Keep what is active, or fall back to keyword search: the model cannot be used."""
        logger.error("The model cannot be used: %s", error)
        with self._lock:
            self.model_problem = Problem.of(ProblemKind.MODEL, error)
            used = "Keyword search only" if self.active is None else "Still using the previous model"
            provider = self.active.provider if self.active else None
            self._engine.serve(Serving(provider, Problem.of(ProblemKind.MODEL, error, used)))
        self._on_change()

    def measure_pending(self) -> None:
        """Look how far the space that is being prepared has come."""
        pending = self.pending
        if pending is not None:
            self.pending_coverage = self._coverage(pending)

    # -- loading ---------------------------------------------------------------------------------------------

    def _candidate(self, base: HuggingFaceEmbeddingProvider, path: Path | None, cancel: CancelToken) -> LoadedAdapter:
        """What the settings name, loaded; what serves or is being prepared already if that is it."""
        with self._lock:
            loaded = [each for each in (self.active, self.pending) if each is not None and each.base_model is base]
        if path is None:
            return next((each for each in loaded if each.info is None), LoadedAdapter.base(base))
        if not PEFT_AVAILABLE:
            raise AdapterError(without_peft(path))
        self._announce_missing_files(base, path)
        # What was loaded last is what the files were before, if they are others now.
        info = settle(path, loaded[-1].stamp if loaded else None, cancel=cancel)
        stamp = stamp_of(path)
        for each in loaded:
            if each.info == info:
                each.stamp = stamp
                return each
        started = time.perf_counter()
        provider = base.beside(path, cancel=cancel)
        return LoadedAdapter(provider, base, stamp, time.time(), (time.perf_counter() - started) * 1000)

    def _announce_missing_files(self, base: HuggingFaceEmbeddingProvider, path: Path) -> None:
        """Say so at once, and let what there is answer; whether they come back is waited for."""
        stamp = stamp_of(path)
        if stamp.config is not None and stamp.weights is not None:
            return
        try:
            inspect_adapter(path)
        except AdapterError as error:
            with self._lock:
                self.active = self.active or LoadedAdapter.base(base)
            self._blame(path, error, stamp)
            self._serve_active()

    # -- what serves -----------------------------------------------------------------------------------------

    def _offer(self, candidate: LoadedAdapter, base: HuggingFaceEmbeddingProvider) -> None:
        """Let the candidate serve if it answers as well as what serves now; else prepare it."""
        if self.active is None and self._coverage(candidate) < self._coverage(LoadedAdapter.base(base)):
            # At the start: what the index covers answers until the adapter's space is covered too.
            self._promote(LoadedAdapter.base(base))
        if self._is_as_good(candidate):
            self._promote(candidate)
        else:
            with self._lock:
                self.pending = candidate
                self.pending_coverage = self._coverage(candidate)
            self._serve_active()
        self._on_vectors_wanted()

    def _is_as_good(self, candidate: LoadedAdapter) -> bool:
        active = self.active
        if active is None or candidate is active or candidate.provider.space == active.provider.space:
            return True
        return self._coverage(candidate) >= self._coverage(active)

    def _coverage(self, adapter: LoadedAdapter) -> float:
        try:
            return coverage_of(self._engine.store, adapter.provider.space.space_id)
        except IndexCorrupt:  # who writes the index repairs it
            return 0.0

    def _promote(self, adapter: LoadedAdapter) -> None:
        with self._lock:
            self.active, self.pending, self.pending_coverage = adapter, None, None
        self._serve_active()

    def _serve_active(self) -> None:
        with self._lock:
            if self.active is not None:
                self._engine.serve(Serving(self.active.provider, self._difference()))
        self._on_change()

    def _difference(self) -> Problem | None:
        """Why what is active is not what the settings name; None if it is."""
        if self.adapter_problem is not None:
            return self.adapter_problem
        awaited = self._awaited()
        return Problem(kind=ProblemKind.LOADING, message=awaited) if awaited else None

    def _awaited(self) -> str:
        """What is being loaded or prepared, and what is active until then; empty if nothing is."""
        if self._coming is not None:
            return f"The adapter {self._coming} is being loaded; {self._name_of_active()} is active until then."
        if self.pending is None:
            return ""
        if self.active is not None and self.pending.path and self.pending.path == self.active.path:
            return f"The adapter {self.pending.path} has changed and is being prepared; its old version is active."
        coming = f"The adapter {self.pending.path}" if self.pending.path else "The base model without an adapter"
        return f"{coming} is being prepared; {self._name_of_active()} is active until then."

    def _without_adapter(self, base: HuggingFaceEmbeddingProvider, path: Path | None, error: CodeContextError) -> None:
        """Go on with what served, or begin with the base model."""
        logger.error("The adapter %s is not used: %s", path, error)
        with self._lock:
            self.pending, self.pending_coverage = None, None
            self.active = self.active or LoadedAdapter.base(base)
            self._blame(path, error, stamp_of(path) if path else None)
        self._serve_active()
        self._on_vectors_wanted()

    def _blame(self, path: Path | None, error: CodeContextError, stamp: AdapterStamp | None) -> None:
        self.adapter_problem = Problem.of(ProblemKind.ADAPTER, error, self._instead_of(path))
        self._at_fault, self._coming = (path, stamp), None

    def _forget_problem_of_another(self, path: Path | None) -> None:
        """While another adapter loads, or other files of the same, what was wrong before is no longer said."""
        if not self.adapter_problem or self._at_fault == (path, stamp_of(path) if path else None):
            return
        with self._lock:
            self.adapter_problem, self._coming = None, path
        self._serve_active()

    def _instead_of(self, path: Path | None) -> str:
        if self.active is not None and path is not None and self.active.path == str(path):
            return f"Using what was loaded from {path} before instead of the adapter that is there now"
        return f"Using {self._name_of_active()} instead of the adapter {path}"

    def _name_of_active(self) -> str:
        return f"the adapter {self.active.path}" if self.active and self.active.path else "the base model"
