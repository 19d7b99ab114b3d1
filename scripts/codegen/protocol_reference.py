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
    """A request as it is documented. The examples are real messages; an answer like one before needs none."""

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
        "Finds code by a question or by the name of a symbol. While the model is not loaded or the index not complete, "
        "the answer rests on words, or on what has a vector; `states` says so.",
        SearchParams(query="where is the lock released", limit=5, languages=["python"]),
        _FOUND,
    ),
    Method.FIND_SIMILAR: Request(
        FindSimilarParams,
        SearchResult,
        "Finds code that does what the code in a range does; for an empty range, what the definition around it does. "
        "The range is one of the document as it is in the editor, saved or not. The code itself is not among the hits.",
        FindSimilarParams(
            uri=f"{_FOLDER}/shop/orders.py",
            range=Range(start=Position(line=41, character=0), end=Position(line=41, character=0)),
        ),
    ),
    Method.OPENED: Request(
        OpenedParams,
        Done,
        "Says that the user went to a hit. With the setting `search.keep_log` the question and the place are kept in a "
        "file on this machine, from which `codecontext adapter train` learns; without it nothing is.",
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
        "All there is to show, at once, whatever the engine is doing. The same comes with each "
        "[codecontext/statusChanged](#codecontextstatuschanged).",
        NoParams(),
        _STATUS,
    ),
    Method.ADAPTERS: Request(
        FolderParams,
        AdaptersResult,
        "Adapters that could be used: those in the CodeContext home, in the project's `.codecontext/adapters`, and the "
        "one that the settings name. One that cannot be used says why.",
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
        "Reads a folder's settings and its adapter again. Changes are noticed without it; this is for file systems "
        "that tell of none. The last good adapter answers until the new one can; the status says what came of it.",
        FolderParams(),
        Done(message="Reloading settings and adapter; the status shows the outcome."),
    ),
    Method.REINDEX: Request(
        ReindexParams,
        Done,
        "Compares all files with the index, or builds the index anew. It is answered from what there is meanwhile.",
        ReindexParams(folder=_FOLDER, force=True),
        Done(message="Rebuilding the index of shop."),
    ),
    Method.PAUSE: Request(
        FolderParams,
        Done,
        "Stops work in the background until `codecontext/resume` or until the folder is closed; searching goes on. "
        "Cancelling the progress of a folder does the same.",
        FolderParams(folder=_FOLDER),
        Done(message="Background work is paused for shop."),
    ),
    Method.RESUME: Request(
        FolderParams,
        Done,
        "Lets work in the background go on where it stopped.",
        FolderParams(folder=_FOLDER),
        Done(message="Background work resumed for shop."),
    ),
    Method.SKIPPED: Request(
        FolderParams,
        SkippedResult,
        "Files that are not indexed, each with the reason.",
        FolderParams(),
        SkippedResult(files=[SkippedInFolder(folder=_FOLDER, path=".env", reason="secret")]),
    ),
}

_INTRODUCTION = """\
<!-- Written by `make codegen`; edit the models and texts in the code instead. -->

# Protocol

`codecontext serve` is a language server on stdin and stdout. It speaks the [Language Server Protocol][lsp] 3.17 and
messages of its own, which this page lists for whoever connects another editor. [editors.md](editors.md) has
configurations that are ready to copy.

[lsp]: https://microsoft.github.io/language-server-protocol/specifications/lsp/3.17/specification/

Names are camelCase. Lines and characters count from 0, characters in the position encoding agreed on with
`initialize`. Unknown parameters are refused, so that a misspelt one is noticed. Ignore unknown fields of an answer, for
more may come; none is renamed or removed without a note in the changelog.

## From start to end

`initialize` is answered at once. With `initialized` the server hears the settings, starts its engine and begins to
index, without being asked. Requests are answered from then on, the first ones from words alone. What goes on comes as
[codecontext/statusChanged](#codecontextstatuschanged). The server ends with `exit`, when its stdin is closed or
nobody reads its stdout any more, on SIGINT, SIGTERM and SIGHUP, and when the process named in `processId` is gone. Of
another container or machine that number means nothing, so a process counts only if it runs beside the server.

A client that does not answer a request of the server's is waited for at most 5 seconds, one that does not say
`initialized` 10 seconds. The server then goes on without, and the status says so. What cannot be read of `initialize`,
of an event of folders or of files is left out, and the status says what; the rest counts. A document of which a change
cannot be read, or with more than 8 million characters, counts as not open. Header names of a message may have any case,
lines may end in any way, and a message has at most 256 MiB.

What the client can do decides how it is served. Nothing here is required:

"""

