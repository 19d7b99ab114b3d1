"""Makes a repository whose people have words of their own: ``vocabulary.py FOLDER``.

The code is networkx's, a function a file, without its documentation. First come the outlines; then each commit fills
one in and says what it does as people would say it who think of every graph as a railway: stations for nodes, tracks
for edges. Those words are in no file, so that only somebody who has read the history knows them.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import networkx

WORDS = {
    "acyclic": "dead-end",
    "algorithm": "timetable",
    "arc": "siding",
    "clique": "junction cluster",
    "cliques": "junction clusters",
    "component": "district",
    "components": "districts",
    "connected": "coupled",
    "cycle": "loop line",
    "cycles": "loop lines",
    "digraph": "one-way railway",
    "directed": "one-way",
    "edge": "track",
    "edges": "tracks",
    "flow": "freight",
    "graph": "railway",
    "graphs": "railways",
    "neighbors": "next stops",
    "node": "station",
    "nodes": "stations",
    "path": "journey",
    "paths": "journeys",
    "shortest": "quickest",
    "tree": "branch line",
    "trees": "branch lines",
    "undirected": "two-way",
    "vertex": "station",
    "vertices": "stations",
    "weight": "fare",
    "weights": "fares",
}
MAX_FUNCTIONS = 420
LINES = range(4, 60)
_WORD = re.compile(r"[A-Za-z]+")


@dataclass(frozen=True)
class Change:
    """One commit: the outline of a function that it fills in, and what its author said of it."""

    path: str
    outline: str
    text: str
    subject: str


def main(folder: Path) -> None:
    """Make the repository."""
    folder.mkdir(parents=True)
    git = ("git", "-C", str(folder))
    subprocess.run([*git, "init", "--quiet", "--initial-branch=main"], check=True)
    changes = list(told(Path(networkx.__file__).parent / "algorithms"))[:MAX_FUNCTIONS]
    subprocess.run([*git, "fast-import", "--quiet"], input=stream(changes), check=True)
    subprocess.run([*git, "checkout", "--quiet", "main"], check=True)


def told(package: Path) -> Iterator[Change]:
    """Every function of ``package`` whose documentation says in one sentence what it does."""
    for file in sorted(package.rglob("*.py")):
        if "tests" in file.parts:
            continue
        for function in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(function, ast.FunctionDef) and not function.name.startswith("_"):
                subject = in_our_words(ast.get_docstring(function) or "")
                outline, text = bare(function)
                if len(subject.split()) >= 5 and text.count("\n") in LINES:
                    module = file.relative_to(package).with_suffix("")
                    yield Change(f"{module}/{function.name}.py", outline, text, subject)


def in_our_words(documentation: str) -> str:
    """The first sentence, in the words of the railway; empty if it has none of them."""
    sentence = re.split(r"\.\s|\n\n", documentation.strip() + "\n\n", maxsplit=1)[0]
    plain = " ".join(re.sub(r"[`*$]|:[a-z]+:", "", sentence).split())
    said = _WORD.sub(lambda found: WORDS.get(found[0].lower(), found[0]), plain)
    return "" if said == plain or "\\" in said else said.removesuffix(".")


def bare(function: ast.FunctionDef) -> tuple[str, str]:
    """The function's outline, and the function without documentation, comments and decorators."""
    body = function.body[1:]
    function.decorator_list = []
    texts = []
    for statements in ([ast.parse("raise NotImplementedError").body[0]], body):
        function.body = statements or [ast.Pass()]
        texts.append(ast.unparse(function) + "\n")
    return texts[0], texts[1]


def stream(changes: list[Change]) -> bytes:
    """The history as ``git fast-import`` reads it."""
    outlines = {change.path: change.outline for change in changes}
    first = commit(0, "Outlines of all that we need", {".gitignore": ".vscode/\n", **outlines})
    others = (commit(number, change.subject, {change.path: change.text}) for number, change in enumerate(changes, 1))
    return b"".join([first, *others])


def commit(number: int, subject: str, files: dict[str, str]) -> bytes:
    """One commit, an hour after the one before."""
    parts = [
        b"commit refs/heads/main\n",
        b"committer Rail Worker <rail@example.org> %d +0000\n" % (1_700_000_000 + number * 3600),
        data(subject),
        *(b"M 100644 inline %s\n%s" % (path.encode(), data(text)) for path, text in files.items()),
    ]
    return b"".join(parts)


def data(text: str) -> bytes:
    """A text as a command's data."""
    content = text.encode()
    return b"data %d\n%s\n" % (len(content), content)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
