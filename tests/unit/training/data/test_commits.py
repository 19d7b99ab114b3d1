"""Commits as pairs, from real histories."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from codecontext.indexing.scan import ScanConfig
from codecontext.training.data.mining.commits import mine_commits, query_of
from codecontext.training.data.mining.history import Commit, read_commits
from codecontext.training.data.mining.repository import read_repository

CART = """\
def total(items, tax):
    net = sum(item.price for item in items)
    return net * (1 + tax)


def empty(cart):
    cart.items.clear()
    cart.changed = True
"""


def commit(subject: str, body: str = "", author: str = "Ada", email: str = "ada@example.org") -> Commit:
    return Commit("0" * 40, 0, author, email, subject, body)


@pytest.mark.parametrize(
    ("subject", "query"),
    [
        ("Round prices before adding tax", "Round prices before adding tax"),
        ("fix(cart): round prices before adding tax (#123)", "round prices before adding tax"),
        ("[cart] Round prices before tax, fixes #12", "Round prices before tax"),
        ("SHOP-17: Round prices before adding tax", "Round prices before adding tax"),
        ("chore(deps): bump left-pad to 1.3", ""),
        ("Merge branch 'main' into cart", ""),
        ("Fix typo in the cart", ""),
        ("Revert \"Round prices\"", ""),
        ("Bump version to 2.0.1", ""),
        ("Update dependencies of the shop", ""),
    ],
)  # fmt: skip
def test_what_a_subject_asks(subject: str, query: str) -> None:
    assert query_of(commit(subject)) == query


def test_a_short_subject_is_completed_from_the_body() -> None:
    assert query_of(commit("Round prices", "Half a cent was lost on every item.\n\nLonger.")) == (
        "Round prices. Half a cent was lost on every item"
    )


@pytest.mark.parametrize("author", ["dependabot[bot]", "renovate", "pre-commit-ci"])
def test_bots_ask_nothing(author: str) -> None:
    assert query_of(commit("Round prices before adding tax", author=author)) == ""


@pytest.fixture
def shop(project: Path, write: Callable[..., None], git: Callable[..., str]) -> Path:
    """A history with a telling commit, a sweeping one, a merge, and some about a function that is gone."""
    git("init", "--initial-branch=main")
    write({"cart.py": CART, "gone.py": "def old(a):\n    return a\n"})
    git("add", ".")
    git("commit", "-m", "Begin with a cart and something old")
    write({"cart.py": CART.replace("net * (1 + tax)", "round(net * (1 + tax), 2)")})
    git("commit", "-am", "Round the price after adding tax (#7)")
    write({"gone.py": "def old(a):\n    return -a\n"})
    git("commit", "-am", "Turn the sign of what is old")
    git("rm", "gone.py")
    git("commit", "-m", "Remove what is old from the shop")
    git("checkout", "-b", "side")
    write({f"m{number}.py": CART for number in range(12)})
    git("add", ".")
    git("commit", "-m", "Copy the cart into every module there is")
    git("checkout", "main")
    write({"cart.py": "import math\n\n\n" + CART.replace("net * (1 + tax)", "round(net * (1 + tax), 2)")})
    git("commit", "-am", "Have mathematics at hand for later")
    git("merge", "--no-ff", "-m", "Merge everything on the side", "side")
    return project


def test_commits_lead_to_the_functions_that_they_changed(shop: Path) -> None:
    pairs = list(mine_commits(read_repository(shop, ScanConfig())))
    assert [(pair.query, [span.name for span in pair.code]) for pair in pairs] == [
        ("Round the price after adding tax", ["total"])
    ]
    assert pairs[0].code[0].start_line == 4  # where the function is now
    assert pairs[0].time is not None
    assert pairs[0].source == "commit"


def test_the_history_is_read_without_merges(shop: Path) -> None:
    commits = read_commits(shop)
    assert "Merge everything on the side" not in [item.subject for item in commits]
    (sweeping,) = [item for item in commits if item.subject.startswith("Copy")]
    assert sweeping.changed == {f"m{number}.py": 8 for number in range(12)}


def test_a_folder_inside_a_repository_counts_from_itself(
    project: Path, write: Callable[..., None], git: Callable[..., str]
) -> None:
    git("init")
    write({"inner/cart.py": CART, "outer.py": CART})
    git("add", ".")
    git("commit", "-m", "Begin with a cart inside and outside")
    write({"inner/cart.py": CART.replace("clear()", "reset()"), "outer.py": CART.replace("clear()", "reset()")})
    git("commit", "-am", "Reset the items of a cart that is emptied")
    (pair,) = mine_commits(read_repository(project / "inner", ScanConfig()))
    assert [(span.path, span.name) for span in pair.code] == [("cart.py", "empty")]


def test_without_git_there_are_no_commits(project: Path, write: Callable[..., None]) -> None:
    write({"cart.py": CART})
    assert list(mine_commits(read_repository(project, ScanConfig()))) == []


def test_programs_that_a_repository_names_are_not_run(
    shop: Path, git: Callable[..., str], tmp_path: Path, write: Callable[..., None]
) -> None:
    trap = tmp_path / "trap"
    script = tmp_path / "trap.sh"
    script.write_text(f"#!/bin/sh\ntouch {trap}\ncat\n")
    script.chmod(0o755)
    write({".gitattributes": "*.py diff=trap filter=trap\n"})
    for key in ("diff.trap.textconv", "diff.trap.command", "diff.external", "core.pager", "gpg.program"):
        git("config", key, str(script))
    git("config", "log.showSignature", "true")
    assert len(list(mine_commits(read_repository(shop, ScanConfig())))) == 1
    assert not trap.exists()


def test_separators_in_a_message_cost_that_commit_alone(
    project: Path, write: Callable[[dict[str, str]], None], git: Callable[..., str]
) -> None:
    git("init", "--quiet")
    for number, message in enumerate(["Add the cart", "Odd \x1e\x1f message\n\nwith \x1e more", "Empty the cart"]):
        write({"cart.py": f"{CART}\n# {number}\n"})
        git("add", ".")
        git("commit", "--quiet", "--message", message)
    assert [commit.subject for commit in read_commits(project)] == ["Empty the cart", "Add the cart"]
