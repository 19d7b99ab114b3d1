"""Our own messages of the language server, beside those of the protocol itself.

The models are the truth: ``docs/protocol.md`` and the TypeScript types of the VS Code client are made from them.
On the wire names are camelCase. Unknown fields are refused, so that a misspelt one is noticed. Lines and
characters count from 0, characters in the position encoding agreed on, as everywhere in LSP.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from codecontext.core.chunk import ChunkKind
from codecontext.core.printable import printable, printable_lines
from codecontext.rpc.messages import EngineState, Health

Limit = Annotated[int, Field(ge=1, le=200)]
Texts = Annotated[list[str], Field(max_length=100)]
Sentence = Annotated[str, AfterValidator(printable_lines)]
"""Made for people to read, and shown by editors as it is; it may quote names and texts that others wrote."""
Name = Annotated[str, AfterValidator(printable)]
"""Shown by editors as it is."""


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


class Wire(BaseModel):
    """Base of all messages."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


# -- what the client sends -----------------------------------------------------------------------------------


class InitializationOptions(Wire):
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
            "Whether workspace/symbol answers by meaning. Unset: yes, but not in editors known to filter the "
            "answers by name."
        ),
    )


class Position(Wire):
    """A place between two characters."""

    line: int = Field(ge=0, description="Line.")
    character: int = Field(ge=0, description="Character in the line, in the agreed position encoding.")


class Range(Wire):
    """A span of text; the end is exclusive."""

    start: Position = Field(description="Where it begins.")
    end: Position = Field(description="Where it ends.")


class SearchParams(Wire):
    """A question in words or the name of a symbol."""

    query: str = Field(max_length=10_000, description="May hold filters: `lock lang:python path:src/** -path:tests`.")
    folders: Texts = Field(default_factory=list, description="URIs of the workspace folders to search; empty for all.")
    limit: Limit | None = Field(None, description="How many hits at most; unset for the setting `search.limit`.")
    languages: Texts = Field(default_factory=list, description="Only these languages.")
    paths: Texts = Field(default_factory=list, description="Only paths that match one of these globs; `!` leaves out.")
    kinds: list[ChunkKind] = Field(default_factory=list, max_length=100, description="Only these kinds of chunk.")
    partial_result_token: int | str | None = Field(
        None, description="With it, what words alone find is sent first by `$/progress` as a SearchResult."
    )


class FindSimilarParams(Wire):
    """Code to find the like of."""

    uri: str = Field(description="The document.")
    range: Range = Field(description="The code in it; empty for the definition at that place.")
    limit: Limit | None = Field(None, description="How many hits at most; unset for the setting `search.limit`.")


class OpenedParams(Wire):
    """A hit that the user went to."""

    query: str = Field(min_length=1, max_length=10_000, description="What was asked.")
    uri: str = Field(description="The document of the hit.")
    range: Range = Field(description="The range of the hit.")


class FolderParams(Wire):
    """One workspace folder."""

    folder: str | None = Field(None, description="URI of the workspace folder; unset for all.")


class ReindexParams(FolderParams):
    """What to index again."""

    force: bool = Field(False, description="Build the index anew instead of looking for changes.")


class NoParams(Wire):
    """Nothing."""


# -- what the server answers ---------------------------------------------------------------------------------


class Evidence(Wire):
    """Why a hit is where it is. Ranks count from 1; null where that retrieval did not find it."""

    lexical_rank: int | None = Field(None, description="Rank by words.")
    lexical_score: float | None = Field(None, description="BM25, summed over the fields.")
    semantic_rank: int | None = Field(None, description="Rank by meaning.")
    semantic_score: float | None = Field(None, description="Cosine of query and chunk.")
    rules: list[str] = Field(default_factory=list, description="Ranking rules that applied, with their factor.")


class SearchHit(Wire):
    """One place in the code, as the file or the unsaved document is now."""

    uri: str = Field(description="The document.")
    folder: str = Field(description="URI of its workspace folder.")
    path: str = Field(description="Path relative to that folder, with '/'.")
    range: Range = Field(description="The whole chunk.")
    selection_range: Range = Field(description="The symbol's name where it has one, else the first line.")
    score: float = Field(description="Comparable within one answer only.")
    language: str = Field(description="Language of the file.")
    kind: str = Field(description="function, method, class, module, section or block.")
    symbol: str = Field(description="Name of the definition or section; may be empty.")
    qualified_name: str = Field(description="The name with those around it; may be empty.")
    signature: str = Field(description="Declaration up to the body; may be empty.")
    text: str = Field(description="The lines themselves.")
    freshness: str = Field(description="Whether the text is as it was indexed: fresh, moved or changed.")
    evidence: Evidence = Field(description="Why the hit is where it is.")


class AnswerState(Wire):
    """What the answer of one folder rests on."""

    folder: str = Field(description="URI of the workspace folder.")
    adapter: str | None = Field(None, description="Folder of the adapter that answered; null for the base model.")
    fingerprint: str | None = Field(None, description="Digest of that adapter's content.")
    space: str = Field("", description="Id of the embedding space that answered; empty for words alone.")
    coverage: float = Field(0.0, description="Share of the chunks that have a vector, 0 to 1.")
    degraded: Sentence | None = Field(None, description="What is missing from a full answer, and why; null if nothing.")


