"""The command-line reference, ``docs/cli.md``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer
from pydantic import BaseModel

from codecontext.adapters import AdapterInfo
from codecontext.cli.adapter.export import ExportOutput
from codecontext.cli.adapter.list import AdapterListOutput
from codecontext.cli.adapter.pairs import PairsOutput
from codecontext.cli.app import app
from codecontext.cli.config import ConfigPathOutput, ConfigShowOutput, ConfigValidateOutput
from codecontext.cli.errors import FAULT_FOUND, INTERNAL_ERROR, INTERRUPTED, NOTHING_FOUND
from codecontext.cli.hits import SearchOutput
from codecontext.cli.version import VersionOutput
from codecontext.core.errors import CodeContextError
from codecontext.engine.doctor import DoctorReport
from codecontext.engine.folder_state import FolderDetails
from codecontext.engine.prune import PruneReport
from codecontext.indexing.report import IndexReport
from codecontext.training.evaluation.results import Evaluation
from codecontext.training.release.artifact import TrainingReport
from codecontext.training.release.promotion import Promotion
from scripts.codegen.markdown import table

JSON_RESULTS: dict[str, type[BaseModel]] = {
    "codecontext index": IndexReport,
    "codecontext search": SearchOutput,
    "codecontext similar": SearchOutput,
    "codecontext status": FolderDetails,
    "codecontext doctor": DoctorReport,
    "codecontext version": VersionOutput,
    "codecontext config show": ConfigShowOutput,
    "codecontext config validate": ConfigValidateOutput,
    "codecontext config path": ConfigPathOutput,
    "codecontext adapter train": TrainingReport,
    "codecontext adapter evaluate": Evaluation,
    "codecontext adapter use": Promotion,
    "codecontext adapter list": AdapterListOutput,
    "codecontext adapter inspect": AdapterInfo,
    "codecontext adapter pairs": PairsOutput,
    "codecontext adapter export": ExportOutput,
}
"""What each command prints with ``--json``."""

OTHER_JSON_RESULTS: dict[str, tuple[str, type[BaseModel]]] = {"codecontext index": ("--prune", PruneReport)}
"""Commands that an option turns into something else: the option, and what is printed then."""

SPEAKS_A_PROTOCOL = "codecontext serve"
"""The only command without ``--json``: its stdout is a protocol."""

_INTRODUCTION = """\
<!-- Written by `make codegen`; edit the help texts and models in the code instead. -->

# Command line

```console
$ codecontext index                              # index this folder; later runs read only what changed
$ codecontext search where is the lock released
$ codecontext search "retry lang:python -path:tests" --limit 3
$ codecontext similar src/app.py:42
$ codecontext adapter train                      # learn this project's vocabulary
```

Results go to stdout. Progress, log lines, labels and errors go to stderr, so `> file` and `| less` receive only the
results. On a terminal the output is coloured and locations are links; in a pipe it is plain text with whole lines.
`NO_COLOR` turns colours off, `FORCE_COLOR` turns them on.

**Which folder.** `index` takes the given folder, or the current directory. The other commands default to the project
that contains the current directory: the nearest indexed folder at or above it, else the git repository, else the
current directory itself. `similar` starts from the given file instead. `search` and `similar` need an index. Printed
paths are relative to the current directory.

**Filters.** A query may contain `lang:`, `path:` and `kind:`, as in `lock lang:go,rust path:src/** -path:tests`; a
leading minus excludes what the filter matches. Separate several values with commas; a hit has to match one of them. Put
a value that contains spaces or commas in quotation marks. `--lang`, `--path` and `--kind` take one value each, with `!`
instead of the minus.

* `lang:` takes the name of a language or a file extension.
* `path:` takes part of a path (`auth`) or a glob: `*` and `?` stop at `/`, `**` does not, `{js,ts}` matches either,
  `[a-z]` and `[!a-z]` match one character. A glob matches from the project folder or any folder below it, and includes
  everything inside a folder that it matches; `/src` matches from the project folder only. Case is ignored.
* The name of an existing file or folder is taken literally: `path:app/[slug]/page.tsx` needs no escapes. Elsewhere a
  backslash escapes the next special character: `path:\\[draft\\]*`.

**Old indexes.** `codecontext index --prune` removes the indexes of deleted folders, together with their training state
and logged searches. A folder counts as deleted only if its parent exists and is not empty, so an unmounted drive loses
nothing; what is kept is listed.

**Stopping.** The first Ctrl-C lets `index` finish the current batch and keeps everything done so far: the index is
usable, and the next run resumes from there. The second one stops immediately and loses that batch at most.

`adapter train` saves its state in the same way: run the same command again to resume, with the same result in the end.

**Progress for programs.** `adapter train`, `evaluate`, `use` and `pairs` take `--progress json`: each line on stderr
that begins with `{` is then one event, all others are log lines.

```json
{"event": "progress", "stage": "training", "done": 120, "total": 400, "detail": "loss 2.1, …", "loss": 2.1,
 "score": 0.48, "best_score": 0.48, "base_score": 0.44, "eta_seconds": 35.0}
```