_CAPABILITIES = [
    (
        "`workspace.configuration`",
        "Settings are asked for, section `codecontext`, for each folder.",
        "They come with `initialize` and `workspace/didChangeConfiguration`, and from files.",
    ),
    (
        "`workspace.didChangeConfiguration.dynamicRegistration`",
        "The server registers for changes of that section.",
        "It listens all the same.",
    ),
    (
        "`workspace.didChangeWatchedFiles.dynamicRegistration`",
        "The client watches the folders; with `relativePatternSupport` one pattern for each.",
        "The server watches them itself.",
    ),
    (
        "`workspace.workspaceFolders`",
        "Folders come and go.",
        "`rootUri` is the only folder.",
    ),
    (
        "`window.workDoneProgress`",
        "Indexing that takes long is shown as progress; cancelling it pauses that folder.",
        "Only the status tells.",
    ),
    (
        "`general.positionEncodings`",
        "The first that the client names is used.",
        "UTF-16.",
    ),
]

_PARTIAL = f"""\
### Partial results

With a `partialResultToken` the answer of `{Method.SEARCH.value}` comes twice: first what words alone find, as the
`value` of a `$/progress` notification with that token, within a few milliseconds whatever the model is doing; then the
whole answer as the response. The first is a [SearchResult](#searchresult) too, with `complete` false; the second takes
its place.
"""

_COMMANDS = f"""\
## Commands

Each request is a command as well, for editors that know only `workspace/executeCommand`: `{Method.SEARCH.value}` is
`{COMMAND_PREFIX}search`, with the same parameters as its only argument and the same answer.

```json
{{"command": "{COMMAND_PREFIX}search", "arguments": [{{"query": "where is the lock released"}}]}}
```

No argument, or an empty array, stands for no parameters.

"""

_SYMBOLS = """\
## Workspace symbols

`workspace/symbol` takes a name or a question and answers as the server ranks, best first. It is not offered to editors
that filter the answer by name once more, for nothing that was found by meaning would be left; the initialization option
`workspaceSymbols` decides otherwise.
"""

_STATUS_CHANGED = """\
From the server, with a [Status](#status), whenever something in it changed: at most four times a second, and always the
last state.
"""

_ERRORS = """\
## Errors

An error has a `message` for people, with what was wrong and what would be right, and `data` for programs.

"""

_ERROR_ROWS = [
    ("-32602", "InvalidParams", "`data.fields` names each `field` that is wrong and its `problem`."),
    ("-32602", "QueryError", "The query makes no sense, for example a filter with an unknown kind. As above."),
    ("-32800", "", "The request was cancelled."),
    ("-32600", "", "No request, `initialize` a second time, or anything after `shutdown`."),
    ("-32002", "", "The request came before `initialize`."),
    ("-32601", "", "There is no such method."),
    ("-32603", "", "A fault of CodeContext itself; the server's log has the traceback."),
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
    answer = request.result.__name__
    parts = [
        f"### {method.value}\n",
        f"{request.about}\n",
        _params(request.params),
        _json({"method": method.value, "params": _dump(request.example, exclude_defaults=True)}),
        f"Answer: [{answer}](#{answer.lower()}).\n",
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
