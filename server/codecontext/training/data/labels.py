"""Pairs with the chunks that answer them, as rows of a snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from codecontext.search.query import parse_query
from codecontext.store.snapshot import Snapshot
from codecontext.store.vector_file import Floats
from codecontext.training.data.corpus import Places
from codecontext.training.data.pairs import Pair
from codecontext.training.data.split import (
    MAX_TEST_PAIRS,
    MAX_VALIDATION_PAIRS,
    Part,
    Split,
    part_of_file,
    sample,
)


@dataclass(frozen=True, slots=True)
class Labelled:
    """A pair, and for each place that it wants the rows of the chunks that show it."""

    pair: Pair
    places: tuple[tuple[int, ...], ...]

    @property
    def text(self) -> str:
        """The query as a search embeds it: without what reads as a filter."""
        return parse_query(self.pair.query).text

    @property
    def rows(self) -> list[int]:
        """Rows of all chunks that answer it, in order."""
        return sorted({row for place in self.places for row in place})

    def place_of_row(self) -> dict[int, int]:
        """Row → number of the place that it shows."""
        return {row: number for number, place in reversed(list(enumerate(self.places))) for row in place}


def label(pairs: Iterable[Pair], places: Places) -> list[Labelled]:
    """Those of ``pairs`` whose code is in the index; places that are not are left out."""
    labelled: list[Labelled] = []
    for pair in pairs:
        found = tuple(tuple(rows) for span in pair.code if (rows := places.rows_of(span)))
        if found and parse_query(pair.query).text:
            labelled.append(Labelled(pair, found))
    return labelled


@dataclass(frozen=True, slots=True)
class LabelledSplit:
    """The parts of a split with their answers, validation and test as a sample that can be ranked in time."""

    train: list[Labelled]
    validation: list[Labelled]
    test: list[Labelled]


def label_split(split: Split, places: Places) -> LabelledSplit:
    """Label each part of ``split``."""
    validation, test = sample(split.validation, MAX_VALIDATION_PAIRS), sample(split.test, MAX_TEST_PAIRS)
    return LabelledSplit(label(split.train, places), label(validation, places), label(test, places))


@dataclass(frozen=True)
class Documents:
    """Distinct contents among some rows of a snapshot, with their vectors, shape (contents, dimension)."""

    vectors: Floats
    rows: list[int]
    """For each content the first row that has it."""
    position_of_row: dict[int, int]
    """Row → its content's row in ``vectors``."""

    def positions(self, rows: Iterable[int]) -> list[int]:
        """Contents of those ``rows`` that are among the documents."""
        return sorted({self.position_of_row[row] for row in rows if row in self.position_of_row})

    def answerable(self, queries: Iterable[Labelled]) -> list[Labelled]:
        """Those of ``queries`` with an answer among the documents."""
        return [query for query in queries if self.positions(query.rows)]


def training_documents(snapshot: Snapshot, seed: int) -> Documents:
    """The contents of the files of the training part: held-out code is not even a wrong answer."""
    return documents_of(
        snapshot,
        [
            row
            for path in snapshot.paths
            if part_of_file(path, seed) is Part.TRAIN
            for row in snapshot.rows_of(path).tolist()
        ],
    )


def documents_of(snapshot: Snapshot, rows: Sequence[int]) -> Documents:
    """The contents of ``rows`` that have a vector, each once."""
    position_of_slot: dict[int, int] = {}
    position_of_row: dict[int, int] = {}
    chosen: list[int] = []
    wanted = np.asarray(rows, np.int64)
    known = wanted[snapshot.has_vector(wanted)]
    for row, slot in zip(known.tolist(), snapshot.slots(known).tolist(), strict=True):
        position = position_of_slot.setdefault(slot, len(chosen))
        if position == len(chosen):
            chosen.append(row)
        position_of_row[row] = position
    return Documents(snapshot.vectors_of(np.array(chosen, np.int64)), chosen, position_of_row)
