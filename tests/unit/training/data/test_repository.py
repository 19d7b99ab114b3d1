"""What is hidden is gone, and every line stays where it was."""

from __future__ import annotations

from pathlib import Path

from codecontext.search.paths import PathRole
from codecontext.training.data.mining.repository import Repository, RepositoryFile
from codecontext.training.data.pairs import CodeSpan, HiddenText

LINES = ["def f():", '    """Doc."""', '    run(help="Say it", more=1)', "    return 1"]
FILE = RepositoryFile("a.py", "\n".join(LINES), "python", PathRole.SOURCE)


def hidden(first: int, last: int, text: str | None = None, path: str = "a.py") -> HiddenText:
    return HiddenText(path=path, start_line=first, end_line=last, text=text)


def test_whole_lines_become_blank() -> None:
    assert FILE.without([hidden(2, 2)]) == [LINES[0], "", *LINES[2:]]


def test_a_text_goes_and_the_rest_of_its_line_stays() -> None:
    assert FILE.without([hidden(3, 3, "Say it")])[2] == '    run(help="", more=1)'


def test_lines_beyond_the_end_are_no_matter() -> None:
    assert len(FILE.without([hidden(4, 99)])) == 4


def test_only_what_is_hidden_in_this_file_counts() -> None:
    repository = Repository(Path("project"), {"a.py": FILE})
    span = CodeSpan(path="a.py", start_line=1, end_line=2)
    assert repository.visible_text(span, [hidden(1, 4, path="b.py")]) == "\n".join(LINES[:2])
    assert repository.visible_text(span, [hidden(2, 2)]) == "def f():\n"
