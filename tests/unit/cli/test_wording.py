from __future__ import annotations

import pytest

from codecontext.cli import wording


@pytest.mark.parametrize(("number", "text"), [(0, "0 files"), (1, "1 file"), (2, "2 files"), (20480, "20,480 files")])
def test_count(number: int, text: str) -> None:
    assert wording.count(number, "file") == text


@pytest.mark.parametrize(
    ("fraction", "text"),
    [(0, "0 %"), (0.001, "under 1 %"), (0.5, "50 %"), (0.9999, "99 %"), (1, "100 %")],
)
def test_a_share_never_claims_more_than_there_is(fraction: float, text: str) -> None:
    assert wording.share(fraction) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (3.21, "3.2 s"), (9.97, "10 s"), (59.6, "1 min 0 s"), (372, "6 min 12 s")],
)
def test_duration(seconds: float, text: str) -> None:
    assert wording.duration(seconds) == text
