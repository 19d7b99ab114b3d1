"""The base of every message: what engine, service, language server and ``--json`` output exchange as JSON."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from codecontext.core.printable import printable, printable_lines

Sentence = Annotated[str, AfterValidator(printable_lines)]
"""Written for people and shown as it is; it may quote names and text from elsewhere."""
Name = Annotated[str, AfterValidator(printable)]
"""Shown as it is, on one line."""


class Message(BaseModel):
    """Field names are snake_case in Python and ``--json``, camelCase (the alias) in LSP; unknown fields are refused."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)
