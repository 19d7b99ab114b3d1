"""Our own messages of the language server, in addition to those of the protocol itself.

The models are the truth: ``docs/protocol.md`` and the TypeScript types of the VS Code client are made from them and
from the models that they build on (``rpc.messages``, ``engine.folder_state``, ``search.results``). On the wire names
are camelCase. Unknown fields are refused, so that a misspelt one is noticed. Lines and characters count from 0,
characters in the position encoding agreed on, as everywhere in LSP.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import ConfigDict, Field

from codecontext.core.messages import Message, Name, Sentence
from codecontext.engine.folder_state import FolderState, Health
from codecontext.rpc.messages import EngineState, FoundAdapter, Limit, SearchRequest
from codecontext.search.results import FoundCode, Results
from codecontext.store.records import SkippedFile


class Method(StrEnum):
    """Names of our messages."""

    SEARCH = "codecontext/search"
    FIND_SIMILAR = "codecontext/findSimilar"
    STATUS = "codecontext/status"
    ADAPTERS = "codecontext/adapters"
    RELOAD_ADAPTER = "codecontext/reloadAdapter"
    REINDEX = "codecontext/reindex"
    PAUSE = "codecontext/pause"
    RESUME = "codecontext/resume"
    SKIPPED = "codecontext/skipped"
    OPENED = "codecontext/opened"
    STATUS_CHANGED = "codecontext/statusChanged"


COMMAND_PREFIX = "codecontext.server."
"""Each request is also a command: ``codecontext/search`` is ``codecontext.server.search``, with the parameters as
its only argument."""


# -- what the client sends -----------------------------------------------------------------------------------


class InitializationOptions(Message):
    """Optional, for editors that have no settings to ask for or want them known at once."""

    model_config = ConfigDict(extra="ignore")

    settings: dict[str, object] = Field(
        default_factory=dict, description="Settings, nested, as under `codecontext` in the editor's settings."
    )
    trusted: bool = Field(
        True,
        description=(
            "Whether project files may choose models, adapters and storage (workspace trust). Anything but true or "
            "false counts as false."
        ),
    )
    workspace_symbols: bool | None = Field(
        None,
        description=(
            "Whether workspace/symbol finds by meaning. Unset: yes, but not in editors known to filter the "
            "results by name."
        ),
    )


class Position(Message):
    """A place between two characters."""

    line: int = Field(ge=0, description="Line.")
    character: int = Field(ge=0, description="Character in the line, in the agreed position encoding.")


class Range(Message):
    """A span of text; the end is exclusive."""

    start: Position = Field(description="Where it begins.")
    end: Position = Field(description="Where it ends.")


class SearchParams(SearchRequest):
    """A question in words or the name of a symbol."""

    partial_result_token: int | str | None = Field(
        None, description="With it, keyword results are sent first, by `$/progress` as a SearchResult."
    )


class FindSimilarParams(Message):
    """Code to find similar code for."""

    uri: str = Field(description="The document.")
    range: Range = Field(description="The code in it; empty for the definition at that place.")
    limit: Limit | None = Field(None, description="Maximum number of hits; unset for the setting `search.limit`.")


class OpenedParams(Message):
    """A hit that the user went to."""

    query: str = Field(min_length=1, max_length=10_000, description="The query.")
    uri: str = Field(description="The document of the hit.")
    range: Range = Field(description="The range of the hit.")


class FolderParams(Message):
    """One workspace folder."""

    folder: str | None = Field(None, description="URI of the workspace folder; unset for all.")


class ReindexParams(FolderParams):
    """What to rescan."""

    force: bool = Field(False, description="Rebuild the index instead of looking for changes.")


class NoParams(Message):
    """Nothing."""


# -- what the server sends -----------------------------------------------------------------------------------


class SearchHit(FoundCode):
    """One place in the code, as the file or the unsaved document is now."""

    uri: str = Field(description="The document.")
    range: Range = Field(description="The whole chunk.")
    selection_range: Range = Field(description="The symbol's name where it has one, else the first line.")


class SearchResult(Results):
    """Hits, best first."""

    hits: list[SearchHit] = Field(description="The results, best first.")
    complete: bool = Field(True, description="False for the first, partial result, from keyword search only.")


class EngineStatus(Message):
    """The engine: the process that holds models and indexes."""

    state: EngineState = Field(description="idle: stopped after being idle; the next search starts it.")
    message: Sentence = Field("", description="What happened last, where that is not plainly good.")
    pid: int | None = Field(None, description="Process id; null while it does not run.")
    memory_bytes: int | None = Field(None, description="Memory that it holds (resident set size).")
    restarts: int = Field(0, description="How often it had to be restarted.")


class FolderStatus(FolderState):
    """One workspace folder."""

    uri: str = Field(description="The folder.")
    name: Name = Field(description="Its name in the editor.")


class Status(Message):
    """All there is to show: result of codecontext/status and content of codecontext/statusChanged."""

    health: Health = Field(description="The worst of the engine and the folders.")
    message: Sentence = Field("", description="The sentence that matters most; empty when all is well.")
    quiescent: bool = Field(description="Whether no work is running or waiting.")
    version: str = Field(description="Version of CodeContext.")
    engine: EngineStatus = Field(description="The engine process.")
    folders: list[FolderStatus] = Field(description="The workspace folders.")


class AdaptersResult(Message):
    """Adapters in the CodeContext home, the project's `.codecontext/adapters` and where the settings point."""

    adapters: list[FoundAdapter] = Field(description="Sound and unsound ones.")


class SkippedInFolder(SkippedFile):
    """A file, or with a trailing '/' a whole folder, that is not indexed."""

    folder: str = Field(description="URI of the workspace folder.")


class SkippedResult(Message):
    """All files that are not indexed."""

    files: list[SkippedInFolder] = Field(description="By folder and path.")


class Done(Message):
    """The request was accepted; its effects show in the status."""

    message: Sentence = Field("", description="What happens now.")
