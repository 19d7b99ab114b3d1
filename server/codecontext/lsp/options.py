"""The initialization options, each read by itself: an invalid one does not affect the others.

Trust fails closed: if the option cannot be read, the project is not trusted.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from codecontext.lsp.errors import short
from codecontext.lsp.protocol import InitializationOptions

_TRUST = "trusted"
_KEPT_UNTRUSTED = "The project counts as untrusted until that is true or false."


def read_options(said: Any) -> tuple[InitializationOptions, list[str]]:
    """The options that an editor sent, and a sentence for each that was ignored.

    None, and an empty array, which is how Lua writes an empty object, mean no options.
    """
    if said is None or said == []:
        return InitializationOptions(), []
    if not isinstance(said, dict):
        problem = f"The initialization options must be an object, not {_shown(said)}. {_KEPT_UNTRUSTED}"
        return InitializationOptions(trusted=False), [problem]
    sound: dict[str, Any] = {}
    problems: list[str] = []
    for field, info in InitializationOptions.model_fields.items():
        name = info.alias or field
        value = next((said[spelling] for spelling in (name, field) if spelling in said), None)
        if name != _TRUST and (value is None or value == []):
            continue
        if name == _TRUST and name not in said:
            continue
        try:
            InitializationOptions.model_validate({name: value}, strict=True)
        except ValidationError as error:
            problems.append(_problem(name, value, error))
        else:
            sound[name] = value
    if _TRUST not in sound and (about_trust := [name for name in said if _TRUST[:-2] in name.lower()]):
        sound[_TRUST] = False
        problems += [
            f"The initialization option {short(name)} is unknown; did you mean {_TRUST}? {_KEPT_UNTRUSTED}"
            for name in about_trust
            if name != _TRUST
        ]
    return InitializationOptions.model_validate(sound), problems


def _problem(name: str, value: Any, error: ValidationError) -> str:
    wanted = error.errors()[0]["msg"]
    said = f"The initialization option {name} is ignored: {wanted[:1].lower()}{wanted[1:]}, not {_shown(value)}."
    return f"{said} {_KEPT_UNTRUSTED}" if name == _TRUST else said


def _shown(value: Any) -> str:
    return short(json.dumps(value))
