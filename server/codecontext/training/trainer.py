"""Trainer: a whole training run on one repository, which mines, splits, trains, measures and writes.

Below it, ``optimize.loop.TrainingLoop`` does the steps, validates and keeps checkpoints, and an
``optimize.objective.Objective`` says what one batch minimises and how validation ranks.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from codecontext.adapters import adapter_fingerprint
from codecontext.core.errors import TrainingError
from codecontext.core.hashing import content_digest
from codecontext.core.progress import Progress
from codecontext.embeddings.model_files import BUNDLED_NAMES
from codecontext.training.config import TrainingConfig
from codecontext.training.data.corpus import Corpus
from codecontext.training.data.labels import Labelled, LabelledSplit, label_split
from codecontext.training.data.split import MIN_TEST_PAIRS, Split, split_pairs
from codecontext.training.data.workbench import Material, Workbench
from codecontext.training.evaluation.metrics import summarise
from codecontext.training.evaluation.rankings import rankings_of
from codecontext.training.evaluation.results import QuerySet, Verdict
from codecontext.training.optimize.checkpoint import Checkpoint
from codecontext.training.optimize.encoder import TrainableEncoder
from codecontext.training.optimize.loop import TrainingLoop
from codecontext.training.optimize.objective import objective_for
from codecontext.training.release.artifact import (
    CARD_FILE,
    Course,
    DataCounts,
    Metrics,
    TrainingRecord,
    TrainingReport,
    check_target,
    library_versions,
    write_adapter,
    write_record,
)
from codecontext.training.release.card import render_card

if TYPE_CHECKING:
    from codecontext.embeddings.huggingface.provider import HuggingFaceEmbeddingProvider

MIN_TRAINING_PAIRS = 50
MIN_VALIDATION_PAIRS = 5

_FULL_NAME_OF_BUNDLED = "sentence-transformers/all-MiniLM-L6-v2"


class Trainer:
    """One training run on the folder of a workbench, whose result goes to ``target``."""

    def __init__(self, bench: Workbench, config: TrainingConfig, target: Path, *, replace: bool = False) -> None:
        self._bench = bench
        self._config = config
        self._target = target
        self._replace = replace

    def run(self, pairs_file: Path | None = None, *, fresh: bool = False) -> TrainingReport:
        """Train and write the adapter. A run that was stopped is resumed, unless ``fresh``.

        Raises ``TrainingError`` where there is too little to train on, ``StoreError`` when the disk refuses,
        ``OperationCancelled`` when stopped, after the checkpoint was written, and what loading the model raises.
        """
        started = time.perf_counter()
        check_target(self._target, replace=self._replace)
        bench, config = self._bench, self._config
        material = bench.material(pairs_file)
        split = split_pairs(material.pairs, config.seed)
        require_enough(split, bench.folder)
        bench.on_progress(Progress("loading model", 0, 0))
        corpus = bench.corpus(material)
        labelled = self._label(split, corpus)
        encoder = TrainableEncoder(bench.settings.embeddings.huggingface, config)
        objective = objective_for(bench, config, encoder, corpus, labelled)
        checkpoint = Checkpoint(bench.builder.directory / "checkpoint.safetensors", self._run_digest(material, corpus))
        if fresh:
            checkpoint.remove()
        trained = TrainingLoop(encoder, objective, config, checkpoint).run(bench.on_progress, bench.cancel)
        strength = objective.choose_strength()

        def course() -> Course:
            seconds = round(time.perf_counter() - started, 1)
            return Course(**asdict(trained), strength=strength, seconds=seconds)

        record = self._record(split, corpus, course())
        measured: list[QuerySet] = []

        def fill(folder: Path) -> None:
            encoder.save(folder, strength, record.base_model)
            write_record(folder, record)  # says what the adapter is for, which is needed to load and measure it
            test = self._measure(folder, corpus, labelled.test)
            record.course, record.metrics = course(), Metrics(dense=test.dense, search=test.search)
            write_record(folder, record)
            (folder / CARD_FILE).write_text(render_card(record), encoding="utf-8")
            measured.append(test)

        write_adapter(self._target, fill, replace=self._replace)
        checkpoint.remove()
        return self._report(material, record, measured[0], trained.resumed_at)

    def _label(self, split: Split, corpus: Corpus) -> LabelledSplit:
        labelled = label_split(split, corpus.places)
        if not (labelled.train and labelled.validation and labelled.test):
            raise TrainingError(
                f"The code that the pairs of {self._bench.folder} name is not in the index.",
                "Paths are relative to the folder; 'codecontext status --skipped' lists what is left out.",
            )
        return labelled

    def _measure(self, adapter: Path, corpus: Corpus, test: list[Labelled]) -> QuerySet:
        """The finished adapter against the base model on the test pairs, as both would be used."""
        base = self._bench.base
        before = rankings_of(self._bench, base, corpus, test, "searching with base")
        after = rankings_of(self._bench, base.beside(adapter), corpus, test, "searching with adapter")
        return summarise(test, before, after)

    def _record(self, split: Split, corpus: Corpus, course: Course) -> TrainingRecord:
        base = self._bench.base
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

    def _report(self, material: Material, record: TrainingRecord, test: QuerySet, resumed_at: int) -> TrainingReport:
        return TrainingReport(
            path=str(self._target),
            name=record.name,
            side=record.side.value,
            fingerprint=adapter_fingerprint(self._target),
            folder=str(self._bench.folder),
            sources=material.sources,
            data=record.data,
            course=record.course,
            test=test,
            helps_search=test.verdict is Verdict.BETTER,
            resumed_at=resumed_at,
        )

    def _run_digest(self, material: Material, corpus: Corpus) -> str:
        """Digest of everything that must be equal for a stopped run to resume."""
        hashes = corpus.store.hashes(corpus.snapshot.slots().tolist()).values()
        pairs = "".join(pair.model_dump_json() for pair in material.pairs)
        settings = self._config.model_dump_json(exclude={"device"})
        return content_digest(settings, pairs, "".join(sorted(hashes)), corpus.snapshot.space_id)


def base_name(base: HuggingFaceEmbeddingProvider) -> str:
    """The base model as other tools know it."""
    name = base.config.model_name
    return _FULL_NAME_OF_BUNDLED if name.lower() in BUNDLED_NAMES else name


def require_enough(split: Split, folder: Path) -> None:
    """Raise ``TrainingError`` where ``split`` is too little to train, validate or test with."""
    counts = {
        "train on": (len(split.train), MIN_TRAINING_PAIRS),
        "validate with": (len(split.validation), MIN_VALIDATION_PAIRS),
        "test with": (len(split.test), MIN_TEST_PAIRS),
    }
    for purpose, (found, needed) in counts.items():
        if found < needed:
            raise TrainingError(
                f"{folder} yields only {found} pairs to {purpose}; at least {needed} are needed.",
                "Training pays off from a few hundred documented functions. 'codecontext adapter pairs' shows what was "
                "found and why the rest was left out; you can add pairs of your own (docs/training.md).",
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
