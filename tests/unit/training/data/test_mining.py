"""What each miner finds, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from codecontext.core.errors import OperationCancelled, TrainingError
from codecontext.core.paths import search_log_file
from codecontext.core.progress import CancelToken
from codecontext.indexing.scan import ScanConfig
from codecontext.search.log import SearchLog
from codecontext.training.data.mining.comments import mine_comments
from codecontext.training.data.mining.documentation import mine_documentation
from codecontext.training.data.mining.help_texts import mine_help_texts
from codecontext.training.data.mining.mine import mine
from codecontext.training.data.mining.repository import Repository
from codecontext.training.data.mining.searches import mine_searches
from codecontext.training.data.mining.sections import mine_sections
from codecontext.training.data.mining.sift import sift
from codecontext.training.data.mining.tests import mine_tests
from codecontext.training.data.pairs import CodeSpan, Pair

TOKENS = '''\
"""Session tokens."""

import hmac


class TokenStore:
    """Keeps the tokens of all open sessions in memory."""

    def is_valid(self, user, token):
        """Compare the given token with the stored one in constant time."""
        stored = self._tokens.get(user, "")

        # Timing must not tell how much of the token was right.
        left = stored.encode()
        right = token.encode()
        return hmac.compare_digest(left, right)
'''


def summary(pairs: object) -> list[tuple[str, str]]:
    return [(pair.query, pair.code[0].name) for pair in pairs]  # type: ignore[attr-defined]


def test_documentation_leads_to_what_it_describes(repository_of: Callable[..., Repository]) -> None:
    pairs = list(mine_documentation(repository_of({"tokens.py": TOKENS})))
    assert summary(pairs) == [
        ("Keeps the tokens of all open sessions in memory", "TokenStore"),
        ("Compare the given token with the stored one in constant time", "TokenStore.is_valid"),
    ]
    (span,), (hidden,) = pairs[1].code, pairs[1].hidden
    assert (span.start_line, span.end_line) == (9, 16)
    assert (hidden.start_line, hidden.end_line, hidden.text) == (10, 10, None)


@pytest.mark.parametrize("path", ["tests/test_tokens.py", "vendor/tokens.py", "examples/tokens.py"])
def test_only_source_files_are_answers(repository_of: Callable[..., Repository], path: str) -> None:
    assert list(mine_documentation(repository_of({path: TOKENS}))) == []


def test_a_comment_leads_to_the_block_below(repository_of: Callable[..., Repository]) -> None:
    (pair,) = mine_comments(repository_of({"tokens.py": TOKENS}))
    assert pair.query == "Timing must not tell how much of the token was right"
    assert [(span.start_line, span.end_line) for span in pair.code] == [(14, 16)]
    assert [(item.start_line, item.end_line) for item in pair.hidden] == [(13, 13)]


def test_code_in_a_comment_is_no_question(repository_of: Callable[..., Repository]) -> None:
    source = (
        "function f(a) {\n  const x = 1;\n  // const total = sum(first, second, third);\n  a();\n  b();\n  c();\n}\n"
    )
    assert list(mine_comments(repository_of({"a.js": source}))) == []


def test_a_test_leads_to_the_code_that_it_names(repository_of: Callable[..., Repository]) -> None:
    repository = repository_of(
        {
            "parser.py": "def parse_duration(text):\n    amount, unit = text.split()\n    return amount * unit\n",
            "test_parser.py": (
                "from parser import parse_duration\n\n\n"
                "def test_duration_with_unknown_unit_is_refused():\n    with raises(KeyError):\n"
                "        parse_duration('3 moons')\n\n\n"
                "def test_nothing_in_common_with_names():\n    assert True\n"
            ),
        }
    )
    assert summary(mine_tests(repository)) == [("duration with unknown unit is refused", "parse_duration")]


def test_a_javascript_test_says_what_it_tests(repository_of: Callable[..., Repository]) -> None:
    repository = repository_of(
        {
            "src/cart.ts": "export function cartTotal(items: Item[]) {\n  return items.reduce(add, 0);\n}\n",
            "src/cart.test.ts": (
                "describe('cart', () => {\n  it('adds the prices of the cart with tax', () => {\n"
                "    expect(cartTotal([])).toBe(0);\n  });\n});\n"
            ),
        }
    )
    assert summary(mine_tests(repository)) == [("adds the prices of the cart with tax", "cartTotal")]


def test_a_section_leads_to_the_code_that_it_names(repository_of: Callable[..., Repository]) -> None:
    repository = repository_of(
        {
            "tokens.py": TOKENS,
            "docs/guide.md": (
                "# Guide\n\n## Logging in again\n\n"
                "Whether a session is still open is asked of `TokenStore.is_valid()`.\n\n"
                "## Other\n\nNothing about `unknown_name` here.\n"
            ),
            "CHANGELOG.md": "# Changes\n\n## 1.0\n\nAdded `TokenStore.is_valid`, which is new.\n",
        }
    )
    assert summary(mine_sections(repository)) == [
        (
            "Logging in again: Whether a session is still open is asked of TokenStore.is_valid()",
            "TokenStore.is_valid",
        )
    ]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        (
            "cli.py",
            'def main():\n    parser.add_argument("--jobs", help="How many files are read at once")\n    run()\n',
        ),
        (
            "cmd.go",
            'package x\n\nvar cmd = &Command{\n\tUse: "jobs",\n\tShort: "How many files are read at once",\n}\n',
        ),
        ("cli.js", "program\n  .option('--jobs')\n  .description('How many files are read at once');\n"),
    ],
)
def test_a_help_text_leads_to_the_option(repository_of: Callable[..., Repository], path: str, source: str) -> None:
    (pair,) = mine_help_texts(repository_of({path: source}))
    assert pair.query == "How many files are read at once"
    assert pair.hidden[0].text == "How many files are read at once"


def test_logged_searches_lead_to_what_was_opened(repository_of: Callable[..., Repository]) -> None:
    repository = repository_of({"tokens.py": TOKENS})
    log = SearchLog(search_log_file(repository.folder))
    log.record("is this login still good", "tokens.py", 9, 16)
    log.record("gone", "other.py", 1, 2)
    with search_log_file(repository.folder).open("a") as file:
        file.write("half a li")
    (pair,) = mine_searches(repository)
    assert (pair.query, pair.code[0].name, pair.source) == ("is this login still good", "TokenStore.is_valid", "search")
    assert search_log_file(repository.folder).stat().st_mode & 0o077 == 0


def long_function(name: str, doc: str) -> str:
    body = "    left, right = sorted((first, second))\n    return left * right\n\n\n"
    return f'def {name}(first, second):\n    """{doc}"""\n{body}'


@pytest.mark.parametrize(
    ("doc", "reason"),
    [
        ("Area.", "too few words"),
        ("Deprecated, will go in the next release.", "no description of behaviour"),
        ("Returns the area of the box.", "only repeats the name"),
        ("x == 1 && y[0] <= 2 + 3", "not prose"),
    ],
)
def test_reasons_to_leave_a_pair_out(repository_of: Callable[..., Repository], doc: str, reason: str) -> None:
    repository = repository_of({"a.py": long_function("area_of_box", doc)})
    sifted = sift(mine_documentation(repository), repository)
    assert sifted.pairs == []
    assert dict(sifted.left_out["documentation"]) == {reason: 1}


def test_code_that_says_the_query_itself_is_left_out(repository_of: Callable[..., Repository]) -> None:
    source = (
        'def close(self, reason):\n    """Close the stream for good."""\n'
        '    log.info("close the stream, for good")\n    self.stream.end(reason, final=True)\n'
    )
    repository = repository_of({"a.py": source})
    sifted = sift(mine_documentation(repository), repository)
    assert sifted.pairs == []
    assert dict(sifted.left_out["documentation"]) == {"query text still appears in the code": 1}


def test_one_line_functions_are_no_answers(repository_of: Callable[..., Repository]) -> None:
    repository = repository_of({"a.py": 'def f():\n    """The number of open files right now."""\n    return 0\n'})
    assert dict(sift(mine_documentation(repository), repository).left_out["documentation"]) == {"trivial code": 1}


def test_a_question_asked_twice_is_one_pair_and_asked_again_and_again_none(
    repository_of: Callable[..., Repository],
) -> None:
    twice = "".join(long_function(f"twice_{number}", "Join two ranges into one.") for number in range(2))
    often = "".join(long_function(f"often_{number}", "Handle the event as usual.") for number in range(4))
    repository = repository_of({"a.py": twice + often})
    sifted = sift(mine_documentation(repository), repository)
    (pair,) = sifted.pairs
    assert [span.name for span in pair.code] == ["twice_0", "twice_1"]
    assert len(pair.hidden) == 2
    assert sifted.left_out["documentation"]["duplicate query"] == 4


def test_a_pair_with_many_answers_asks_for_nothing(repository_of: Callable[..., Repository]) -> None:
    repository = repository_of({"a.py": "".join(long_function(f"f{number}", "x") for number in range(6))})
    spans = tuple(CodeSpan(path="a.py", start_line=6 * number + 1, end_line=6 * number + 4) for number in range(6))
    sifted = sift([Pair(query="change all of these at once", code=spans)], repository)
    assert dict(sifted.left_out["own"]) == {"too many answers": 1}


def test_mining_counts_by_source_and_is_the_same_each_time(project: Path, write: Callable[..., None]) -> None:
    write({"tokens.py": TOKENS, "empty.py": "x = 1\n"})
    mined, repository = mine(project, ScanConfig())
    assert {item.source: item.pairs for item in mined.sources} == {"documentation": 1}
    assert mined.sources[0].left_out == {"trivial code": 1}  # the head of the class
    assert set(repository.files) == {"tokens.py", "empty.py"}
    assert mine(project, ScanConfig())[0] == mined
    only, _ = mine(project, ScanConfig(), sources=["comment"])
    assert {pair.source for pair in only.pairs} == {"comment"}


def test_a_folder_without_git_and_documentation_gives_nothing(project: Path, write: Callable[..., None]) -> None:
    write({"a.py": "def f(a):\n    return a\n"})
    mined, _ = mine(project, ScanConfig())
    assert mined.pairs == []
    assert mined.sources == []


def test_an_unknown_source_is_said(project: Path) -> None:
    with pytest.raises(TrainingError, match=r"'docs' is not a source of pairs\. Choose from: documentation, comment"):
        mine(project, ScanConfig(), sources=["docs"])


def test_mining_can_be_stopped(project: Path, write: Callable[..., None]) -> None:
    write({"tokens.py": TOKENS})
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(OperationCancelled):
        mine(project, ScanConfig(), cancel=cancel)