class SearchResult(Wire):
    """Hits, best first."""

    query: str = Field(description="The query as it was asked.")
    hits: list[SearchHit] = Field(description="The answer, best first.")
    states: list[AnswerState] = Field(description="What it rests on, by folder.")
    message: Sentence = Field("", description="Why there are no hits, where there are none.")
    complete: bool = Field(True, description="False for the first, partial answer, which compares words alone.")
    milliseconds: float = Field(0.0, description="Time the engine took.")


class EngineStatus(Wire):
    """The process that holds model and index."""

    state: EngineState = Field(
        description="idle: not running because nobody asked for a while; the next question starts it."
    )
    message: Sentence = Field("", description="What happened last, where the state is not plainly good.")
    pid: int | None = Field(None, description="Process id; null while it does not run.")
    memory_bytes: int | None = Field(None, description="Memory that it holds (resident set size).")
    restarts: int = Field(0, description="How often it had to be started again.")


class ActiveAdapter(Wire):
    """The adapter that answers now."""

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


class FolderStatus(Wire):
    """One workspace folder."""

    uri: str = Field(description="The folder.")
    name: Name = Field(description="Its name in the editor.")
    health: Health = Field(description="How it is.")
    message: Sentence = Field(
        "", description="What is wrong and what would be right, or why nothing is found; empty when all is well."
    )
    ready: bool = Field(False, description="Whether meaning counts in answers; words count as soon as they are read.")
    model: Name = Field("", description="The base model.")
    backend: str = Field("", description="What runs the model.")
    adapter: ActiveAdapter | None = Field(None, description="The adapter that answers; null for the base model.")
    current_adapter_path: str | None = Field(None, description="Folder of the adapter that answers.")
    wanted_adapter_path: str | None = Field(None, description="Folder of the adapter that the settings name.")
    pending_adapter: str | None = Field(
        None, description="Folder of the adapter being prepared; empty for the base model, null for none."
    )
    pending_coverage: float | None = Field(None, description="Coverage in the space being prepared, 0 to 1.")
    space: str = Field("", description="Id of the active embedding space.")
    files: int = Field(0, description="Files in the index.")
    chunks: int = Field(0, description="Chunks in the index.")
    coverage: float = Field(0.0, description="Share of the chunks that have a vector in the active space, 0 to 1.")
    revision: int = Field(0, description="Another one whenever something was written that changes answers.")
    phase: str = Field("idle", description="idle, scanning, reading, loading model, embedding or waiting.")
    done: int = Field(0, description="Units of the phase that are done.")
    total: int = Field(0, description="Units of the phase; 0 while unknown.")
    eta_seconds: float | None = Field(None, description="Seconds until the phase ends. Never runs backwards.")
    paused: bool = Field(False, description="Whether background work is paused.")
    skipped: int = Field(0, description="Files that are not indexed; codecontext/skipped lists them.")
    notices: list[Sentence] = Field(default_factory=list, description="What was repaired or ignored.")


class Status(Wire):
    """All there is to show. Answer of codecontext/status and content of codecontext/statusChanged."""

    health: Health = Field(description="The worst of the engine and the folders.")
    message: Sentence = Field("", description="The sentence that matters most; empty when all is well.")
    quiescent: bool = Field(description="Whether no work is going on or waiting.")
    version: str = Field(description="Version of CodeContext.")
    engine: EngineStatus = Field(description="The engine's process.")
    folders: list[FolderStatus] = Field(description="The workspace folders.")


class FoundAdapter(Wire):
    """An adapter that could be used, or why it could not."""

    folder: str = Field(description="URI of the workspace folder it was found for.")
    path: str = Field(description="Its folder.")
    name: Name = Field(description="Its name.")
    active: bool = Field(description="Whether it answers now.")
    problem: Sentence = Field("", description="Why it cannot be used; empty for a sound one.")
    fingerprint: str = Field("", description="Digest of its content.")
    rank: int = Field(0, description="LoRA rank.")
    alpha: float = Field(0.0, description="LoRA alpha.")
    side: str = Field("", description="Which texts pass through it: both or query.")
    base_model: Name = Field("", description="The base model as the adapter names it.")
    size_bytes: int = Field(0, description="Size of its files.")
    created: str = Field("", description="When it was trained, as ISO 8601; empty when unknown.")
    search_gain: float | None = Field(
        None, description="Gain of MRR@10 through the whole search on held-out questions, as training measured it."
    )


class AdaptersResult(Wire):
    """Adapters in the CodeContext home, the project's `.codecontext/adapters` and where the settings point."""

    adapters: list[FoundAdapter] = Field(description="Sound and unsound ones.")


class SkippedFile(Wire):
    """A file, or with a trailing '/' a whole folder, that is not indexed."""

    folder: str = Field(description="URI of the workspace folder.")
    path: str = Field(description="Relative to that folder.")
    reason: str = Field(description="Why, as one word.")
    detail: Sentence = Field("", description="More about it.")


class SkippedResult(Wire):
    """All files that are not indexed."""

    files: list[SkippedFile] = Field(description="By folder and path.")


class Done(Wire):
    """The request was accepted; its effects show in the status."""

    message: Sentence = Field("", description="What happens now.")
