"""Ranking rules, each on candidates that differ in nothing else."""

from __future__ import annotations

from codecontext.search.config import Weights
from codecontext.search.query import parse_query
from codecontext.search.ranking import Ranked, apply_rules

WEIGHTS = Weights()


def candidate(row: int, path: str, symbol: str = "", score: float = 1.0, qualified_name: str = "") -> Ranked:
    return Ranked(
        row=row, score=score, path=path, symbol=symbol, qualified_name=qualified_name or symbol, kind="function"
    )


def order(query: str, *candidates: Ranked) -> list[int]:
    return [item.row for item in apply_rules(list(candidates), parse_query(query), WEIGHTS)]


def test_a_definition_comes_before_its_uses() -> None:
    uses = candidate(0, "a.py", "caller", score=1.2)
    defines = candidate(1, "b.py", "check_password")
    assert order("check_password", uses, defines) == [1, 0]


def test_a_qualified_name_picks_the_right_class() -> None:
    other = candidate(0, "a.py", "send", qualified_name="Mail.send")
    wanted = candidate(1, "b.py", "send", qualified_name="Session.send")
    assert order("Session.send", other, wanted) == [1, 0]


def test_tests_come_after_sources_unless_asked_for() -> None:
    source, test = candidate(0, "src/auth.py"), candidate(1, "tests/test_auth.py", score=1.1)
    assert order("password check", source, test) == [0, 1]
    source, test = candidate(0, "src/auth.py"), candidate(1, "tests/test_auth.py", score=1.1)
    assert order("tests of the password check", source, test) == [1, 0]


def test_one_file_does_not_fill_the_answer() -> None:
    first, second = candidate(0, "a.py", score=1.0), candidate(1, "a.py", score=0.99)
    other = candidate(2, "b.py", score=0.98)
    assert order("anything else", first, second, other) == [0, 2, 1]


def test_every_rule_that_applied_is_in_the_evidence() -> None:
    (ranked,) = apply_rules([candidate(0, "tests/a.py", "run")], parse_query("run"), WEIGHTS)
    assert [rule.split(" x")[0] for rule in ranked.rules] == ["defines", "test", "file"]


def test_ties_are_broken_by_path_and_position() -> None:
    assert order("q w", candidate(2, "b.py"), candidate(1, "c.py"), candidate(0, "b2.py")) == [2, 0, 1]
