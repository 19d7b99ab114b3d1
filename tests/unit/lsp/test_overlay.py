"""Following lines from the file to the unsaved document, and back."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable
from difflib import SequenceMatcher
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codecontext.lsp.overlay import LineMap

FILE = ["import os", "", "def one():", "    return 1", "", "def two():", "    return 2"]

texts = st.lists(st.sampled_from("abc"), max_size=12)
spans = st.tuples(st.integers(0, 12), st.integers(1, 12)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@pytest.mark.parametrize(
    ("document", "span", "expected"),
    [
        (FILE, (2, 4), (2, 4)),
        (["# new", *FILE], (2, 4), (3, 5)),
        (["# new", *FILE], (0, 1), (1, 2)),
        ([*FILE, "# new"], (2, 4), (2, 4)),
        (FILE[:2] + FILE[5:], (2, 5), None),
        (FILE[:2] + FILE[5:], (5, 7), (2, 4)),
        ([*FILE[:3], "    return 11", *FILE[4:]], (2, 4), (2, 4)),
        ([*FILE[:3], "    x = 1", "    return x", *FILE[4:]], (2, 4), (2, 5)),
        ([*FILE[:2], "def uno():", *FILE[3:]], (2, 4), (2, 4)),
        ([], (2, 4), None),
    ],
    ids=[
        *("unchanged", "shifted", "shifted first line", "appended elsewhere", "deleted", "after a deletion"),
        *("changed last line", "grown inside", "changed first line", "emptied"),
    ],
)
def test_a_span_is_where_its_lines_are(
    document: list[str], span: tuple[int, int], expected: tuple[int, int] | None
) -> None:
    assert LineMap(FILE, document).span(*span) == expected


def test_a_span_past_the_end_ends_with_the_text() -> None:
    assert LineMap(FILE, FILE).span(5, 100) == (5, 7)
    assert LineMap(FILE, FILE).span(100, 200) is None


def test_a_long_changed_middle_is_not_compared_line_by_line_but_what_surrounds_it_is_found() -> None:
    old = ["head", *(f"old {number}" for number in range(4000)), "tail"]
    new = ["head", *(f"new {number}" for number in range(5000)), "tail"]
    lines = LineMap(old, new)
    assert lines.span(0, 1) == (0, 1)
    assert lines.span(4001, 4002) == (5001, 5002)
    assert lines.span(2000, 2001) == (1, 5001)


@given(texts, spans)
def test_in_the_same_text_every_line_stays_where_it_is(text: list[str], span: tuple[int, int]) -> None:
    start, end = span
    end = min(end, len(text))
    assert LineMap(text, text).span(*span) == ((start, end) if start < end else None)


@given(texts, texts, spans)
def test_a_span_is_one_of_the_new_text(old: list[str], new: list[str], span: tuple[int, int]) -> None:
    found = LineMap(old, new).span(*span)
    if found is not None:
        assert 0 <= found[0] < found[1] <= len(new)


@given(texts, texts, st.integers(0, 12), st.integers(0, 12))
def test_lines_keep_their_order(old: list[str], new: list[str], one: int, other: int) -> None:
    lines = LineMap(old, new)
    first, second = (lines.span(line, line + 1) for line in sorted((one, other)))
    if first is not None and second is not None:
        assert first[0] <= second[0]
        assert first[1] <= second[1]


@given(st.lists(st.sampled_from(["kept", "deleted", "inserted"]), max_size=30))
def test_it_agrees_with_difflib_where_lines_differ(edits: list[str]) -> None:
    """No line is there twice, so there is but one way to see what became of each."""
    old = [f"line {number}" for number, edit in enumerate(edits) if edit != "inserted"]
    new = [f"line {number}" for number, edit in enumerate(edits) if edit != "deleted"]
    lines, back = LineMap(old, new), LineMap(new, old)
    places = {
        match.a + offset: match.b + offset
        for match in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
        for offset in range(match.size)
    }
    for number, line in enumerate(old):
        found = lines.span(number, number + 1)
        if number in places:
            assert found is not None
            assert found[0] == places[number]
            assert not set(new[found[0] + 1 : found[1]]) & set(old)
            assert (back.span(found[0], found[0] + 1) or (-1, -1))[0] == number
        else:
            assert found is None or line not in new[slice(*found)]


@given(st.lists(st.booleans(), max_size=30))
def test_lines_that_are_gone_are_nowhere(kept: list[bool]) -> None:
    old = [f"line {number}" for number in range(len(kept))]
    new = [line for line, stays in zip(old, kept, strict=True) if stays]
    lines = LineMap(old, new)
    for number, stays in enumerate(kept):
        place = new.index(old[number]) if stays else None
        assert lines.span(number, number + 1) == (None if place is None else (place, place + 1))


def test_lines_that_stand_everywhere_are_not_compared_with_each_other() -> None:
    """That would take 3000 times 3000 steps, and more for each block that is found."""
    old = ["a", *("x" if n % 2 else "y" for n in range(2998)), "b"]
    new = ["c", *("y" if n % 2 else "x" for n in range(2998)), "d"]
    assert steps_of(lambda: LineMap(old, new)) < 100_000


def steps_of(work: Callable[[], object]) -> int:
    """Lines of ``difflib`` that ``work`` runs through; more than a million are not counted."""
    steps = 0

    def trace(frame: FrameType, _event: str, _argument: object) -> Callable[..., Any] | None:
        nonlocal steps
        if frame.f_code.co_filename != difflib.__file__:
            return None
        steps += 1
        if steps > 1_000_000:
            raise RuntimeError("too many steps")
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    except RuntimeError:
        pass
    finally:
        sys.settrace(before)
    return steps
