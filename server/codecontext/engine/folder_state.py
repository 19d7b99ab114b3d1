"""What is known of a folder: what is indexed, embedded and watched, what is wrong, and what to do about it.

Each source of trouble makes a ``Problem``; ``FolderState`` ranks them and derives health, stage and message from them
and from the facts, here and nowhere else. Imports no database and no model library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import NamedTuple, Self

from pydantic import ConfigDict, Field, computed_field

from codecontext.core.errors import CodeContextError
from codecontext.core.messages import Message, Name, Sentence
from codecontext.store.records import SkippedFile


class Health(StrEnum):
    """How a folder is: with a warning, results are less than was asked for; an error needs the user.

    Unknown: nothing is wrong as far as is known, but nobody watches the folder.
    """

    OK = "ok"
    UNKNOWN = "unknown"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """The higher, the worse."""
        return list(Health).index(self)


class Phase(StrEnum):
    """What the engine is doing for a folder right now."""

    IDLE = "idle"
    SCANNING = "scanning"
    READING = "reading"
    LOADING_MODEL = "loading model"
    EMBEDDING = "embedding"
    WAITING = "waiting"
    """Another process is writing the index."""


class ProblemKind(StrEnum):
    """What a problem is about, the most important first."""

    AWAY = "away"
    """The folder cannot be listed; it may be on a disk that is not mounted."""
    UNAVAILABLE = "unavailable"
    """The engine cannot open the folder."""
    INDEX = "index"
    """Indexing stopped."""
    MODEL = "model"
    SETTINGS = "settings"
    ADAPTER = "adapter"
    WATCHING = "watching"
    """Not every change is seen at once."""
    LOADING = "loading"
    """A model or adapter is being loaded or prepared."""
    COVERAGE = "coverage"
    """Not everything is embedded yet."""


_HEALTH = {
    ProblemKind.ADAPTER: Health.WARNING,
    ProblemKind.WATCHING: Health.WARNING,
    ProblemKind.LOADING: Health.OK,
    ProblemKind.COVERAGE: Health.OK,
}
"""What a kind of problem does to the health of a folder; those that are not listed are errors."""


class Problem(Message):
    """Why a folder is less than it was asked to be."""

    kind: ProblemKind = Field(description="What it is about.")
    message: Sentence = Field(description="What is wrong, and where.")
    hint: Sentence = Field("", description="What to do about it; may be empty.")

    @classmethod
    def of(cls, kind: ProblemKind, error: CodeContextError, consequence: str = "") -> Self:
        """The problem that an error makes; ``consequence`` says first what follows from it."""
        what = error.sentence if error.hint else error.message  # as ``str`` has it: a command at its end stays one
        return cls(kind=kind, message=f"{consequence}: {what}" if consequence else what, hint=error.hint)

    @property
    def health(self) -> Health:
        """How bad it is."""
        return _HEALTH.get(self.kind, Health.ERROR)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


def worst(problems: Iterable[Problem | None]) -> Problem | None:
    """The problem to tell first: the most serious one, then the most important kind."""
    kinds = list(ProblemKind)
    return min(
        (problem for problem in problems if problem),
        key=lambda problem: (-problem.health.rank, kinds.index(problem.kind)),
        default=None,
    )


def partly_embedded(coverage: float, chunks: int, hint: str) -> Problem | None:
    """What search lacks while not every chunk has a vector; None where nothing is missing."""
    if not chunks or coverage == 1:
        return None
    message = (
        f"{int(coverage * 100)} % embedded; the rest is matched by keyword only."
        if coverage
        else "Nothing is embedded with this model and adapter yet; showing keyword results."
    )
    return Problem(kind=ProblemKind.COVERAGE, message=message, hint=hint)


class ActiveAdapter(Message):
    """The adapter that is in use."""

    name: Name = Field(description="Its name.")
    path: str = Field(description="Its folder.")
    fingerprint: str = Field(description="Digest of its content.")
    rank: int = Field(description="LoRA rank.")
    alpha: float = Field(description="LoRA alpha.")
    side: str = Field(description="Which texts pass through it: both or query.")
    base_model: Name = Field(description="The base model as the adapter names it.")
    size_bytes: int = Field(description="Size of its files.")
    loaded_at: float = Field(description="When it was loaded, in seconds since 1970.")
    load_milliseconds: float = Field(description="How long loading took.")


class Stage(StrEnum):
    """Where a folder is on its way to being fully searchable."""

    AWAY = "away"
    FAILED = "failed"
    NOT_SERVED = "not served"
    WAITING = "waiting"
    INDEXING = "indexing"
    PAUSED = "paused"
    UNINDEXED = "unindexed"
    EMPTY = "empty"
    DEGRADED = "degraded"
    PARTLY_EMBEDDED = "partly embedded"
    READY = "ready"


class FolderState(Message):
    """Everything there is to say about a folder. Health, stage and message follow from the rest."""

    # The derived fields are sent along; whoever reads them derives them again.
    model_config = ConfigDict(extra="ignore")

    folder: str = Field(description="Path of the folder.")
    indexed: bool = Field(False, description="Whether it has an index, if one without any code.")
    watched: bool = Field(False, description="Whether the engine keeps it up to date and sees its changes.")
    problems: tuple[Problem, ...] = Field((), description="All that is wrong; `message` tells the worst.")
    ready: bool = Field(
        False, description="Whether the model is loaded, for semantic search; keyword search needs no model."
    )
    keyword_only: bool = Field(
        False, description="Whether the setting `indexing.vectors` is off: nothing is embedded, and no model is loaded."
    )
    model: Name = Field("", description="The base model.")
    backend: str = Field("", description="What runs the model.")
    adapter: ActiveAdapter | None = Field(
        None, description="The adapter in use; null for the base model, or while none is loaded."
    )
    current_adapter_path: str | None = Field(None, description="Folder of the adapter in use.")
    wanted_adapter_path: str | None = Field(None, description="Folder of the adapter that the settings name.")
    pending_adapter: str | None = Field(
        None, description="Folder of the adapter being prepared; empty for the base model, null for none."
    )
    pending_coverage: float | None = Field(None, description="Coverage in the space being prepared, 0 to 1.")
    space: str = Field("", description="Id of the active embedding space.")
    files: int = Field(0, description="Files in the index.")
    chunks: int = Field(0, description="Chunks in the index.")
    coverage: float = Field(
        0.0,
        description="Share of the chunks that are embedded in the active space, 0 to 1; 1 if none is to be.",
    )
    revision: int = Field(0, description="Changes whenever something is written that changes results.")
    phase: Phase = Field(Phase.IDLE, description="What the engine is doing for the folder now.")
    done: int = Field(0, description="Units of the phase that are done.")
    total: int = Field(0, description="Units of the phase; 0 while unknown.")
    eta_seconds: float | None = Field(None, description="Seconds until the phase ends. Never runs backwards.")
    queued: bool = Field(False, description="Whether work for the folder is waiting or running.")
    paused: bool = Field(False, description="Whether background work is paused.")
    skipped: int = Field(0, description="Files that are not indexed.")
    notices: tuple[Sentence, ...] = Field((), description="What was repaired or ignored.")
    idle_minutes: float = Field(0.0, description="Idle minutes after which the engine shuts down; 0 for never.")
    log_level: str = Field("info", description="The minimum log level in force.")

    @computed_field(description="How it is: unknown where nobody watches it.")  # type: ignore[prop-decorator]
    @property
    def health(self) -> Health:
        """That of the worst problem; never ok for a folder that nobody watches."""
        problem = worst(self.problems)
        if problem is not None and problem.health.rank > Health.UNKNOWN.rank:
            return problem.health
        return Health.OK if self.watched else Health.UNKNOWN

    @computed_field(description="Where it is on its way to being fully searchable.")  # type: ignore[prop-decorator]
    @property
    def stage(self) -> Stage:
        """The first row of the table that applies."""
        return self._row.stage

    @computed_field(  # type: ignore[prop-decorator]
        description="What is wrong and what to do about it, or why nothing is found; empty when all is well."
    )
    @property
    def message(self) -> str:
        """The worst problem, else what the stage has to say."""
        problem = worst(self.problems)
        return str(problem) if problem else self._row.explain(self)

    @property
    def is_at_work(self) -> bool:
        """Whether work for the folder is waiting or running."""
        return self.queued or self.phase is not Phase.IDLE

    def with_problem(self, problem: Problem) -> Self:
        """The same with one problem more."""
        return self.model_copy(update={"problems": (*self.problems, problem)})

    def unwatched(self) -> Self:
        """What is still known once the process that kept the folder is gone: no more than is in its index."""
        return self.model_copy(
            update={"watched": False, "ready": False, "queued": True, "phase": Phase.IDLE, "eta_seconds": None}
        )

    def has_problem(self, kind: ProblemKind) -> bool:
        """Whether there is a problem of this kind."""
        return any(problem.kind is kind for problem in self.problems)

    @property
    def _row(self) -> _Row:
        return next(row for row in STAGES if row.applies(self))


class FolderDetails(FolderState):
    """A folder with what its index holds on disk, as ``codecontext status`` tells it. Loads no model."""

    index_directory: str = Field(description="Where its index is kept.")
    languages: dict[str, int] = Field(default_factory=dict, description="Chunks by language.")
    skipped_by_reason: dict[str, int] = Field(default_factory=dict, description="Skipped files by reason.")
    skipped_files: list[SkippedFile] = Field(default_factory=list, description="Each skipped file and why.")
    index_bytes: int = Field(0, description="Disk space of this index.")
    cache_bytes: int = Field(0, description="Disk space of the cache that all folders share.")


class _Row(NamedTuple):
    """A stage, when a folder is in it, and what to say of one in which nothing else is wrong."""

    stage: Stage
    applies: Callable[[FolderState], bool]
    explain: Callable[[FolderState], str] = lambda _state: ""


def _explain_paused(state: FolderState) -> str:
    return "" if state.chunks else "Nothing in this folder is indexed, as background work is paused. Resume it."


def _explain_unindexed(state: FolderState) -> str:
    if not state.watched:
        return "This folder has no index yet. Run 'codecontext index' in it."
    return "Nothing in this folder is indexed, as engine.auto_index is off. Index it on request, or turn that on."


def _explain_empty(state: FolderState) -> str:
    if state.skipped:
        return "No file in this folder is indexed; the list of skipped files says why."
    return "This folder contains no files to index."


STAGES = (
    _Row(Stage.AWAY, lambda state: state.has_problem(ProblemKind.AWAY)),
    _Row(Stage.FAILED, lambda state: state.health is Health.ERROR),
    _Row(
        Stage.NOT_SERVED,
        lambda state: not state.watched and state.queued,
        lambda _state: "The engine has not opened this folder yet.",
    ),
    _Row(
        Stage.WAITING,
        lambda state: state.phase is Phase.WAITING,
        lambda _state: "Another process is writing the index of this folder; indexing resumes when it is done.",
    ),
    _Row(Stage.INDEXING, lambda state: state.is_at_work),
    _Row(Stage.PAUSED, lambda state: state.paused, _explain_paused),
    _Row(Stage.UNINDEXED, lambda state: not state.indexed, _explain_unindexed),
    _Row(Stage.EMPTY, lambda state: not state.chunks, _explain_empty),
    _Row(Stage.DEGRADED, lambda state: state.health is Health.WARNING),
    _Row(Stage.PARTLY_EMBEDDED, lambda state: state.coverage < 1),
    _Row(Stage.READY, lambda _state: True),
)
"""The stages of a folder in the order in which they are tried: the first that applies is the one it is in."""
