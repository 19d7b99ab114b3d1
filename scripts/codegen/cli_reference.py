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
from codecontext.training.release.promotion import Promotion
from codecontext.training.trainer import TrainingReport
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
"""Where an option makes a command do something else: the option, and what is printed then."""

SPEAKS_A_PROTOCOL = "codecontext serve"
"""The one command whose stdout is not for people."""

_INTRODUCTION = """\
<!-- Written by `make codegen`; edit the help texts and models in the code instead. -->

# Command line

```console
$ codecontext index                              # this folder, once; afterwards only what changed
$ codecontext search where is the lock released
$ codecontext search "retry lang:python -path:tests" --limit 3
$ codecontext similar src/app.py:42
$ codecontext adapter train                      # teach it this project's vocabulary
```

Results go to stdout. Progress, log lines, labels and errors go to stderr, so `> file` and `| less` get the
answer alone. On a terminal the answer is coloured and its places are links; in a pipe it is plain text with
whole lines. `NO_COLOR` turns colours off, `FORCE_COLOR` turns them on.

**Which folder.** `index` takes the folder that it is given, or the current one. `search` works anywhere
inside: it takes the nearest folder upwards that has an index, else the git repository, else the current
folder; `similar` does the same from the file that it is given. `status`, `doctor` and `config` follow that
rule where no folder is named. Printed paths count from the current folder.

**Filters.** A query may hold `lang:`, `path:` and `kind:`, as in `lock lang:go,rust path:src/** -path:tests`; a minus
before one leaves out what it names. Several values are separated by commas, one of several has to fit; a value with
spaces or commas stands in quotation marks. `--lang`, `--path` and `--kind` take one value each, with `!` for the minus.

* `lang:` takes the name of a language or the ending of its files.
* `path:` takes a piece of a path (`auth`), or a glob: `*` and `?` stop at `/`, `**` does not, `{js,ts}` is either,
  `[a-z]` and `[!a-z]` are one character. A glob fits from the folder or from any folder below it, and everything inside
  a folder that it names; `/src` is tied to the folder. Case makes no difference.
* The name of a file or folder that there is means just that: `path:app/[slug]/page.tsx` needs no escapes. Elsewhere a
  backslash takes the next special character as it is: `path:\\[draft\\]*`.

**Old indexes.** `codecontext index --prune` removes the indexes of folders that are gone, with the training state and
the logged searches of those folders. A folder counts as gone only where the one that held it is there and not empty, so
that a drive that is not mounted costs nothing; what is kept is said.

**Stopping.** The first Ctrl-C lets `index` finish the batch at hand and keeps everything done: the index can
be used, and the next run goes on from there. The second one stops at once; at most that batch is lost.

`adapter train` keeps its state in the same way: the same command goes on from where it was stopped, to the same end.

**Progress for programs.** `adapter train`, `evaluate`, `use` and `pairs` take `--progress json`: each line on stderr
that begins with `{` is then one event, all others are log lines.

```json
{"event": "progress", "stage": "training", "done": 120, "total": 400, "detail": "loss 2.1, …", "loss": 2.1,
 "score": 0.48, "best_score": 0.48, "base_score": 0.44, "eta_seconds": 35.0}
```

`total` is 0 while it is unknown, `eta_seconds` null. The stages are `reading`, `scanning`, `loading model`,
`embedding`, `training`, `choosing strength N` and `asking NAME`; new ones may come. `loss` and the scores (MRR@10 by
vectors on the validation pairs, now, best so far, and of the base model) are there while training. One SIGINT stops at
a safe point.

**Logging.** `index` logs from level `info`. The other commands log only if the setting `logging.level` is
given: what is wrong is part of their answer. `codecontext --debug COMMAND` logs everything, with the traceback
of an error.

**Completion.** `codecontext --install-completion` teaches your shell the commands and options,
`codecontext --show-completion` prints what it would install.

## JSON

With `--json` stdout has one JSON document and nothing else; the fields are listed with each command. Fields
may be added; none is renamed or removed without a note in the changelog. An error is JSON too, with the exit
code as below:

```json
{
  "error": {
    "code": "index-not-ready",
    "message": "The folder ~/shop has no index yet.",
    "hint": "Run: codecontext index ~/shop"
  }
}
```

Arguments that cannot be understood at all are reported on stderr, and stdout stays empty.

## Exit codes
"""

_OTHER_EXIT_CODES = [
    (0, "Done.", ""),
    (NOTHING_FOUND, "`search` or `similar` found nothing; stderr says why.", ""),
    (FAULT_FOUND, "`doctor` found an error.", ""),
    (2, "The arguments cannot be understood.", ""),
    (INTERNAL_ERROR, "A fault of CodeContext itself.", ""),
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
    """Table of the fields, or where another command has the same."""
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
