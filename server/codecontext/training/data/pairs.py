"""Pairs of a query and the code that answers it, and the file that holds them (docs/training.md)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from codecontext.core.atomic import write_file
from codecontext.core.errors import StoreError, TrainingError
from codecontext.core.hashing import content_digest
from codecontext.core.reading import read_text_file
from codecontext.core.terms import lexical_terms

_PLACE = re.compile(r"(?P<path>.+?)(?::(?P<first>\d+)(?:-(?P<last>\d+))?)?")
_KEY_LENGTH = 12
_LAST_LINE = 10_000_000

OWN = "own"
"""Source of pairs that a person wrote."""


class _Lines(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = Field(min_length=1, description="Relative to the folder, with '/'.")
    start_line: int = Field(1, ge=1, description="First line, from 1.")
    end_line: int = Field(_LAST_LINE, ge=1, description="Last line, inclusive. Without it: to the end of the file.")

    @model_validator(mode="after")
    def _lines_are_in_order(self) -> Self:
        if self.end_line < self.start_line:
            raise ValueError(f"end_line is {self.end_line}, before start_line {self.start_line}")
        return self


class CodeSpan(_Lines):
    """Code that answers a query."""

    name: str = Field("", description="What it is called, for people.")


class HiddenText(_Lines):
    """Text that contains the query, hidden while the code is trained on or measured with."""

    text: str | None = Field(None, description="Hide only this text on these lines. Without it: the whole lines.")


class Pair(BaseModel):
    """A query and the code that answers it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query: str = Field(min_length=1, description="What somebody might type.")
    code: tuple[CodeSpan, ...] = Field(
        min_length=1, description="What answers it: objects, or text as `path`, `path:line` or `path:first-last`."
    )
    source: str = Field(OWN, min_length=1, description="Where the pair comes from.")
    weight: float = Field(1.0, gt=0, le=10, description="How much it counts in training.")
    hidden: tuple[HiddenText, ...] = Field((), description="What is hidden because it contains the query.")
    time: int | None = Field(None, description="When it was made, in seconds since 1970; for commits.")

    @field_validator("code", mode="before")
    @classmethod
    def _read_places(cls, value: Any) -> Any:
        values = [value] if isinstance(value, str | dict) else value
        return [_place(item) if isinstance(item, str) else item for item in values] if values else values

    @field_validator("query")
    @classmethod
    def _has_words(cls, value: str) -> str:
        text = " ".join(value.split())
        if not lexical_terms(text):
            raise ValueError("the query has no letters or digits")
        return text

    @property
    def key(self) -> str:
        """Digest of the query's words, the same for pairs with the same query."""
        return query_key(self.query)


class SourceCount(BaseModel):
    """How many pairs one source gave."""

    source: str = Field(description="Where the pairs come from.")
    pairs: int = Field(description="Pairs that are kept.")
    left_out: dict[str, int] = Field(description="Pairs that are left out, by reason.")


def query_key(query: str) -> str:
    """Digest of a query's words, whatever their case and punctuation."""
    return content_digest(" ".join(lexical_terms(query)))[:_KEY_LENGTH]


MAX_PAIRS_BYTES = 500_000_000
"""Largest file of pairs; a pair takes a few hundred bytes."""


def read_pairs(path: Path) -> list[Pair]:
    """The pairs in a JSON Lines file; blank lines and lines that begin with ``#`` or ``//`` are skipped.

    Raises ``TrainingError`` that names the line that cannot be read.
    """
    try:
        text = read_text_file(path, max_bytes=MAX_PAIRS_BYTES)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise TrainingError(f"The pairs file {path} cannot be read: {reason}.", "Pass a JSON Lines file.") from error
    pairs = [
        _parse(line, f"{path}:{number}")
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.lstrip().startswith(("#", "//"))
    ]
    if not pairs:
        raise TrainingError(
            f"The pairs file {path} contains no pairs.",
            "Write one JSON object per line; see docs/training.md.",
        )
    return pairs


def write_pairs(path: Path, pairs: Iterable[Pair]) -> None:
    """Write ``pairs`` in one step. Raises ``StoreError``."""
    lines = (pair.model_dump_json(exclude_defaults=True) + "\n" for pair in pairs)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, "".join(lines))
    except OSError as error:
        raise StoreError(f"The pairs cannot be written to {path}: {error.strerror}.", "Choose another file.") from error


def without_keys(pairs: Sequence[Pair], keys: Iterable[str]) -> list[Pair]:
    """``pairs`` without those whose query has one of these keys."""
    left_out = set(keys)
    return [pair for pair in pairs if pair.key not in left_out]


def _parse(line: str, place: str) -> Pair:
    try:
        return Pair.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        what = first["msg"].removeprefix("Value error, ")
        raise TrainingError(
            f"{place}: {f'{where}: ' if where else ''}{what}.",
            'A pair is {"query": "…", "code": "path:first-last"}; docs/training.md lists the fields.',
        ) from error


def _place(text: str) -> dict[str, Any]:
    match = _PLACE.fullmatch(text.strip())
    if match is None:
        raise ValueError("write a place as path, path:line or path:first-last")
    span: dict[str, Any] = {"path": match["path"]}
    if match["first"]:
        span |= {"start_line": int(match["first"]), "end_line": int(match["last"] or match["first"])}
    return span
