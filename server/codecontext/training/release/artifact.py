"""The folder that training writes: a PEFT adapter, its training record and its metrics.

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
from codecontext.training.data.pairs import SourceCount
from codecontext.training.evaluation.results import MAIN_METRIC, Comparison, Interval, QuerySet

CARD_FILE = "README.md"
LIBRARIES = ("codecontext", "torch", "transformers", "peft", "tokenizers", "safetensors")


class DataCounts(BaseModel):
    """How many pairs there were."""

    model_config = ConfigDict(frozen=True)

    train: int = Field(description="Pairs that were trained on.")
    validation: int = Field(description="Pairs used to choose the best weights.")
    test: int = Field(description="Pairs that the metrics were measured on.")
    leaked: int = Field(description="Pairs left out because a held-out pair has the same query.")
    sources: dict[str, int] = Field(description="Pairs that were trained on, by source.")
    chunks: int = Field(description="Chunks of the repository.")


class Course(BaseModel):
    """How training went."""

    model_config = ConfigDict(frozen=True)

    steps: int = Field(description="Training steps done.")
    losses: list[float] = Field(description="Mean loss before each validation.")
    scores: list[float] = Field(description="MRR@10 by vectors on the validation pairs, at each validation.")
    base_score: float = Field(description="The same for the base model.")
    best_validation: int = Field(description="The validation with the chosen weights, from 0.")
    stopped_early: bool = Field(description="Whether training ended before its last epoch.")
    strength: float = Field(description="Factor by which the trained adapter is scaled; included in its alpha.")
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
    settings: TrainingConfig = Field(description="How it was trained, including the seed.")
    course: Course = Field(description="How training went.")
    metrics: Metrics | None = Field(None, description="How base model and adapter compare.")
    versions: dict[str, str] = Field(description="Versions of the libraries.")
    trained_queries: list[str] = Field(
        default_factory=list, description="Digests of the training queries, so that none is used for measuring."
    )

    @property
    def search_gain(self) -> Interval | None:
        """Gain of the whole search, measured when it was trained; None where it was not."""
        return self.metrics.search[MAIN_METRIC].gain if self.metrics else None


class TrainingReport(BaseModel):
    """What a training run made."""

    path: str = Field(description="The adapter's folder.")
    name: str = Field(description="The adapter's name.")
    side: str = Field(description="Which texts it is for: `query` or `both`.")
    fingerprint: str = Field("", description="Digest of its content.")
    folder: str = Field(description="The folder that it was trained on.")
    sources: list[SourceCount] = Field(description="Pairs by source, and what was left out.")
    data: DataCounts = Field(description="How many pairs there were.")
    course: Course = Field(description="How training went.")
    test: QuerySet = Field(description="Base model and adapter compared on the test pairs.")
    helps_search: bool = Field(description="Whether the whole search improves, and the interval excludes a loss.")
    report: str = Field("", description="Path of its HTML report.")
    resumed_at: int = Field(0, description="The step at which a stopped run was resumed; 0 for a new run.")


def library_versions() -> dict[str, str]:
    """The versions of the libraries that training depends on."""
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
            f"An adapter already exists at {target}.", "Choose another --name, or replace it with --replace."
        )
    if target.exists() and not (target / MANIFEST_FILE).is_file():
        raise TrainingError(f"{target} exists and is not an adapter trained by CodeContext.", "Choose another --name.")


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
    return StoreError(
        f"The adapter cannot be written to {target}: {reason}.", "Free some space or choose another --out."
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
