"""Who may import whom. Imports point down this list, never up."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "server" / "codecontext"
TOP_TO_BOTTOM = [
    *("cli", "lsp", "mcp", "service", "rpc", "engine", "training", "config", "search", "indexing", "watching"),
    *("embeddings", "adapters", "chunking", "store", "core"),
]
TRAINING_TOP_TO_BOTTOM = ["trainer", "evaluator", "release", "optimize", "evaluation", "data", "config"]
ONLY_IN = {
    "torch": {"embeddings", "training"},
    "transformers": {"embeddings", "training"},
    "peft": {"embeddings", "training"},
    "simsimd": {"store"},
    "tantivy": {"store"},
    "lsprotocol": {"lsp", "rpc"},
    "pygls": {"lsp", "rpc"},
    "rich": {"cli"},
    "sqlite3": {"store"},
    "tree_sitter": {"chunking"},
    "typer": {"cli"},
    "watchdog": {"watching"},
    "inotify_simple": {"watching"},
}
SOURCES = sorted(path for path in PACKAGE.glob("*/**/*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0]


def imported_modules(source: str, package: tuple[str, ...]) -> Iterator[str]:
    """Absolute names of all imports in a module of ``package``, also of those inside functions."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parent = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join((*parent, *filter(None, [node.module])))
            yield base
            if base == "codecontext":
                yield from (f"codecontext.{alias.name}" for alias in node.names)


def imports_of(path: Path) -> list[list[str]]:
    package = ("codecontext", *path.relative_to(PACKAGE).parts[:-1])
    return [name.split(".") for name in imported_modules(path.read_text(encoding="utf-8"), package)]


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def test_every_room_has_its_place() -> None:
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir() and any(path.rglob("*.py"))}
    assert rooms <= set(TOP_TO_BOTTOM)
    assert SOURCES


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_imports_point_down(path: Path) -> None:
    above = set(TOP_TO_BOTTOM[: TOP_TO_BOTTOM.index(room_of(path))])
    rooms = {parts[1] for parts in imports_of(path) if parts[0] == "codecontext" and len(parts) > 1}
    assert rooms & above == set()


@pytest.mark.parametrize("path", sorted((PACKAGE / "training").rglob("*.py")), ids=name_of)
def test_imports_inside_training_point_down(path: Path) -> None:
    part = path.relative_to(PACKAGE / "training").with_suffix("").parts[0]
    parts = {names[2] for names in imports_of(path) if names[:2] == ["codecontext", "training"] and len(names) > 2}
    if part != "__init__":
        assert parts & set(TRAINING_TOP_TO_BOTTOM[: TRAINING_TOP_TO_BOTTOM.index(part)]) == set()


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_heavy_libraries_stay_in_their_rooms(path: Path) -> None:
    room = room_of(path)
    libraries = {parts[0] for parts in imports_of(path)}
    assert {library for library in libraries if room not in ONLY_IN.get(library, {room})} == set()


@pytest.mark.parametrize("room", [room for room in TOP_TO_BOTTOM if (PACKAGE / room / "__init__.py").is_file()])
def test_importing_a_room_loads_no_model_library(room: str) -> None:
    """All its modules but the entry points, in a fresh interpreter."""
    modules = [
        ".".join(("codecontext", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
        for path in sorted((PACKAGE / room).rglob("*.py"))
        if path.stem not in {"__main__", "process"}
    ]
    script = (
        "import importlib, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "print(*({'torch', 'transformers', 'peft', 'openvino'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""


def test_relative_imports_and_function_bodies_are_seen() -> None:
    """The reader of imports itself: one that overlooks imports would let everything pass."""
    source = """
import torch.nn
from ...search import query
from .sibling import y
def load():
    from codecontext import engine
"""
    names = set(imported_modules(source, ("codecontext", "store", "deep")))
    assert names >= {"torch.nn", "codecontext.search", "codecontext.store.deep.sibling", "codecontext.engine"}
