from __future__ import annotations

import pytest

from codecontext.cli.excerpt import choose_lines, matching_words
from codecontext.search.results import Hit

FUNCTION = """\
@retry
# Releases what acquire took.
def release(self, token):
    found = self._store.get(token)
    if found is None:
        raise KeyError(token)

    for waiter in self._waiters:
        waiter.wake()
    self._store.remove(token)
    log.debug("released", extra={
    })"""


def hit(text: str, symbol: str = "") -> Hit:
    return Hit(
        path="lock.py", start_line=1, end_line=1, score=1, language="python", kind="function",
        symbol=symbol, text=text,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("terms", "limit", "expected"),
    [
        pytest.param((), 3, [2, 3, 4], id="definition-and-what-follows"),
        pytest.param(("waiter",), 3, [2, 7, 8], id="lines-with-the-term-first"),
        pytest.param(("store", "token"), 3, [2, 3, 9], id="lines-with-most-terms-first"),
        pytest.param(("waiting",), 1, [2], id="the-definition-always"),
        pytest.param(("nothing",), 99, [2, 3, 4, 5, 7, 8, 9, 10], id="nothing-without-words-to-fill-up"),
    ],
)
def test_lines_are_chosen(terms: tuple[str, ...], limit: int, expected: list[int]) -> None:
    assert choose_lines(hit(FUNCTION, "release"), terms, limit) == expected


@pytest.mark.parametrize(
    ("text", "symbol", "first"),
    [
        pytest.param("# parse\ndef parse(): ...", "parse", 1, id="a-comment-names-it-before"),
        pytest.param("# parse", "parse", 0, id="only-a-comment-names-it"),
        pytest.param("\n\nx = 1", "", 2, id="no-symbol"),
        pytest.param("x = 1\ny = 2", "other", 0, id="symbol-not-there"),
        pytest.param("", "", 0, id="empty"),
    ],
)
def test_the_definition_comes_first(text: str, symbol: str, first: int) -> None:
    assert choose_lines(hit(text, symbol), (), 1) == [first]


@pytest.mark.parametrize(
    ("line", "terms", "words"),
    [
        ("if compare_digest(a, b):", ("compared",), ["compare_digest"]),
        ("internal = interface", ("interfaces",), ["interface"]),
        ("HTTPResponse.close()", ("response",), ["HTTPResponse"]),
        ("for the fox", ("fort",), []),
        ("process.start()", ("processes", "starting"), ["process", "start"]),
        ("locks, locker", ("locked",), ["locks", "locker"]),
        ("잠금을 푼다", ("잠금",), ["잠금을"]),
    ],
)
def test_words_match_but_for_their_endings(line: str, terms: tuple[str, ...], words: list[str]) -> None:
    assert [line[start:end] for start, end in matching_words(line, terms)] == words
