"""What the documents name is there: files, make targets, messages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    *(path for path in ROOT.glob("*.md") if path.name != "CHANGELOG.md"),
    *ROOT.glob("docs/*.md"),
    *ROOT.glob(".github/**/*.*"),
    *ROOT.glob("changes/README.md"),
    ROOT / "benchmarks" / "README.md",
    ROOT / "vscode-client" / "README.md",
    ROOT / ".pre-commit-config.yaml",
    ROOT / ".ci" / "run",
]
TOP = "server|tests|docs|scripts|benchmarks|vscode-client|changes"
BUILT = re.compile(
    r"vscode-client/(?:codecontext\.vsix|wheels/|node_modules)|tests/editors/vscode/out|benchmarks/results"
)


@pytest.fixture(params=DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def text(request: pytest.FixtureRequest) -> str:
    path: Path = request.param
    return path.read_text(encoding="utf-8")


def test_every_make_target_exists(text: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"(?:^ *(?:\$ )?|`|run: )make ([a-z]+)(?![a-z]* [a-z])", text, re.MULTILINE))
    assert named - targets == set()


def test_every_path_of_the_repository_exists(text: str) -> None:
    named = re.findall(rf"`((?:{TOP})/[\w./-]+?)`", text)
    assert [path for path in named if not BUILT.match(path) and not (ROOT / path).exists()] == []


# --- Messages that docs/troubleshooting.md explains ---


@cache
def literals() -> str:
    """All strings of the package, each on a line; what is filled in is '{}'."""
    return "\n".join(_strings())


def _strings() -> Iterator[str]:
    for path in sorted((ROOT / "server/codecontext").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def quoted() -> Iterator[str]:
    """The parts of each quoted message; '…' stands for what differs."""
    for row in re.findall(r"^\|([^|]+)\|", (ROOT / "docs/troubleshooting.md").read_text("utf-8"), re.MULTILINE):
        for message in re.findall(r'"([^"]+)"', row):
            yield from filter(None, (part.strip(" .'") for part in message.split("…")))


@pytest.mark.parametrize("part", sorted(set(quoted())))
def test_an_explained_message_is_one_that_can_be_seen(part: str) -> None:
    assert part in literals()
