"""Lines of ignore files: what they match, what is wrong with them, and how long they may take."""

from __future__ import annotations

import os

import pytest

from codecontext.indexing.gitignore import Rule, Rules, parse_rule, parse_rules


def verdict(lines: list[bytes], path: str, *, is_folder: bool = False) -> bool | None:
    return Rules(parse_rules(lines).rules).verdict(path, is_folder=is_folder)


@pytest.mark.parametrize(
    ("line", "matched", "others"),
    [
        (b"[z-a].py", ["z.py"], ["a.py", "m.py"]),
        (rb"[\d-a]", ["d"], ["a", "\\", "-"]),
        (b"[[:space:]x]", [" ", "x"], ["s", ":"]),
        (b"[[:xdigit:]-]", ["f", "9", "-"], ["g"]),
        (b"[]a]", ["]", "a"], ["b"]),
        (b"[!]a]", ["b"], ["]", "a", "bb"]),
        (b"[^a-c]", ["d"], ["b"]),
        (b"[a-]", ["a", "-"], ["b"]),
        (b"[[:]", ["[", ":"], ["x"]),
        (rb"\[a\]", ["[a]"], ["a"]),
        (b"a**/b", ["ab", "axy/z/b"], ["b"]),
        (b"x**y", ["xy", "x1y", "sub/x12y"], ["x/y"]),
        (b"**/a/**", ["a/b", "x/a/b/c"], ["a"]),
        (b"a/*/c", ["a/b/c"], ["a/c", "a/b/b/c"]),
        (rb"a\/b", ["a/b"], ["a"]),
        (b"*.p?", ["x.py", "d/x.pz"], ["x.p", "x.p/q"]),
        ("\u00e9*".encode(), ["\u00e9t\u00e9"], ["e"]),
        (b"tr\\ ", ["tr "], ["tr"]),
    ],
)
def test_a_line_names_what_it_names_to_git(line: bytes, matched: list[str], others: list[str]) -> None:
    assert [path for path in matched if verdict([line], path) is not True] == []
    assert [path for path in others if verdict([line], path) is not None] == []


def test_a_name_with_a_line_break_in_its_folder_is_a_name_like_others() -> None:
    assert verdict([b"secret.py"], "a\nb/secret.py") is True


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"[z-a].py", "a range in brackets is in reverse order"),
        (b"**/[b-a]/**", "a range in brackets is in reverse order"),
        (rb"[\d-a]", "a range in brackets is in reverse order"),
        (b"[abc", "'[' has no ']'"),
        (b"[]", "'[' has no ']'"),
        (b"[a\\", "'[' has no ']'"),
        (b"[[:alpha:", "'[' has no ']'"),
        (b"[[:letter:]]", "it names an unknown class of characters"),
        (b"a/[/]b", "no character matches its brackets"),
        (b"name\\", "it ends with a backslash"),
        (b"x" * 4_001, "it has more than 4,000 bytes"),
    ],
)
def test_what_is_malformed_is_said(line: bytes, fault: str) -> None:
    rule = parse_rule(line)
    assert rule is not None
    assert rule.fault == fault


@pytest.mark.parametrize("line", [b"", b"   ", b"# words", b"/", b"!", b"!/"])
def test_lines_that_name_nothing(line: bytes) -> None:
    assert parse_rule(line) is None


def test_a_malformed_line_matches_nothing_and_the_others_count() -> None:
    parsed = parse_rules([b"[abc", b"", b"build/", b"x\\"])
    assert [number for number, _ in parsed.problems] == [1, 4]
    rules = Rules(parsed.rules)
    assert rules.verdict("build", is_folder=True) is True
    assert [rules.verdict(path, is_folder=False) for path in ("[abc", "a", "x", "x\\")] == [None] * 4


@pytest.mark.parametrize(
    "line",
    [
        b"*a" * 127 + b"b",
        b"**/" * 100 + b"*a*a*a*a*a*a*a*b",
        b"*" * 4_000 + b"b",
        b"[a-y]*" * 600 + b"z",
        b"*a" + b"?" * 200 + b"!",
    ],
)
def test_no_line_takes_more_time_than_its_length_and_the_name_s(line: bytes) -> None:
    """A matcher that backtracks does not end here before the sun does."""
    rules = Rules(parse_rules([line] * 20).rules)
    for path in ("a" * 255, "/".join(["a" * 255] * 15), os.fsdecode(b"\xe9" * 255)):
        assert rules.verdict(path, is_folder=False) is None


def test_there_is_an_end_to_rules_and_to_wildcards() -> None:
    assert parse_rules([b"# words"] * 20_000 + [b"a"] * 10_000).cut_at is None
    many = parse_rules([b"a"] * 10_001)
    assert (many.cut_at, len(many.rules)) == (10_001, 10_000)
    costly = parse_rules([b"*?" * 100] * 200)
    assert (costly.cut_at, len(costly.rules)) == (101, 100)


def test_many_rules_are_matched_together_and_the_last_one_decides() -> None:
    lines = [b"name%d.py" % number for number in range(5_000)]
    rules = Rules(parse_rules([*lines, b"!name7.py", b"name7*"]).rules)
    assert len(rules) < 100
    assert rules.verdict("deep/name4999.py", is_folder=False) is True
    assert rules.verdict("name7.py", is_folder=False) is True
    assert Rules(parse_rules([*lines, b"!name7.py"]).rules).verdict("name7.py", is_folder=False) is False


def test_rules_too_large_to_be_matched_together_are_matched_one_by_one() -> None:
    line = b"[acegikmoqsuwy]" * 260  # little text, but many ranges
    rules = Rules(parse_rules([line, line + b"a"]).rules)
    assert rules.verdict("a" * 260, is_folder=False) is True
    assert rules.verdict("b" * 260, is_folder=False) is None


def test_a_rule_on_a_folder_covers_what_is_in_it() -> None:
    rules = Rules(parse_rules([b"src/", b"!src/gen/"]).rules)
    assert rules.verdict_with_folders("src/a/b.py") is True
    assert rules.verdict_with_folders("src/gen/b.py") is False
    assert rules.verdict_with_folders("lib/src.py") is None


def test_a_rule_is_a_value() -> None:
    assert parse_rule(b"!a/") == Rule(rb"(?:[^\x00]*/)?a\x00", re_includes=True)
