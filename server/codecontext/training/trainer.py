"""Trains an adapter for one repository: mine, divide, train, choose, measure, write."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from codecontext.adapters import adapter_fingerprint
from codecontext.core.errors import TrainingError
from codecontext.core.hashing import content_digest
from codecontext.core.progress import Progress
from codecontext.embeddings.model_files import BUNDLED_NAMES
from codecontext.training.config import TrainingConfig
from codecontext.training.data.corpus import Corpus
from codecontext.training.data.labels import label
from codecontext.training.data.mining.counts import SourceCount
from codecontext.training.data.split import MIN_TEST_PAIRS, Split, split_pairs
from codecontext.training.evaluation.evaluate import MAX_TEST_PAIRS, rankings_of, sample
from codecontext.training.evaluation.results import QuerySet, summarise
from codecontext.training.optimize.checkpoint import Checkpoint
from codecontext.training.optimize.encoder import TrainableEncoder
from codecontext.training.optimize.loop import Trained, TrainingLoop
from codecontext.training.optimize.sides import side_of
from codecontext.training.release.artifact import (
    CARD_FILE,
    Course,
    DataCounts,
    Metrics,
    TrainingRecord,
    check_target,
    library_versions,
    write_adapter,
    write_record,
)
from codecontext.training.release.card import render_card
from codecontext.training.workbench import Material, Workbench

if TYPE_CHECKING:
    from codecontext.embeddings.huggingface.provider import HuggingFaceEmbeddingProvider

MIN_TRAINING_PAIRS = 50
MIN_VALIDATION_PAIRS = 5
MAX_VALIDATION_PAIRS = 200

_FULL_NAME_OF_BUNDLED = "sentence-transformers/all-MiniLM-L6-v2"


class TrainingReport(BaseModel):
    """What a training run made."""

    path: str = Field(description="Folder of the adapter.")
    name: str = Field(description="Its name.")
    side: str = Field(description="Which texts it is for.")
    fingerprint: str = Field("", description="Digest of its content.")
    folder: str = Field(description="The folder that it was trained on.")
    sources: list[SourceCount] = Field(description="Pairs by source, and what was left out.")
    data: DataCounts = Field(description="How many pairs there were.")
    course: Course = Field(description="How training went.")
    test: QuerySet = Field(description="Before and after on the test pairs.")
    helps_search: bool = Field(description="Whether the gain on the whole search excludes a loss.")
    report: str = Field("", description="Its HTML report.")
    resumed_at: int = Field(0, description="The step that a stopped run went on from; 0 for a new run.")


class Trainer:
    """One training run on the folder of a workbench, whose result goes to ``target``."""

    def __init__(self, bench: Workbench, config: TrainingConfig, target: Path, *, replace: bool = False) -> None:
        self._bench = bench
        self._config = config
        self._target = target
        self._replace = replace

    def run(self, pairs_file: Path | None = None, *, fresh: bool = False) -> TrainingReport:
        """Train and write the adapter. A run that was stopped is gone on with, unless ``fresh``.

        Raises ``TrainingError`` where there is too little to train on, ``StoreError`` when the disk refuses,
        ``OperationCancelled`` when stopped, after the state was written, and what loading the model raises.
        """
        started = time.perf_counter()
        check_target(self._target, replace=self._replace)
        bench = self._bench
        material = bench.material(pairs_file)
        split = split_pairs(material.pairs, self._config.seed)
        require_enough(split, bench.folder)
        bench.on_progress(Progress("loading model", 0, 0))
        corpus = bench.corpus(material)
        encoder = TrainableEncoder(bench.settings.embeddings.huggingface, self._config)
        run = _Run(bench, self._config, encoder, corpus, split)
        checkpoint = Checkpoint(bench.builder.directory / "checkpoint.safetensors", self._recipe(material, corpus))
        if fresh:
            checkpoint.remove()
        trained, base_score = run.train(checkpoint)
        strength = run.choose_strength()
        test: list[QuerySet] = []

        def fill(folder: Path) -> None:
            encoder.save(folder, strength, base_name(bench.base))
            course = _course(trained, base_score, strength, started)
            record = self._record(bench.base, split, corpus, course)
            write_record(folder, record)
            test.append(run.measure(folder))
            course = _course(trained, base_score, strength, started)
            metrics = Metrics(dense=test[0].dense, search=test[0].search)
            record = record.model_copy(update={"course": course, "metrics": metrics})
            write_record(folder, record)
            (folder / CARD_FILE).write_text(render_card(record, base_name(bench.base)), encoding="utf-8")

        write_adapter(self._target, fill, replace=self._replace)
        checkpoint.remove()
        return self._report(material, split, corpus, _course(trained, base_score, strength, started), test[0], trained)

    def _report(
        self, material: Material, split: Split, corpus: Corpus, course: Course, test: QuerySet, trained: Trained
    ) -> TrainingReport:
        return TrainingReport(
            path=str(self._target),
            name=self._target.name,
            side=self._config.side.value,
            fingerprint=adapter_fingerprint(self._target),
            folder=str(self._bench.folder),
            sources=material.sources,
            data=_counts(split, corpus),
            course=course,
            test=test,
            helps_search=test.helps_search,
            resumed_at=trained.resumed_at,
        )

    def _record(
        self, base: HuggingFaceEmbeddingProvider, split: Split, corpus: Corpus, course: Course
    ) -> TrainingRecord:
        return TrainingRecord(
            name=self._target.name,
            side=self._config.side,
            base_model=base_name(base),
            base_fingerprint=base.space.base_model,
            space_id=base.space.space_id,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            folder=self._bench.folder.name,
            data=_counts(split, corpus),
            settings=self._config,
            course=course,
            versions=library_versions(),
            trained_queries=sorted({pair.key for pair in split.train}),
        )

    def _recipe(self, material: Material, corpus: Corpus) -> str:
        """Digest of all that must be equal for a stopped run to go on."""
        hashes = corpus.snapshot.column("content_hash").to_pylist()
        pairs = "".join(pair.model_dump_json() for pair in material.pairs)
        settings = self._config.model_dump_json(exclude={"device"})
        return content_digest(settings, pairs, "".join(sorted(hashes)), corpus.snapshot.space_id)


class _Run:
    """The labelled parts of the data, and what is done with each."""

    def __init__(
        self, bench: Workbench, config: TrainingConfig, encoder: TrainableEncoder, corpus: Corpus, split: Split
    ) -> None:
        self._bench = bench
        self._config = config
        self._encoder = encoder
        self._corpus = corpus
        self._train = label(split.train, corpus.places)
        self._test = label(sample(split.test, MAX_TEST_PAIRS), corpus.places)
        validation = label(sample(split.validation, MAX_VALIDATION_PAIRS), corpus.places)
        if not (self._train and self._test and validation):
            raise TrainingError(
                f"The code that the pairs of {bench.folder} name is not in the index.",
                "Paths are relative to the folder; 'codecontext status --skipped' lists what is left out.",
            )
        self._side = side_of(bench, config, encoder, corpus, validation)

    def train(self, checkpoint: Checkpoint) -> tuple[Trained, float]:
        """Train; also the validation score of the base model."""
        base_score = float(self._side.score().mean())
        objective = self._side.objective(self._train)
        loop = TrainingLoop(self._encoder, objective, self._side.score, self._config, checkpoint)
        return loop.run(base_score, self._bench.on_progress, self._bench.cancel), base_score

    def choose_strength(self) -> float:
        """How strongly the adapter should act."""
        return self._side.choose_strength()

    def measure(self, adapter: Path) -> QuerySet:
        """The finished adapter against the base model on the test pairs, as both would serve."""
        base = self._bench.base
        before = rankings_of(self._bench, base, self._corpus, self._test, "asking base")
        after = rankings_of(self._bench, base.beside(adapter), self._corpus, self._test, "asking adapter")
        return summarise(self._test, before, after)


def base_name(base: HuggingFaceEmbeddingProvider) -> str:
    """The base model as other tools know it."""
    name = base.config.model_name
    return _FULL_NAME_OF_BUNDLED if name.lower() in BUNDLED_NAMES else name


def require_enough(split: Split, folder: Path) -> None:
    """Raise ``TrainingError`` where ``split`` is too little to train, choose or measure with."""
    counts = {
        "train on": (len(split.train), MIN_TRAINING_PAIRS),
        "choose by": (len(split.validation), MIN_VALIDATION_PAIRS),
        "measure with": (len(split.test), MIN_TEST_PAIRS),
    }
    for purpose, (found, needed) in counts.items():
        if found < needed:
            raise TrainingError(
                f"{folder} gives only {found} pairs to {purpose}; at least {needed} are needed.",
                "An adapter pays from a few hundred documented functions on. 'codecontext adapter pairs' shows what "
                "was found and why the rest was left out; you can add pairs of your own (docs/training.md).",
            )


def _counts(split: Split, corpus: Corpus) -> DataCounts:
    return DataCounts(
        train=len(split.train),
        validation=len(split.validation),
        test=len(split.test),
        leaked=split.leaked,
        sources=dict(Counter(pair.source for pair in split.train).most_common()),
        chunks=len(corpus.snapshot),
    )


def _course(trained: Trained, base_score: float, strength: float, started: float) -> Course:
    return Course(
        steps=trained.steps,
        losses=trained.losses,
        scores=trained.scores,
        base_score=base_score,
        best_validation=trained.best_validation,
        stopped_early=trained.stopped_early,
        strength=strength,
        seconds=round(time.perf_counter() - started, 1),
    )
