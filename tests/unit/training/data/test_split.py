"""How pairs are divided, so that nothing leaks."""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from pathlib import Path

import pytest

from codecontext.core.errors import TrainingError
from codecontext.training import evaluator
from codecontext.training.data.pairs import CodeSpan, Pair
from codecontext.training.data.split import MIN_TEST_PAIRS, Part, Split, part_of_file, split_pairs
from codecontext.training.trainer import require_enough


def pair(query: str, *paths: str, time: int | None = None) -> Pair:
    return Pair(query=query, code=tuple(CodeSpan(path=path) for path in paths), time=time)


def paths_of(pairs: list[Pair]) -> set[str]:
    return {span.path for item in pairs for span in item.code}


NAMES = [f"src/module_{number}.py" for number in range(1000)]
IN_PART = {part: [name for name in NAMES if part_of_file(name, 0) is part] for part in Part}


def test_shares_of_the_parts() -> None:
    assert 0.65 < len(IN_PART[Part.TRAIN]) / 1000 < 0.75
    assert 0.07 < len(IN_PART[Part.VALIDATION]) / 1000 < 0.13
    assert 0.16 < len(IN_PART[Part.TEST]) / 1000 < 0.24


def test_another_seed_divides_otherwise() -> None:
    moved = sum(part_of_file(name, 0) is not part_of_file(name, 1) for name in NAMES)
    assert 300 < moved < 700


def test_no_file_is_in_two_parts() -> None:
    split = split_pairs([pair(f"question {number} {name}", name) for number, name in enumerate(NAMES)], 0)
    train, validation, test = (paths_of(part) for part in (split.train, split.validation, split.test))
    assert min(map(len, (train, validation, test))) > 50
    assert not train & validation
    assert not train & test
    assert not validation & test
    assert len(train | validation | test) == 1000


def test_an_answer_in_two_parts_belongs_to_the_strictest() -> None:
    split = split_pairs([pair("both", IN_PART[Part.TRAIN][0], IN_PART[Part.TEST][0])], 0)
    assert (len(split.train), len(split.test)) == (0, 1)


def test_what_a_held_out_pair_asks_is_not_trained_on() -> None:
    split = split_pairs(
        [
            pair("Close the file handle", IN_PART[Part.TRAIN][0]),
            pair("close the FILE, handle", IN_PART[Part.TEST][0]),
            pair("handle close the file", IN_PART[Part.VALIDATION][0]),
            pair("open the file handle", IN_PART[Part.TRAIN][1]),
        ],
        0,
    )
    assert [item.query for item in split.train] == ["open the file handle"]
    assert split.validation == []
    assert split.leaked == 2


def test_commits_are_divided_by_time() -> None:
    commits = [pair(f"commit number {number}", NAMES[number], time=number) for number in range(1000)]
    split = split_pairs(commits, 0)
    newest_trained = max(item.time or 0 for item in split.train)
    oldest_tested = min(item.time or 0 for item in split.test)
    assert newest_trained < min(item.time or 0 for item in split.validation) <= oldest_tested
    assert Counter(part_of_file(item.code[0].path, 0) for item in split.train).keys() == {Part.TRAIN}
    assert len(split.test) == 200


@pytest.mark.parametrize(("test", "refused"), [(10, True), (MIN_TEST_PAIRS - 1, True), (MIN_TEST_PAIRS, False)])
def test_what_is_trained_can_be_measured(test: int, refused: bool) -> None:
    """``train``, ``evaluate`` and ``use --if-better`` ask for as many test pairs."""
    assert evaluator.MIN_TEST_PAIRS == MIN_TEST_PAIRS
    split = Split(train=[pair("a", "a.py")] * 50, validation=[pair("b", "b.py")] * 5, test=[pair("c", "c.py")] * test)

    with (
        pytest.raises(TrainingError, match=f"only {test} pairs to test with; at least 20") if refused else nullcontext()
    ):
        require_enough(split, Path("/project"))
