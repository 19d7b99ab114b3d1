"""The protocol reference, ``docs/protocol.md``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic.fields import FieldInfo

from codecontext.core.errors import CodeContextError
from codecontext.core.messages import Message
from codecontext.engine.folder_state import Health, Phase
from codecontext.lsp.protocol import (
    COMMAND_PREFIX,
    AdaptersResult,
    Done,
    EngineStatus,
    FindSimilarParams,
    FolderParams,
    FolderStatus,
    InitializationOptions,
    Method,
    NoParams,
    OpenedParams,
    Position,
    Range,
    ReindexParams,
    SearchHit,
    SearchParams,
    SearchResult,
    SkippedInFolder,
    SkippedResult,
    Status,
)
from codecontext.rpc.messages import EngineState, FoundAdapter
from codecontext.rpc.transport import REQUEST_FAILED
from codecontext.search.results import Evidence, Freshness, SearchState
from scripts.codegen.markdown import table
from scripts.codegen.models import fields_of, reachable


@dataclass(frozen=True, slots=True)
class Request:
    """A documented request. The examples are real messages; a result already shown elsewhere needs none."""

    params: type[Message]
    result: type[Message]
    about: str
    example: Message
    example_result: Message | None = None


_JSON_WIDTH = 110
_FOLDER = "file:///srv/shop"
_ADAPTER = "/srv/shop/.codecontext/adapters/house-style"
_PRINT = "9f2c41d07be3a866"
_HIT = SearchHit(
    uri=f"{_FOLDER}/shop/locks.py",
    folder=_FOLDER,
    path="shop/locks.py",
    range=Range(start=Position(line=11, character=0), end=Position(line=13, character=34)),
    selection_range=Range(start=Position(line=11, character=4), end=Position(line=11, character=11)),
    score=1.62,
    language="python",
    kind="function",
    symbol="release",
    qualified_name="release",
    signature="def release(handle: IO[str]) -> None",
    text="def release(handle: IO[str]) -> None:\n    fcntl.flock(handle, fcntl.LOCK_UN)\n    handle.close()",
    freshness=Freshness.FRESH,
    evidence=Evidence(lexical_rank=2, lexical_score=7.4, semantic_rank=1, semantic_score=0.58, rules=["file x1.30"]),
)
_FOUND = SearchResult(
    query="where is the lock released",
    hits=[_HIT],
    states=[
        SearchState(folder=_FOLDER, adapter=_ADAPTER, fingerprint=_PRINT, space="90c7c47a0cc26440", coverage=1.0),
    ],
    milliseconds=18.4,
)
_STATUS = Status(
    health=Health.OK,
    quiescent=False,
    version="0.1.0",
    engine=EngineStatus(state=EngineState.BUSY, pid=4711, memory_bytes=547_196_928),
    folders=[
        FolderStatus(
            uri=_FOLDER,
            name="shop",
            folder="/srv/shop",
            indexed=True,
            watched=True,
            ready=True,
            model="all-MiniLM-L6-v2",
            backend="openvino (cpu, bf16)",
            space="90c7c47a0cc26440",
            files=812,
            chunks=6_143,
            coverage=0.73,
            phase=Phase.EMBEDDING,
            done=4_480,
            total=6_143,
            eta_seconds=41.0,
        )
    ],
)

REQUESTS: dict[Method, Request] = {
    Method.SEARCH: Request(
        SearchParams,
        SearchResult,
        "Finds code with a question or a symbol name. While the model is loading or the index is incomplete, "
        "results come from keyword search, plus semantic search over what is already embedded; `states` says so.",
        SearchParams(query="where is the lock released", limit=5, languages=["python"]),
        _FOUND,
    ),
    Method.FIND_SIMILAR: Request(
        FindSimilarParams,
        SearchResult,
        "Finds code similar to the code in a range, or to the enclosing definition if the range is empty. The range "
        "refers to the document as it is in the editor, saved or not. The code itself is not among the hits.",
        FindSimilarParams(
            uri=f"{_FOLDER}/shop/orders.py",
            range=Range(start=Position(line=41, character=0), end=Position(line=41, character=0)),
        ),
    ),
    Method.OPENED: Request(
        OpenedParams,
        Done,
        "Reports that the user opened a hit. With the setting `search.keep_log`, query and location are recorded in a "
        "file on this machine, which `codecontext adapter train` learns from; without it nothing is recorded.",
        OpenedParams(
            query="where is the lock released",
            uri=f"{_FOLDER}/shop/orders.py",
            range=Range(start=Position(line=41, character=0), end=Position(line=48, character=17)),
        ),
        Done(message="Nothing was recorded: the setting search.keep_log is off."),
    ),
    Method.STATUS: Request(
        NoParams,
        Status,
        "The full status, immediately, whatever the engine is doing. Each "
        "[codecontext/statusChanged](#codecontextstatuschanged) carries the same.",
        NoParams(),
        _STATUS,
    ),
    Method.ADAPTERS: Request(
        FolderParams,
        AdaptersResult,
        "Available adapters: those in the CodeContext home, in the project's `.codecontext/adapters`, and the one that "
        "the settings name. An unusable one says why.",
        FolderParams(folder=_FOLDER),
        AdaptersResult(
            adapters=[
                FoundAdapter(
                    folder=_FOLDER,
                    path=_ADAPTER,
                    name="house-style",
                    active=True,
                    fingerprint=_PRINT,
                    rank=8,
                    alpha=16.0,
                    side="both",
                    base_model="sentence-transformers/all-MiniLM-L6-v2",
                    size_bytes=1_187_432,
                ),
            ]
        ),
    ),
    Method.RELOAD_ADAPTER: Request(
        FolderParams,
        Done,
        "Reloads a folder's settings and its adapter. Changes are normally noticed without it; this is for file "
        "systems that report none. The last good adapter stays active until the new one is ready; the status shows the "
        "outcome.",
        FolderParams(),
        Done(message="Reloading settings and adapter; the status shows the outcome."),
    ),
    Method.REINDEX: Request(
        ReindexParams,
        Done,
        "Rescans all files, or rebuilds the index from scratch. Searches use the existing index in the meantime.",
        ReindexParams(folder=_FOLDER, force=True),
        Done(message="Rebuilding the index of shop."),
    ),
    Method.PAUSE: Request(
        FolderParams,
        Done,
        "Pauses background work until `codecontext/resume` or until the folder is closed; searches still work. "
        "Cancelling the progress of a folder does the same.",
        FolderParams(folder=_FOLDER),
        Done(message="Background work is paused for shop."),
    ),
    Method.RESUME: Request(
        FolderParams,
        Done,
        "Resumes background work where it stopped.",
        FolderParams(folder=_FOLDER),
        Done(message="Background work resumed for shop."),
    ),
    Method.SKIPPED: Request(
        FolderParams,
        SkippedResult,
        "Lists the files that are not indexed, each with the reason.",
        FolderParams(),
        SkippedResult(files=[SkippedInFolder(folder=_FOLDER, path=".env", reason="secret")]),
    ),
}

_INTRODUCTION = """\
<!-- Written by `make codegen`; edit the models and texts in the code instead. -->

