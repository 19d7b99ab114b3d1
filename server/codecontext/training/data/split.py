"""Splits pairs into training, validation and test.

By the file of the answer, so that no test question is about code that was trained on; which part a file belongs to
depends on its path and the seed alone, so it stays when the repository grows. Commits are divided by time: the newest
are the test, as in use, where questions come after the code that was learned.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from codecontext.core.hashing import content_digest
from codecontext.training.data.pairs import Pair
from codecontext.training.data.wording import words_of

TEST_SHARE = 0.2
VALIDATION_SHARE = 0.1
MIN_TEST_PAIRS = 20
"""With fewer, an interval is too wide to decide anything, so no adapter is trained or chosen by them."""
MAX_TEST_PAIRS = 1000
MAX_VALIDATION_PAIRS = 200
_HEX_DIGITS = 8


class Part(IntEnum):
    """Part of the data, the strictest last: a pair belongs to the strictest part that one of its answers is in."""

    TRAIN = 0
    VALIDATION = 1
    TEST = 2


@dataclass(frozen=True, slots=True)
class Split:
    """The three parts, and how many pairs were left out because a stricter part has the same query."""

    train: list[Pair] = field(default_factory=list)
    validation: list[Pair] = field(default_factory=list)
    test: list[Pair] = field(default_factory=list)
    leaked: int = 0


def part_of_file(path: str, seed: int) -> Part:
    """The part that the code of a file belongs to."""
    share = int(content_digest(str(seed), path)[:_HEX_DIGITS], 16) / 16**_HEX_DIGITS
    return _part_of_share(share)


def split_pairs(pairs: Sequence[Pair], seed: int) -> Split:
    """Divide ``pairs``; the same for the same pairs and seed."""
    parts: dict[Part, list[Pair]] = {part: [] for part in Part}
    for pair in pairs:
        if pair.time is None:
            parts[_part_by_files(pair, seed)].append(pair)
    for pair, part in _parts_by_time([pair for pair in pairs if pair.time is not None]):
        # An old commit teaches only about files of the training part.
        if part is not Part.TRAIN or _part_by_files(pair, seed) is Part.TRAIN:
            parts[part].append(pair)
    asked = _word_sets([*parts[Part.VALIDATION], *parts[Part.TEST]])
    train = [pair for pair in parts[Part.TRAIN] if words_of(pair.query) not in asked]
    validation = _without(parts[Part.VALIDATION], _word_sets(parts[Part.TEST]))
    leaked = len(parts[Part.TRAIN]) - len(train) + len(parts[Part.VALIDATION]) - len(validation)
    return Split(train, validation, parts[Part.TEST], leaked)


def sample(pairs: Sequence[Pair], most: int, seed: int = 0) -> list[Pair]:
    """At most so many of ``pairs``, in their order; the same each time."""
    if len(pairs) <= most:
        return list(pairs)
    chosen = sorted(random.Random(seed).sample(range(len(pairs)), most))
    return [pairs[number] for number in chosen]


def _part_by_files(pair: Pair, seed: int) -> Part:
    return max(part_of_file(span.path, seed) for span in pair.code)


def _parts_by_time(pairs: Sequence[Pair]) -> Iterable[tuple[Pair, Part]]:
    """Oldest first: training, validation, test."""
    in_order = sorted(pairs, key=lambda pair: (pair.time or 0, pair.query))
    for number, pair in enumerate(in_order):
        yield pair, _part_of_share(1 - (number + 0.5) / len(in_order))


def _part_of_share(share: float) -> Part:
    if share < TEST_SHARE:
        return Part.TEST
    return Part.VALIDATION if share < TEST_SHARE + VALIDATION_SHARE else Part.TRAIN


def _word_sets(pairs: Iterable[Pair]) -> set[frozenset[str]]:
    return {words_of(pair.query) for pair in pairs}


def _without(pairs: Iterable[Pair], asked: set[frozenset[str]]) -> list[Pair]:
    return [pair for pair in pairs if words_of(pair.query) not in asked]
