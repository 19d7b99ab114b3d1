"""What the language server and the service exchange.

JSON-RPC over the service's stdin and stdout. The method names are below; parameters and results are the models,
dumped as JSON. Paths are absolute folders, or relative to one of them with ``/``. The state of a folder is
``engine.folder_state.FolderState``, results are those of ``search.results``; the messages of LSP build on all of them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from codecontext.core.chunk import ChunkKind
from codecontext.core.messages import Message, Name, Sentence

Limit = Annotated[int, Field(ge=1, le=200)]
Texts = Annotated[list[str], Field(max_length=100)]


class Method(StrEnum):
    """Names of the messages; all but the last three are requests to the service."""

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
    """Heartbeat: answered by the service's event loop itself."""
    FILES_CHANGED = "engine/filesChanged"
    """Notification to the service."""
    ADAPTER_TOUCHED = "engine/adapterTouched"
    """Notification to the service."""
    FOLDER_CHANGED = "engine/folderChanged"
    """Notification from the service: the state of one folder."""


class EngineState(StrEnum):
    """Life of the service process."""

    STARTING = "starting"
    READY = "ready"
    BUSY = "busy"
    """It is working in the background; searches are answered all the same."""
    DEGRADED = "degraded"
    """It answers, with less than what was asked for."""
    RESTARTING = "restarting"
    FAILED = "failed"
    IDLE = "idle"
    """Stopped after being idle; the next search starts it."""


class FolderSetup(Message):
    """A folder to serve. ``editor`` holds its settings from the editor, nested as the settings are."""

    folder: str
    editor: dict[str, Any] = Field(default_factory=dict)
    trusted: bool
    paused: bool = False
    open_files: tuple[str, ...] = ()


class Configure(Message):
    """All folders to serve from now on, in place of the previous ones."""

    folders: tuple[FolderSetup, ...]


class SearchRequest(Message):
    """A query and its filters, whoever sends it."""

    query: str = Field(max_length=10_000, description="May hold filters: `lock lang:python path:src/** -path:tests`.")
    folders: Texts = Field(default_factory=list, description="URIs of the workspace folders to search; empty for all.")
    limit: Limit | None = Field(None, description="Maximum number of hits; unset for the setting `search.limit`.")
    languages: Texts = Field(default_factory=list, description="Only these languages.")
    paths: Texts = Field(default_factory=list, description="Only paths that match one of these globs; `!` excludes.")
    kinds: list[ChunkKind] = Field(default_factory=list, max_length=100, description="Only these kinds of chunk.")


class Search(SearchRequest):
    """A search of the service's folders, which ``folders`` names by their paths."""

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
    """Rescan every file; ``force`` rebuilds the index."""

    folder: str
    force: bool = False


class Pause(Message):
    """Pause or resume background work for a folder; searching continues with what is indexed."""

    folder: str
    paused: bool


class FilesChanged(Message):
    """Files or folders that may have changed, relative to the folder; ``everything`` asks for a full rescan."""

    folder: str
    paths: tuple[str, ...] = ()
    everything: bool = False


class Pulse(Message):
    """That the service is alive, and how long its current work has been going on."""

    longest_seconds: float = Field(description="Age of the oldest request that a thread works on; 0 without one.")
    stalled_seconds: float = Field(description="How long background work has made no progress; 0 while there is none.")


class FoundAdapter(Message):
    """An adapter that could be used, or why it could not."""

    folder: str = Field(description="The folder it was found for; in LSP its URI.")
    path: str = Field(description="Its folder.")
    name: Name = Field(description="Its name.")
    active: bool = Field(description="Whether it is in use now.")
    problem: Sentence = Field("", description="Why it cannot be used; empty for a sound one.")
    fingerprint: str = Field("", description="Digest of its content.")
    rank: int = Field(0, description="LoRA rank.")
    alpha: float = Field(0.0, description="LoRA alpha.")
    side: str = Field("", description="Which texts pass through it: both or query.")
    base_model: Name = Field("", description="The base model as the adapter names it.")
    size_bytes: int = Field(0, description="Size of its files.")
    created: str = Field("", description="When it was trained, as ISO 8601; empty when unknown.")
    search_gain: float | None = Field(
        None, description="Gain of MRR@10 in the whole search on held-out queries, as training measured it."
    )
