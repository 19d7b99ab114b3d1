"""Which models a model holds, and their fields."""

from __future__ import annotations

from enum import StrEnum
from inspect import isclass
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import ComputedFieldInfo, FieldInfo


def reachable(*roots: type[BaseModel]) -> list[type[BaseModel] | type[StrEnum]]:
    """These models and all models and enumerations that they hold, each after those it holds itself."""
    found: dict[type[BaseModel] | type[StrEnum], None] = {}

    def visit(annotation: Any) -> None:
        if isclass(annotation) and issubclass(annotation, BaseModel) and annotation not in found:
            for field in fields_of(annotation).values():
                visit(type_of(field))
            found[annotation] = None
        elif isclass(annotation) and issubclass(annotation, StrEnum):
            found.setdefault(annotation)
        for argument in get_args(annotation):
            visit(argument)

    for root in roots:
        visit(root)
    return list(found)


def fields_of(model: type[BaseModel]) -> dict[str, FieldInfo | ComputedFieldInfo]:
    """Every field that a model is sent with, also those that are derived from others."""
    return {**model.model_fields, **model.model_computed_fields}


def type_of(field: FieldInfo | ComputedFieldInfo) -> Any:
    """The annotation of a field."""
    return field.annotation if isinstance(field, FieldInfo) else field.return_type
