"""The settings as a flat list of dotted keys, derived from the pydantic models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from codecontext.config.settings import ENV_DELIMITER, ENV_PREFIX, Settings

_TYPE_NAMES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "null": "unset",
}


@dataclass(frozen=True, slots=True)
class SettingDoc:
    """One setting, for people: ``default`` is a JSON value; ``type`` is a description, with the allowed values.

    ``schema`` is ``type`` as JSON Schema, for editors. A ``user_only`` setting is never taken from a project file, a
    ``trusted_only`` one not in a folder that is not trusted; the first implies the second.
    """

    key: str
    type: str
    default: Any
    description: str
    env_var: str
    trusted_only: bool
    user_only: bool
    schema: dict[str, Any] = field(hash=False, compare=False)


@dataclass(frozen=True, slots=True)
class SettingRule:
    """A setting by its key, and who may decide it; see ``SettingDoc``."""

    key: str
    trusted_only: bool
    user_only: bool


@cache
def setting_rules() -> tuple[SettingRule, ...]:
    """Every setting, in the order in which the models declare them. Takes a fraction of ``describe_settings``."""
    return tuple(
        SettingRule(key, trusted_only or _is_marked(info, "user_only"), _is_marked(info, "user_only"))
        for key, info, trusted_only in _leaves(Settings, "", trusted_only=False)
    )


@cache
def describe_settings() -> tuple[SettingDoc, ...]:
    """Every setting, in the order in which the models declare them."""
    return tuple(
        SettingDoc(
            key=key,
            type=_schema_in_words(_schema(info)),
            default=TypeAdapter(Any).dump_python(info.get_default(call_default_factory=True), mode="json"),
            description=info.description or "",
            env_var=ENV_PREFIX + key.upper().replace(".", ENV_DELIMITER),
            trusted_only=rule.trusted_only,
            user_only=rule.user_only,
            schema=_schema(info),
        )
        for rule, (key, info, _) in zip(setting_rules(), _leaves(Settings, "", trusted_only=False), strict=True)
    )


@cache
def setting_keys() -> frozenset[str]:
    """Dotted keys of all settings."""
    return frozenset(rule.key for rule in setting_rules())


@cache
def section_keys() -> frozenset[str]:
    """Dotted keys of all groups of settings: ``embeddings``, ``embeddings.huggingface``."""
    return frozenset(
        ".".join(parts[:length])
        for parts in (key.split(".") for key in setting_keys())
        for length in range(1, len(parts))
    )


def _leaves(model: type[BaseModel], prefix: str, *, trusted_only: bool) -> Iterator[tuple[str, FieldInfo, bool]]:
    for name, info in model.model_fields.items():
        restricted = trusted_only or _is_marked(info, "trusted_only")
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from _leaves(info.annotation, f"{prefix}{name}.", trusted_only=restricted)
        else:
            yield prefix + name, info, restricted


def _is_marked(info: FieldInfo, mark: str) -> bool:
    return isinstance(info.json_schema_extra, dict) and bool(info.json_schema_extra.get(mark))


def _schema(info: FieldInfo) -> dict[str, Any]:
    annotation: Any = info.annotation
    return TypeAdapter(Annotated[annotation, info]).json_schema()


def _schema_in_words(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        *others, last = (_schema_in_words(option) for option in schema["anyOf"])
        return f"{', '.join(others)}{',' if ',' in others[-1] else ''} or {last}"
    if "const" in schema or "enum" in schema:
        return ", ".join(json.dumps(value) for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {_schema_in_words(schema['items'])}"
    if schema.get("type") == "object":
        return f"table of {_schema_in_words(schema['additionalProperties'])}"
    return _TYPE_NAMES[schema["type"]] + _limits_in_words(schema)


def _limits_in_words(schema: dict[str, Any]) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        return f", {least} to {most}"
    return f", at least {least}" if least is not None else f", at most {most}" if most is not None else ""
