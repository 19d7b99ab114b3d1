"""What a kind of encoder says about itself, so that a graph can be made of its weights and adapters be laid onto it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from codecontext.adapters.files import shown
from codecontext.embeddings.openvino.graph import EncoderGraph, Node

LayerCount = Annotated[int, Field(ge=1, le=1_000)]
"""Models have a dozen to a hundred layers; a damaged configuration may say anything."""


class UnknownArchitecture(Exception):
    """No graph can be made of a model; the message says which of its properties is not known here."""


class Architecture(BaseModel, ABC):
    """The fields of ``config.json`` that decide what an encoder computes, each with the values that are known here.

    Defaults are transformers', which leaves out of the file what equals them.
    """

    # A process loads one kind of model, so the validators of the others are never built.
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    prefix: ClassVar[str]
    """What stands before the names of weights that were saved with a head."""
    tables: ClassVar[frozenset[str]]
    """The modules that are embeddings; all others are linear or normalise."""

    quantization_config: None = None

    @abstractmethod
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name → shape of every weight that vectors depend on, named as transformers names them."""

    def unused_modules(self) -> dict[str, tuple[int, ...]]:
        """Module → shape of its weight, of those that transformers' model has and no vector depends on."""
        return {}

    @abstractmethod
    def hidden_states(self, graph: EncoderGraph) -> Node:
        """The last hidden states, shape (batch, tokens, hidden)."""


def parse(kind: type[Architecture], config: Mapping[str, Any]) -> Architecture:
    """``config.json`` as an encoder of this kind. Raises ``UnknownArchitecture`` for what is not known here."""
    try:
        return kind.model_validate(config)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"]))
        said = f"{field} is {shown(first['input'])}" if field else first["msg"].removeprefix("Value error, ")
        raise UnknownArchitecture(f"{said} in config.json") from error


def linear_shapes(module: str, rows: int, columns: int) -> dict[str, tuple[int, ...]]:
    """The weight and the bias of a linear module."""
    return {f"{module}.weight": (rows, columns), f"{module}.bias": (rows,)}
