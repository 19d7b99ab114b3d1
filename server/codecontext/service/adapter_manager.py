"""Activates the adapter that the settings name, without an interruption and never half of it.

A new adapter is loaded beside the active one. It is activated at once if documents keep their vectors (a query-side
adapter) or have them already (a known space); otherwise when the background has embedded them. If anything goes wrong,
the previous adapter stays active and results say so.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from codecontext.adapters import AdapterInfo, inspect_adapter
from codecontext.adapters.files import AdapterStamp, stamp_of
from codecontext.adapters.settle import inspect_when_settled
from codecontext.core.errors import AdapterError, CodeContextError, IndexCorrupt, OperationCancelled
from codecontext.core.progress import CancelToken
from codecontext.embeddings.huggingface import HuggingFaceEmbeddingProvider
from codecontext.engine.engine import Active, Engine, instead_of_adapter, keyword_only
from codecontext.engine.folder_state import ActiveAdapter, Problem, ProblemKind
from codecontext.service.folder_settings import FolderSettings
from codecontext.service.models import Models
from codecontext.store.snapshot import coverage_of

logger = logging.getLogger(__name__)

_LOADING = Problem(kind=ProblemKind.LOADING, message="Keyword search only: the model is still loading.")


@dataclass(slots=True)
class LoadedAdapter:
    """A provider that is ready, with its adapter or with none."""

    provider: HuggingFaceEmbeddingProvider
    base_model: HuggingFaceEmbeddingProvider
    """What it was loaded beside, or itself; kept so that it is still loaded when it is needed next."""
    stamp: AdapterStamp | None
    """The adapter's files as they were read; None for the base model alone."""
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
    """Decides what is active for one folder.

    ``follow`` runs on the model worker; the rest may be called from any thread. ``on_change`` is called after every
    change of what is reported, ``on_vectors_wanted`` when vectors of another space are to be made.
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
        self._blamed: tuple[Path | None, AdapterStamp | None] = (None, None)
        """What ``adapter_problem`` is about: the adapter's path, and the state of its files."""
        self._coming: Path | None = None
        """The adapter that is being loaded in place of one that could not be used."""
        engine.activate(Active(None, _LOADING))

    def follow(self, settings: FolderSettings, cancel: CancelToken) -> bool:
        """Load what ``settings`` name beside what is active, and activate it as soon as possible.

        Returns False when it was stopped before its end.
        """
        self._forget_problem_of_another(settings.adapter)
        try:
            base = self._models.base(
                settings.settings.embeddings.huggingface,
                leave_cores=settings.settings.engine.leave_cores,
            )
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
        except Exception as error:  # unforeseen, and yet the base model is loaded
            logger.exception("Loading the adapter %s failed.", settings.adapter)
            problem = AdapterError(f"It cannot be loaded: {type(error).__name__}: {error}", "Choose another adapter.")
            self._without_adapter(base, settings.adapter, problem)
            return True
        if cancel.cancelled:
            return False
        self.adapter_problem, self._coming = None, None
        self._offer(candidate, base)
        return True

    def use_keywords(self) -> None:
        """Use no model, as the settings say."""
        with self._lock:
            self.active = self.pending = self.pending_coverage = None
            self.model_problem = self.adapter_problem = self._coming = None
            self._engine.activate(Active())
        self._on_change()

    def problem_of(self, path: Path | None) -> Problem | None:
        """What is wrong with the adapter at ``path``; None for any other, even before that begins to load."""
        return self.adapter_problem if self._blamed[0] == path else None

    def wanted(self) -> LoadedAdapter | None:
        """Whose space should be filled next: what is pending, else what is active."""
        with self._lock:
            return self.pending or self.active

    def space_filled(self, adapter: LoadedAdapter) -> None:
        """Every chunk has its vector in the space of ``adapter``."""
        with self._lock:  # or a newer candidate might be taken for this one
            is_awaited = adapter is self.pending
            if is_awaited:
                self._promote(adapter)
        if is_awaited:
            self._on_vectors_wanted()  # so that the index records which space is active

    def fail(self, error: CodeContextError) -> None:
        """Keep using what is active, or fall back to keyword search: the model cannot be used."""
        logger.error("The model cannot be used: %s", error)
        with self._lock:
            self.model_problem = Problem.of(ProblemKind.MODEL, error)
            if self.active is None:
                self._engine.activate(keyword_only(error))
            else:
                still_used = Problem.of(ProblemKind.MODEL, error, "Still using the previous model")
                self._engine.activate(Active(self.active.provider, still_used))
        self._on_change()

    def measure_pending(self) -> None:
        """Measure how much of the space that is being prepared is covered."""
        pending = self.pending
        if pending is not None:
            self.pending_coverage = self._coverage(pending)

    # -- loading ---------------------------------------------------------------------------------------------

    def _candidate(self, base: HuggingFaceEmbeddingProvider, path: Path | None, cancel: CancelToken) -> LoadedAdapter:
        """What the settings name, loaded; what is active or being prepared already if that is it."""
        with self._lock:
            loaded = [each for each in (self.active, self.pending) if each is not None and each.base_model is base]
        if path is None:
            return next((each for each in loaded if each.info is None), LoadedAdapter.base(base))
        self._announce_missing_files(base, path)
        # If the files have changed, what was loaded last is what they were before.
        info = inspect_when_settled(path, loaded[-1].stamp if loaded else None, cancel=cancel)
        for each in loaded:
            if each.info is not None and each.info.is_same_as(info):
                each.stamp = info.stamp
                return each
        started = time.perf_counter()
        provider = base.beside(info)
        return LoadedAdapter(provider, base, info.stamp, time.time(), (time.perf_counter() - started) * 1000)

    def _announce_missing_files(self, base: HuggingFaceEmbeddingProvider, path: Path) -> None:
        """Report them at once and use what there is, before waiting whether they come back."""
        stamp = stamp_of(path)
        if stamp.config is not None and stamp.weights is not None:
            return
        try:
            inspect_adapter(path)
        except AdapterError as error:
            with self._lock:
                self.active = self.active or LoadedAdapter.base(base)
            self._blame(path, error, stamp)
            self._activate()

    # -- what is active --------------------------------------------------------------------------------------

    def _offer(self, candidate: LoadedAdapter, base: HuggingFaceEmbeddingProvider) -> None:
        """Activate the candidate if it covers as much as what is active now; else prepare it."""
        if self.active is None and self._coverage(candidate) < self._coverage(LoadedAdapter.base(base)):
            # At the start: use the space that the index covers until the adapter's space is covered, too.
            self._promote(LoadedAdapter.base(base))
        if self._is_as_good(candidate):
            self._promote(candidate)
        else:
            with self._lock:
                self.pending = candidate
                self.pending_coverage = self._coverage(candidate)
            self._activate()
        self._on_vectors_wanted()

    def _is_as_good(self, candidate: LoadedAdapter) -> bool:
        active = self.active
        if active is None or candidate is active or candidate.provider.space == active.provider.space:
            return True
        return self._coverage(candidate) >= self._coverage(active)

    def _coverage(self, adapter: LoadedAdapter) -> float:
        try:
            return coverage_of(self._engine.store, adapter.provider.space.space_id)
        except IndexCorrupt:  # the next indexing run repairs it
            return 0.0

    def _promote(self, adapter: LoadedAdapter) -> None:
        with self._lock:
            self.active, self.pending, self.pending_coverage = adapter, None, None
        self._activate()

    def _activate(self) -> None:
        with self._lock:
            if self.active is not None:
                self._engine.activate(Active(self.active.provider, self._difference()))
        self._on_change()

    def _difference(self) -> Problem | None:
        """Why what is active is not what the settings name; None if it is."""
        if self.adapter_problem is not None:
            return self.adapter_problem
        awaited = self._awaited()
        return Problem(kind=ProblemKind.LOADING, message=awaited) if awaited else None

    def _awaited(self) -> str:
        """What is being loaded or prepared, and what is used until then; empty if nothing is."""
        if self._coming is not None:
            return f"The adapter {self._coming} is being loaded; using {self._name_of_active()} until then."
        if self.pending is None:
            return ""
        if self.active is not None and self.pending.path and self.pending.path == self.active.path:
            return (
                f"The adapter {self.pending.path} has changed and is being prepared; using the previous one until then."
            )
        coming = f"The adapter {self.pending.path}" if self.pending.path else "The base model without an adapter"
        return f"{coming} is being prepared; using {self._name_of_active()} until then."

    def _without_adapter(self, base: HuggingFaceEmbeddingProvider, path: Path | None, error: CodeContextError) -> None:
        """Keep using what is active, or start with the base model."""
        logger.error("The adapter %s is not used: %s", path, error)
        with self._lock:
            self.pending, self.pending_coverage = None, None
            self.active = self.active or LoadedAdapter.base(base)
            self._blame(path, error, stamp_of(path) if path else None)
        self._activate()
        self._on_vectors_wanted()

    def _blame(self, path: Path | None, error: CodeContextError, stamp: AdapterStamp | None) -> None:
        self.adapter_problem = self._instead_of(path, error)
        self._blamed, self._coming = (path, stamp), None

    def _forget_problem_of_another(self, path: Path | None) -> None:
        """Stop reporting what was wrong once another adapter loads, or other files of the same."""
        if self.adapter_problem is None or self._blamed == (path, stamp_of(path) if path else None):
            return
        with self._lock:
            self.adapter_problem, self._coming = None, path
        self._activate()

    def _instead_of(self, path: Path | None, error: CodeContextError) -> Problem:
        if self.active is not None and path is not None and self.active.path == str(path):
            used = f"Using what was loaded from {path} earlier instead of the adapter there now"
            return Problem.of(ProblemKind.ADAPTER, error, used)
        return instead_of_adapter(self._name_of_active(), str(path), error)

    def _name_of_active(self) -> str:
        return f"the adapter {self.active.path}" if self.active and self.active.path else "the base model"
