"""The folder that training leaves: a PEFT adapter, what it came from and what it is worth.

Plain PEFT reads it; ``codecontext.json`` and ``README.md`` are additions. The folder appears in one step, complete.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field
from safetensors import SafetensorError

from codecontext.adapters import AdapterSide
from codecontext.adapters.files import MANIFEST_FILE, MAX_MANIFEST_BYTES
from codecontext.core.atomic import flush, move_into_place
from codecontext.core.errors import StoreError, TrainingError
from codecontext.core.json_file import read_json_file
from codecontext.core.private import is_ours, make_private, tighten
from codecontext.training.config import TrainingConfig
from codecontext.training.evaluation.intervals import Comparison, Interval
from codecontext.training.evaluation.metrics import MAIN_METRIC

CARD_FILE = "README.md"
LIBRARIES = ("codecontext", "torch", "transformers", "peft", "tokenizers", "safetensors")


class DataCounts(BaseModel):
    """How many pairs there were."""

    model_config = ConfigDict(frozen=True)

    train: int = Field(description="Pairs that were trained on.")
    validation: int = Field(description="Pairs that the best weights were chosen by.")
    test: int = Field(description="Pairs that the figures are from.")
    leaked: int = Field(description="Pairs left out of training because a held-out one asks the same.")
    sources: dict[str, int] = Field(description="Pairs that were trained on, by source.")
    chunks: int = Field(description="Chunks of the repository.")


class Course(BaseModel):
    """How training went."""

    model_config = ConfigDict(frozen=True)

    steps: int = Field(description="Steps that were done.")
    losses: list[float] = Field(description="Mean loss before each validation.")
    scores: list[float] = Field(description="MRR@10 by vectors on the validation pairs, at each validation.")
    base_score: float = Field(description="The same of the base model.")
    best_validation: int = Field(description="Which validation was the best, from 0.")
    stopped_early: bool = Field(description="Whether training ended before its last epoch.")
    strength: float = Field(description="How strongly the adapter acts, of what it was trained to; part of its alpha.")
    seconds: float = Field(description="How long mining, training and measuring took.")


class Metrics(BaseModel):
    """Before and after, on test pairs that were neither trained on nor chosen by."""

    model_config = ConfigDict(frozen=True)

    dense: dict[str, Comparison] = Field(description="By vectors alone, by metric.")
    search: dict[str, Comparison] = Field(description="Through the whole search, by metric.")


class TrainingRecord(BaseModel):
    """What ``codecontext.json`` of a trained adapter says."""

    model_config = ConfigDict(extra="ignore")

    name: str = Field(description="The adapter's name.")
    side: AdapterSide = Field(description="Which texts it is for.")
    base_model: str = Field(description="The base model.")
    base_fingerprint: str = Field(description="Digest of the base model's files.")
    space_id: str = Field(description="The embedding space of the documents that it was trained with.")
    created: str = Field(description="When, as ISO 8601 in UTC.")
    folder: str = Field(description="Name of the folder that it was trained on.")
    data: DataCounts = Field(description="How many pairs there were.")
    settings: TrainingConfig = Field(description="How it was trained; the seed among it.")
    course: Course = Field(description="How training went.")
    metrics: Metrics | None = Field(None, description="What it is worth.")
    versions: dict[str, str] = Field(description="Versions of the libraries.")
    trained_queries: list[str] = Field(
        default_factory=list, description="Digests of the queries trained on, so that none is ever measured with."
    )

    @property
    def search_gain(self) -> Interval | None:
        """What the whole search gained when it was trained; None where that was not measured."""
        return self.metrics.search[MAIN_METRIC].gain if self.metrics else None


def library_versions() -> dict[str, str]:
    """The versions of what training rests on."""
    return {name: found for name in LIBRARIES if (found := _version(name))}


def read_record(folder: Path) -> TrainingRecord | None:
    """The record of the adapter in ``folder``; None if CodeContext did not train it."""
    try:
        return TrainingRecord.model_validate(read_json_file(folder / MANIFEST_FILE, max_bytes=MAX_MANIFEST_BYTES))
    except (OSError, ValueError):
        return None


def write_adapter(target: Path, save_weights: Callable[[Path], None], *, replace: bool) -> None:
    """Let ``save_weights`` fill a folder, and put it at ``target`` in one step.

    Raises ``StoreError`` when the disk refuses, ``TrainingError`` when ``target`` exists and may not be replaced; in
    both cases what was there stays as it was.
    """
    check_target(target, replace=replace)
    try:
        if is_ours(target):
            make_private(target.parent)
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise _unwritable(target, error) from error
    try:
        save_weights(draft)
        if is_ours(target):
            tighten(draft)
        else:
            draft.chmod(0o755)
        _put(draft, target)
    except (OSError, SafetensorError) as error:
        raise _unwritable(target, error) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def check_target(target: Path, *, replace: bool) -> None:
    """Raise ``TrainingError`` if there is something at ``target`` that must not be replaced."""
    if target.exists() and not replace:
        raise TrainingError(
            f"There is an adapter {target} already.", "Choose another --name, or replace it with --replace."
        )
    if target.exists() and not (target / MANIFEST_FILE).is_file():
        raise TrainingError(f"{target} is not an adapter that CodeContext trained.", "Choose another --name.")


def write_record(folder: Path, record: TrainingRecord) -> None:
    """Write ``codecontext.json``. Raises ``OSError``."""
    (folder / MANIFEST_FILE).write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")


def _put(draft: Path, target: Path) -> None:
    """Rename ``draft`` to ``target``; what was there is moved aside first and removed last."""
    flush(draft)  # so that there is no adapter at the target for as short as possible
    aside = None
    if target.exists():
        aside = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent)) / target.name
        target.rename(aside)
    try:
        move_into_place(draft, target)
    except OSError:
        if aside is not None:
            aside.rename(target)
        raise
    if aside is not None:
        shutil.rmtree(aside.parent, ignore_errors=True)


def _unwritable(target: Path, error: Exception) -> StoreError:
    reason = getattr(error, "strerror", None) or str(error)
    return StoreError(f"The adapter cannot be written to {target}: {reason}.", "Free some space or name another place.")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
