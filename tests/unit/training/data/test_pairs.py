"""The file of pairs: what it takes, and what it says about what it does not."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from codecontext.core.errors import TrainingError
from codecontext.training.data.pairs import CodeSpan, HiddenText, Pair, query_key, read_pairs, write_pairs


def written(folder: Path, text: str) -> Path:
    file = folder / "pairs.jsonl"
    file.write_text(text, encoding="utf-8")
    return file


def test_pairs_survive_a_round_trip(tmp_path: Path) -> None:
    pairs = [
        Pair(query="where is the lock", code=(CodeSpan(path="a.py", start_line=3, end_line=9, name="lock"),)),
        Pair(
            query="Größe der Datei",
            code=(CodeSpan(path="b.py"), CodeSpan(path="c.py", start_line=2, end_line=2)),
            source="documentation",
            weight=0.5,
            hidden=(HiddenText(path="b.py", start_line=1, end_line=2, text="size"),),
            time=1_700_000_000,
        ),
    ]
    file = tmp_path / "deep" / "pairs.jsonl"
    write_pairs(file, pairs)
    assert read_pairs(file) == pairs


def test_people_may_write_places_as_text(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        '# mine\n{"query": "one two", "code": "src/a.py"}\n\n// more\n'
        '{"query": "three", "code": ["b.py:7", "c.py:3-5"]}\n',
    )
    first, second = read_pairs(file)
    assert first.code[0].path == "src/a.py"
    assert (first.source, first.weight) == ("own", 1.0)
    assert [(span.path, span.start_line, span.end_line) for span in second.code] == [("b.py", 7, 7), ("c.py", 3, 5)]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("{", "Invalid JSON"),
        ('{"query": "a b"}', "code: Field required"),
        ('{"query": "?!", "code": "a.py"}', "query: the query has no letters or digits"),
        ('{"query": "a", "code": "a.py", "wieght": 2}', "wieght: Extra inputs are not permitted"),
        (
            '{"query": "a", "code": {"path": "a.py", "start_line": 9, "end_line": 2}}',
            "end_line is 2, before start_line 9",
        ),
        ('{"query": "a", "code": "a.py", "weight": 0}', "weight: Input should be greater than 0"),
        ('{"query": "a", "code": []}', "code"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, line: str, fault: str) -> None:
    file = written(tmp_path, f'{{"query": "fine", "code": "a.py"}}\n{line}\n')
    with pytest.raises(TrainingError) as error:
        read_pairs(file)
    assert error.value.message.startswith(f"{file}:2: ")
    assert fault in error.value.message


def test_a_missing_and_an_empty_file_are_said(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="cannot be read: No such file"):
        read_pairs(tmp_path / "none.jsonl")
    with pytest.raises(TrainingError, match="contains no pairs"):
        read_pairs(written(tmp_path, "\n# nothing\n"))


def test_the_key_of_a_query_is_its_words() -> None:
    assert query_key("Parse the HTTP-header!") == query_key("parse the http header")
    assert query_key("parse the header") != query_key("parse the http header")


@pytest.mark.skipif(sys.platform == "win32", reason="needs FIFOs and devices")
@pytest.mark.parametrize("what", ["fifo", "device", "huge"])
def test_what_is_no_file_of_a_right_size_is_not_read(tmp_path: Path, what: str) -> None:
    file = tmp_path / "pairs.jsonl"
    if what == "fifo":
        os.mkfifo(file)
    elif what == "device":
        file.symlink_to("/dev/zero")
    else:
        with file.open("wb") as sparse:
            sparse.truncate(20_000_000_000)

    with pytest.raises(TrainingError, match="cannot be read: is "):
        read_pairs(file)


def test_a_byte_order_mark_is_read_over(tmp_path: Path) -> None:
    file = tmp_path / "pairs.jsonl"
    file.write_text('{"query": "where is the lock", "code": "a.py"}\n', encoding="utf-8-sig")

    assert [pair.query for pair in read_pairs(file)] == ["where is the lock"]