While they are unknown, `total` is 0 and `eta_seconds` is null. The stages are `reading`, `scanning`, `loading model`,
`embedding`, `training`, `choosing strength N` and `asking NAME`; more may be added. `loss` and the scores (MRR@10
on the validation pairs, by vectors alone: current, best so far, and of the base model) appear during training. One
SIGINT stops at a safe point.

**Logging.** `index` logs from level `info`. The other commands log only if the setting `logging.level` is given,
because their output already reports problems. `codecontext --debug COMMAND` logs everything, with the traceback of an
error.

**Completion.** `codecontext --install-completion` installs completion of commands and options for your shell;
`codecontext --show-completion` prints what it would install.

## JSON

With `--json`, stdout contains exactly one JSON document; its fields are listed with each command. New fields may be
added; none is renamed or removed without a note in the changelog. Errors are JSON too, with the exit codes below:

```json
{
  "error": {
    "code": "index-not-ready",
    "message": "The folder ~/shop has no index yet.",
    "hint": "Run: codecontext index ~/shop"
  }
}
```

Invalid arguments are reported on stderr, and stdout stays empty.

## Exit codes
"""

_OTHER_EXIT_CODES = [
    (0, "Done.", ""),
    (NOTHING_FOUND, "`search` or `similar` found nothing; stderr says why.", ""),
    (FAULT_FOUND, "`doctor` found an error.", ""),
    (2, "Invalid arguments.", ""),
    (INTERNAL_ERROR, "A bug in CodeContext.", ""),
    (INTERRUPTED, "Stopped with Ctrl-C.", ""),
]


def render_reference() -> str:
    """The reference in Markdown."""
    parts = [
        _INTRODUCTION,
        table(("Exit code", "Meaning", "`error.code`"), _exit_codes()),
        "\n## Commands\n",
    ]
    parts += [_section(name, command) for name, command in commands()]
    return "\n".join(parts)


def commands() -> Iterator[tuple[str, Any]]:
    """Every command with its full name, in the order of the help."""
    yield from _leaves("codecontext", typer.main.get_command(app))


def _leaves(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield name, command
        return
    for child in children.values():
        yield from _leaves(f"{name} {child.name}", child)


def _exit_codes() -> Iterator[tuple[str, str, str]]:
    errors = [
        (error.exit_code, (error.__doc__ or "").partition("\n")[0], f"`{error.code}`")
        for error in CodeContextError.__subclasses__()
    ]
    for code, meaning, name in sorted([*_OTHER_EXIT_CODES, *errors], key=lambda row: row[0]):
        yield str(code), meaning, name


def _section(name: str, command: Any) -> str:
    usage = " ".join([name, *command.collect_usage_pieces(typer.Context(command, info_name=name))])
    options = [(_spelling(param), param.help) for param in command.params if param.name != "help"]
    parts = [
        f"### {name}\n",
        f"{command.help}\n",
        f"```console\n$ {usage}\n```\n",
        table(("Argument", "Meaning"), options),
        _json_result(name),
    ]
    return "\n".join(parts)


def _json_result(name: str) -> str:
    """Table of the fields, or a reference to the command that prints the same."""
    if name == SPEAKS_A_PROTOCOL:
        return ""
    result = JSON_RESULTS[name]
    first = next(other for other, model in JSON_RESULTS.items() if model is result)
    if first != name:
        return f"The JSON fields are those of `{first}`.\n"
    fields = table(("JSON field", "Type", "Meaning"), _fields(result))
    if name not in OTHER_JSON_RESULTS:
        return fields
    option, other = OTHER_JSON_RESULTS[name]
    return fields + "\n" + table((f"JSON field with `{option}`", "Type", "Meaning"), _fields(other))


def _spelling(param: Any) -> str:
    """``--limit N``, or the name of an argument."""
    if param.param_type_name == "argument":
        return f"`{param.metavar}`"
    value = f" {param.metavar}" if param.metavar else ""
    return ", ".join(f"`{spelling}{value}`" for spelling in param.opts)


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, str, str]]:
    """Every field of a model as it is printed, those of nested objects by dotted name."""
    schema = model.model_json_schema(by_alias=False, mode="serialization")
    yield from _object_fields(schema, schema.get("$defs", {}), "")


def _object_fields(schema: dict[str, Any], definitions: dict[str, Any], prefix: str) -> Iterator[tuple[str, str, str]]:
    for name, given in schema["properties"].items():
        value = _resolved(_without_null(given), definitions)
        item = _resolved(value.get("items", {}), definitions)
        optional = " or null" if value.get("properties") and "anyOf" in given else ""
        yield f"`{prefix}{name}`", _type(value, item) + optional, given.get("description", "")
        if "properties" in value:
            yield from _object_fields(value, definitions, f"{prefix}{name}.")
        if "properties" in item:
            yield from _object_fields(item, definitions, f"{prefix}{name}[].")


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """The object behind an optional one; anything else as it is."""
    references = [option for option in schema.get("anyOf", []) if "$ref" in option]
    return references[0] if len(references) == 1 else schema


def _resolved(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    return definitions[reference.rpartition("/")[2]] if reference else schema


def _type(schema: dict[str, Any], item: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_type(option, {}) for option in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f'"{value}"' for value in schema["enum"])
    if schema.get("type") == "array":
        return f"array of {_type(item, {})}"
    return str(schema.get("type", "any"))
