"""Describes what is wrong with a setting: one sentence with place, key, value and what would be right."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from codecontext.config.sources import Keys, SettingsSource, lookup
from codecontext.config.tree import section_keys, setting_keys

_LONGEST_VALUE = 80


def describe_errors(error: ValidationError, sources: Sequence[SettingsSource]) -> str:
    """All errors of one validation, one line each."""
    return "\n".join(dict.fromkeys(_sentence(detail, sources) for detail in error.errors()))


def _sentence(detail: ErrorDetails, sources: Sequence[SettingsSource]) -> str:
    is_unknown = detail["type"] == "extra_forbidden"
    location = tuple(str(part) for part in detail["loc"])
    keys = location if is_unknown else _known(location)
    source = next((source for source in sources if lookup(source(), keys)[0]), None)
    place = source.where(keys) if source else "settings"
    if is_unknown:
        return _unknown(keys, detail["input"], place)
    subject = f"{place}: {'.'.join(keys)}{_shown(detail['input'])}"
    if detail["type"] == "value_error":
        return f"{subject}: {detail['ctx']['error']}"
    in_json = source is not None and source.kind == "environment"
    return f"{subject} {_expectation(detail, in_json=in_json)}."


def _unknown(keys: Keys, value: Any, place: str) -> str:
    key = ".".join(keys)
    nearest = nearest_key(key)
    advice = f"did you mean {nearest}?" if nearest else "`codecontext config show` lists all settings."
    return f"{place}: unknown setting {key}{_shown(value)}; {advice}"


def nearest_key(key: str) -> str | None:
    """The known setting or section that ``key`` most likely stands for: by whole key, else by its last part."""
    known = sorted(setting_keys() | section_keys())
    whole = get_close_matches(key, known, n=1, cutoff=0.75)
    if whole:
        return whole[0]
    by_name = {candidate.rpartition(".")[2]: candidate for candidate in reversed(known)}
    named = get_close_matches(key.rpartition(".")[2], by_name, n=1, cutoff=0.6)
    return by_name[named[0]] if named else None


def _known(keys: Keys) -> Keys:
    """The part of ``keys`` that names a setting or section; pydantic appends positions and union members."""
    for length in range(len(keys), 0, -1):
        if ".".join(keys[:length]) in setting_keys() | section_keys():
            return keys[:length]
    return keys


def _shown(value: Any) -> str:
    """`` = value`` as JSON, shortened; empty for sections and unset values."""
    if isinstance(value, Mapping) or value is None:
        return ""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return f" = {text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + '…'}"


def _expectation(detail: ErrorDetails, *, in_json: bool) -> str:
    """Pydantic's own message from "should" on, except where it is about Python classes."""
    if detail["type"] in ("model_type", "model_attributes_type"):
        return "should be a section that contains settings"
    if detail["type"] in ("list_type", "tuple_type", "dict_type"):
        shape = "table" if detail["type"] == "dict_type" else "list"
        example = '{"name": "text"}' if shape == "table" else '["one", "two"]'
        return f"should be a {shape}" + (f" in JSON, such as {example}" if in_json else "")
    message = detail["msg"]
    return message[message.index("should") :] if "should" in message else f"is invalid: {message}"
