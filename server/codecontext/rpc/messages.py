"""What the language server and the engine process say to each other.

JSON-RPC over the engine's stdin and stdout. The method names are below; parameters and results are the models,
dumped as JSON. Paths are absolute folders, or relative to one of them with ``/``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from codecontext.search.results import Hit, SearchState


class Method(StrEnum):
    """Names of the messages; all but the last three are requests to the engine."""

    CONFIGURE = "engine/configure"
    SEARCH = "engine/search"
    SIMILAR = "engine/similar"
    ADAPTERS = "engine/adapters"
    RELOAD_ADAPTER = "engine/reloadAdapter"
    REINDEX = "engine/reindex"
    PAUSE = "engine/pause"
    SKIPPED = "engine/skipped"
    OPENED = "engine/opened"
    SHUTDOWN = "engine/shutdown"
    PULSE = "engine/pulse"
    """Heartbeat: answered by the engine's event loop itself."""
    FILES_CHANGED = "engine/filesChanged"
    """Notification to the engine."""
    ADAPTER_TOUCHED = "engine/adapterTouched"
    """Notification to the engine."""
    FOLDER_CHANGED = "engine/folderChanged"
    """Notification from the engine: the report of one folder."""


class Message(BaseModel):
    """Base of all messages."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Health(StrEnum):
    """How a folder is: a warning still answers with less than was asked for, an error needs the user."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class Phase(StrEnum):
    """What the engine does for a folder right now."""

    IDLE = "idle"
    SCANNING = "scanning"
    READING = "reading"
    LOADING_MODEL = "loading model"
    EMBEDDING = "embedding"
    WAITING = "waiting"
    """Another process writes the index."""


class EngineState(StrEnum):
    """Life of the engine's process."""

    STARTING = "starting"
    READY = "ready"
    BUSY = "busy"
    """It works in the background; questions are answered all the same."""
    DEGRADED = "degraded"
    """It answers, with less than what was asked for."""
    RESTARTING = "restarting"
    FAILED = "failed"
    IDLE = "idle"
    """Ended because nobody asked for a while; the next question starts it."""


class FolderSetup(Message):
    """A folder to serve. ``editor`` holds its settings from the editor, nested as the settings are."""

    folder: str
    editor: dict[str, Any] = Field(default_factory=dict)
    trusted: bool
    paused: bool = False
    open_files: tuple[str, ...] = ()


class Configure(Message):
    """All folders to serve from now on, in place of those before."""

    folders: tuple[FolderSetup, ...]


class Search(Message):
    """A query; no ``folders`` means all."""

    query: str
    folders: tuple[str, ...] = ()
    limit: int | None = None
    languages: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    lexical_only: bool = False


class Similar(Message):
    """Code like that at lines ``start_line`` to ``end_line`` (1-based, inclusive) of ``path``."""

    folder: str
    path: str
    start_line: int
    end_line: int
    text: str = Field("", description="The code itself; empty for the definition at the first line.")
    limit: int | None = None


class Opened(Message):
    """A hit that somebody opened; lines are 1-based and inclusive."""

    folder: str
    query: str
    path: str
    start_line: int
    end_line: int


class FolderOnly(Message):
    """A request about one folder."""

    folder: str


class Reindex(Message):
    """Look at every file again; ``force`` builds the index anew."""

    folder: str
    force: bool = False


class Pause(Message):
    """Stop (or go on) working in the background for a folder; it is answered from what there is."""

    folder: str
    paused: bool


class FilesChanged(Message):
    """Files or folders that may have changed, relative to the folder; ``everything`` asks for a whole look."""

    folder: str
    paths: tuple[str, ...] = ()
    everything: bool = False


class Pulse(Message):
    """That the engine is alive, and how long what it does has been going on."""

    longest_seconds: float = Field(description="Age of the oldest request that a thread works on; 0 without one.")
    stalled_seconds: float = Field(description="How long background work has not got on; 0 while there is none.")


class FolderHit(Message):
    """A hit and the folder it is in."""

    folder: str
    hit: Hit


class Answer(Message):
    """Hits of all folders asked, best first; ``states`` by folder."""

    hits: tuple[FolderHit, ...]
    states: dict[str, SearchState]
    message: str = ""
    milliseconds: float = 0.0


class ActiveAdapter(Message):
    """The adapter that answers now."""

    name: str
    path: str
    fingerprint: str
    rank: int
    alpha: float
    side: str
    base_model: str
    size_bytes: int
    loaded_at: float = Field(description="Seconds since 1970.")
    load_milliseconds: float


class FoundAdapter(Message):
    """An adapter that could be used, or why it could not."""

    path: str
    name: str
    active: bool
    problem: str = Field("", description="Why it cannot be used; empty for a sound one.")
    fingerprint: str = ""
    rank: int = 0
    alpha: float = 0.0
    side: str = ""
    base_model: str = ""
    size_bytes: int = 0
    created: str = ""
    search_gain: float | None = None


class SkippedPath(Message):
    """A file that is not indexed, and why."""

    path: str
    reason: str
    detail: str = ""


class FolderReport(Message):
    """Everything there is to say about a folder."""

    folder: str
    health: Health = Health.OK
    message: str = Field(
        "", description="What is wrong and what would be right, or why nothing is found; empty when all is well."
    )
    ready: bool = Field(False, description="Whether the model is loaded, so that meaning counts in answers.")
    model: str = ""
    backend: str = Field("", description="What runs the model.")
    adapter: ActiveAdapter | None = None
    current_adapter_path: str | None = Field(None, description="Folder of the adapter in use.")
    wanted_adapter_path: str | None = Field(None, description="Folder of the adapter that the settings name.")
    pending_adapter: str | None = Field(None, description="Adapter being prepared; empty text for the base model.")
    space: str = ""
    files: int = 0
    chunks: int = 0
    coverage: float = 0.0
    revision: int = Field(0, description="Another one whenever something was written that questions see.")
    pending_coverage: float | None = Field(None, description="Coverage in the space being prepared.")
    phase: Phase = Phase.IDLE
    done: int = 0
    total: int = Field(0, description="0 while it is unknown.")
    eta_seconds: float | None = None
    queued: bool = Field(False, description="Whether work for the folder waits or goes on.")
    paused: bool = False
    skipped: int = 0
    notices: tuple[str, ...] = ()
    settings: dict[str, Any] = Field(default_factory=dict, description="What the language server follows itself.")