# Protocol

`codecontext serve` is a language server on stdin and stdout. It speaks the [Language Server Protocol][lsp] 3.17 and
messages of its own, which this page lists for those who connect another editor. [editors.md](editors.md) has
configurations that are ready to copy.

[lsp]: https://microsoft.github.io/language-server-protocol/specifications/lsp/3.17/specification/

Names are camelCase. Lines and characters count from 0, characters in the position encoding negotiated in
`initialize`. Unknown parameters are rejected, so that typos are noticed. Ignore unknown fields in results, because more
may be added; none is renamed or removed without a note in the changelog.

## Lifecycle

`initialize` is answered immediately. After `initialized` the server reads the settings, starts its engine and begins to
index by itself. It accepts requests from then on; the first ones are answered by keyword search alone. Progress and
problems arrive as [codecontext/statusChanged](#codecontextstatuschanged). The server exits on `exit`, on SIGINT,
SIGTERM and SIGHUP, when its stdin or stdout is closed, and when the process named in `processId` has ended. That number
means nothing in another container or on another machine, so it is ignored unless it names a process that can be the
editor.

The server waits at most 5 seconds for the answer to one of its own requests, and 10 seconds for `initialized`. Then it
continues without, and the status says so. Parts of `initialize` and of folder or file events that it cannot read are
ignored, and the status names them. A document counts as not open if one of its changes cannot be read or if it has
more than 8 million characters. Header names are case-insensitive, any line ending is accepted, and messages are limited
to 256 MiB.

The server adapts to the client's capabilities. None of these is required:

"""

_CAPABILITIES = [
    (
        "`workspace.configuration`",
        "The server requests the section `codecontext` for each folder.",
        "Settings come with `initialize` and `workspace/didChangeConfiguration`, and from files.",
    ),
    (
        "`workspace.didChangeConfiguration.dynamicRegistration`",
        "The server registers for changes of that section.",
        "It listens for them anyway.",
    ),
    (
        "`workspace.didChangeWatchedFiles.dynamicRegistration`",
        "The client watches the folders; with `relativePatternSupport`, one pattern for each.",
        "The server watches them itself.",
    ),
    (
        "`workspace.workspaceFolders`",
        "Folders can be added and removed.",
        "`rootUri` is the only folder.",
    ),
    (
        "`window.workDoneProgress`",
        "Long indexing runs are shown as progress; cancelling it pauses that folder.",
        "Progress is only in the status.",
    ),
    (
        "`general.positionEncodings`",
        "The client's first choice is used.",
        "UTF-16.",
    ),
]

_PARTIAL = f"""\
### Partial results

With a `partialResultToken`, `{Method.SEARCH.value}` delivers results twice: first those of keyword search alone, as the
`value` of a `$/progress` notification with that token, within a few milliseconds whatever the model is doing; then all
of them as the response. The first is a [SearchResult](#searchresult) with `complete` false; the response replaces it.
"""

_COMMANDS = f"""\
## Commands

Each request is also a command, for editors that support only `workspace/executeCommand`: `{Method.SEARCH.value}` is
`{COMMAND_PREFIX}search`, with the same parameters as its only argument and the same result.

```json
{{"command": "{COMMAND_PREFIX}search", "arguments": [{{"query": "where is the lock released"}}]}}
```

No argument, or an empty array, means no parameters.

"""

_SYMBOLS = """\
## Workspace symbols

`workspace/symbol` takes a name or a question and returns results as ranked by the server, best first. It is not offered
to editors that filter the results by name again, because that would discard everything semantic search found; the
initialization option `workspaceSymbols` overrides this.
"""

_STATUS_CHANGED = """\
Sent by the server with a [Status](#status) whenever something in it changes: at most four times a second, always with
the latest state.
"""

_ERRORS = """\
## Errors

An error has a `message` for people, which says what is wrong and what would be right, and `data` for programs.

"""

_ERROR_ROWS = [
    ("-32602", "InvalidParams", "`data.fields` names each `field` that is wrong and its `problem`."),
    ("-32602", "QueryError", "The query is invalid, for example a filter with an unknown kind. Same `data` as above."),
    ("-32800", "", "The request was cancelled."),
    ("-32600", "", "An invalid request, a second `initialize`, or anything after `shutdown`."),
    ("-32002", "", "A request before `initialize`."),
    ("-32601", "", "Unknown method."),
    ("-32603", "", "A bug in CodeContext; the server's log has the traceback."),
]


def render_reference() -> str:
    """The reference in Markdown."""
    parts = [
        _INTRODUCTION + table(("Capability of the client", "With it", "Without it"), _CAPABILITIES),
        "### Initialization options\n",
        f"{InitializationOptions.__doc__}\n",
        _params(InitializationOptions),
        "## Requests\n",
        *(_request(method, request) for method, request in REQUESTS.items()),
        _PARTIAL,
        _COMMANDS + table(("Command", "Request"), _commands()),
        _SYMBOLS,
        "## Notification\n",
        f"### {Method.STATUS_CHANGED.value}\n",
        _STATUS_CHANGED,
        _ERRORS + table(("Code", "`data.kind`", "Meaning"), _errors()),
        "## Types\n",
        *(_type_section(model) for model in _sent()),
    ]
    return "\n".join(parts)


def _request(method: Method, request: Request) -> str:
    result = request.result.__name__
    parts = [
        f"### {method.value}\n",
        f"{request.about}\n",
        _params(request.params),
        _json({"method": method.value, "params": _dump(request.example, exclude_defaults=True)}),
        f"Result: [{result}](#{result.lower()}).\n",
    ]
    if request.example_result is not None:
        parts.append(_json(_dump(request.example_result)))
    return "\n".join(parts)


def _params(model: type[Message]) -> str:
    rows = [
        (f"`{name}`", kind, _default(field), field.description or "")
        for (name, kind), field in zip(_typed(model), model.model_fields.values(), strict=True)
    ]
    return table(("Parameter", "Type", "Default", "Meaning"), rows) if rows else "No parameters.\n"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True, validated_data={})
    return "unset" if default is None else f"`{json.dumps(default)}`"


def _commands() -> Iterator[tuple[str, str]]:
    for method in REQUESTS:
        name = COMMAND_PREFIX + method.value.removeprefix("codecontext/")
        yield f"`{name}`", f"`{method.value}`"


def _errors() -> Iterator[tuple[str, str, str]]:
    for code, kind, meaning in _ERROR_ROWS:
        yield f"`{code}`", f"`{kind}`" if kind else "", meaning
    for error in CodeContextError.__subclasses__():
        if error.__name__ not in {"QueryError", "OperationCancelled"}:
            meaning = (error.__doc__ or "").partition("\n")[0]
            yield f"`{REQUEST_FAILED}`", f"`{error.__name__}`", f"{meaning} `data.hint` says what to do."


def _sent() -> Iterator[type[Message]]:
    """Every model that a result holds."""
    for model in reachable(*(request.result for request in REQUESTS.values())):
        if issubclass(model, Message):
            yield model


def _type_section(model: type[Message]) -> str:
    rows = [
        (f"`{name}`", kind, field.description or "")
        for (name, kind), field in zip(_typed(model), fields_of(model).values(), strict=True)
    ]
    return "\n".join([f"### {model.__name__}\n", f"{model.__doc__}\n", table(("Field", "Type", "Meaning"), rows)])


def _typed(model: type[Message]) -> Iterator[tuple[str, str]]:
    """Name on the wire and type of each field."""
    schema = model.model_json_schema(mode="serialization")
    for name, field in schema["properties"].items():
        yield name, _kind(field, schema.get("$defs", {}))


def _kind(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_kind(option, definitions) for option in schema["anyOf"])
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        values = definitions[name].get("enum")
        return " or ".join(f'"{value}"' for value in values) if values else f"[{name}](#{name.lower()})"
    if schema.get("type") == "array":
        return f"array of {_kind(schema['items'], definitions)}"
    return str(schema.get("type", "any")) + _bounds(schema)


def _bounds(schema: dict[str, Any]) -> str:
    lowest, highest = schema.get("minimum"), schema.get("maximum")
    if highest is not None:
        return f", {lowest} to {highest}"
    return f", at least {lowest}" if lowest else ""


def _dump(message: Message, *, exclude_defaults: bool = False) -> Any:
    return message.model_dump(mode="json", by_alias=True, exclude_defaults=exclude_defaults)


def _json(value: Any) -> str:
    return f"```json\n{_laid_out(value, '')}\n```\n"


def _laid_out(value: Any, indent: str) -> str:
    """JSON with what fits on a line on one line."""
    text = json.dumps(value, ensure_ascii=False)
    if len(indent + text) <= _JSON_WIDTH or not isinstance(value, dict | list):
        return text
    inner = indent + "  "
    if isinstance(value, dict):
        items, (left, right) = [f"{json.dumps(k)}: {_laid_out(v, inner)}" for k, v in value.items()], "{}"
    else:
        items, (left, right) = [_laid_out(item, inner) for item in value], "[]"
    return f"{left}\n{inner}" + f",\n{inner}".join(items) + f"\n{indent}{right}"
