"""The messages as TypeScript types, ``vscode-client/src/protocol.ts``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import StrEnum
from inspect import isclass
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from codecontext.chunking.languages import LANGUAGES
from codecontext.core.chunk import ChunkKind
from codecontext.core.messages import Message
from codecontext.lsp import protocol
from codecontext.training.evaluation.results import Evaluation
from codecontext.training.release.artifact import TrainingReport
from scripts.codegen.models import fields_of, reachable, type_of

_INTRODUCTION = """\
// Written by `make codegen`; edit the Python models instead, those of messages in server/codecontext/lsp/protocol.py.
"""

_PLAIN: dict[Any, str] = {
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    NoneType: "null",
    object: "unknown",
}
_CLI_RESULTS = (TrainingReport, Evaluation)
"""What the extension reads of ``--json`` output of the command line."""
_FROM_CLIENT = ("Params", "Options")
"""Ends of the names of what the client sends; there it may leave out what has a default."""


def render_types() -> str:
    """``protocol.ts``: a constant of the method names, the values that filters take, and a type for each model."""
    languages = sorted({language.name for language in LANGUAGES})
    parts = [
        _INTRODUCTION,
        _constant("Method", {_camel(method.name): method.value for method in protocol.Method}),
        f"export const COMMAND_PREFIX = {json.dumps(protocol.COMMAND_PREFIX)};\n",
        f"export const LANGUAGES: readonly string[] = {json.dumps(languages)};\n",
        f"export const KINDS: readonly string[] = {json.dumps([kind.value for kind in ChunkKind])};\n",
    ]
    for value in reachable(*_messages(), *_CLI_RESULTS):
        if issubclass(value, StrEnum):
            parts.append(f"{_comment(value.__doc__)}export type {value.__name__} = {_union(list(value))};\n")
        else:
            parts.append(_interface(value))
    return "\n".join(parts)


def _messages() -> Iterator[type[Message]]:
    """Every message that the protocol declares itself."""
    for value in vars(protocol).values():
        if isclass(value) and issubclass(value, Message) and value.__module__ == protocol.__name__:
            yield value


def _interface(model: type[BaseModel]) -> str:
    from_client = model.__name__.endswith(_FROM_CLIENT)
    lines = []
    for name, field in fields_of(model).items():
        mark = "?" if from_client and isinstance(field, FieldInfo) and not field.is_required() else ""
        lines.append(_comment(field.description, "  ") + f"  {field.alias or name}{mark}: {_type(type_of(field))};\n")
    body = f"{{\n{''.join(lines)}}}" if lines else "Record<string, never>;"
    kind = "interface" if lines else "type"
    return f"{_comment(model.__doc__)}export {kind} {model.__name__} {'' if lines else '= '}{body}\n"


def _type(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(arguments[0])
    if origin in (Union, UnionType):
        return " | ".join(_type(argument) for argument in arguments)
    if origin in (list, tuple):
        inner = _type(arguments[0])
        return f"({inner})[]" if " " in inner else f"{inner}[]"
    if origin is dict:
        return f"Record<{_type(arguments[0])}, {_type(arguments[1])}>"
    return _PLAIN.get(annotation) or annotation.__name__


def _union(values: list[StrEnum]) -> str:
    return " | ".join(json.dumps(value.value) for value in values)


def _constant(name: str, values: dict[str, str]) -> str:
    rows = "".join(f"  {key}: {json.dumps(value)},\n" for key, value in values.items())
    return f"export const {name} = {{\n{rows}}} as const;\n"


def _comment(text: str | None, indent: str = "") -> str:
    words = " ".join((text or "").split()).replace("*/", "*\\/")
    return f"{indent}/** {words} */\n" if words else ""


def _camel(name: str) -> str:
    first, *rest = name.lower().split("_")
    return first + "".join(part.capitalize() for part in rest)
