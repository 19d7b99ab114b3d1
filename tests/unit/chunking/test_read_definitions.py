"""Definitions with the lines of their documentation."""

from __future__ import annotations

import pytest

from codecontext.chunking.definitions import SourceDefinition, read_definitions
from codecontext.core import ChunkKind

PYTHON = '''\
# Adds up.
@cached
def total(rows):
    """Sum of all rows.

    Twice.
    """
    return sum(rows)


class Cart:
    """Things to buy."""

    size = 1

    def add(self, item): "Put it in."; self.items.append(item)
'''


def by_name(path: str, text: str) -> dict[str, SourceDefinition]:
    return {item.qualified_name: item for item in read_definitions(path, text)}


def test_places_of_a_definition_and_its_documentation() -> None:
    total = by_name("a.py", PYTHON)["total"]
    assert (total.start_line, total.header_line, total.end_line) == (1, 3, 8)
    assert total.doc == "Sum of all rows.\n\nTwice."
    assert total.doc_lines == ((1, 1), (4, 7))
    assert total.doc_is_apart


def test_a_class_has_a_head_of_its_own() -> None:
    cart = by_name("a.py", PYTHON)["Cart"]
    assert (cart.kind, cart.header_line, cart.own_end_line, cart.end_line) == (ChunkKind.CLASS, 11, 15, 16)


def test_documentation_on_a_line_with_code_is_not_apart() -> None:
    add = by_name("a.py", PYTHON)["Cart.add"]
    assert add.doc == "Put it in."
    assert not add.doc_is_apart
    assert add.doc_lines == ()


@pytest.mark.parametrize(
    ("path", "source", "doc_lines"),
    [
        ("a.go", "package x\n\n// Add adds.\n// Twice.\nfunc Add() int {\n\treturn 1\n}\n", ((3, 3), (4, 4))),
        ("a.ts", "/**\n * Adds.\n */\nexport function add() {\n  return 1;\n}\n", ((1, 3),)),
        ("A.java", "class A {\n  /** Adds. */\n  int add() { return 1; }\n}\n", ((2, 2),)),
    ],
)
def test_comments_above_are_documentation(path: str, source: str, doc_lines: object) -> None:
    (add,) = [item for item in read_definitions(path, source) if item.name.lower() == "add"]
    assert add.doc_lines == doc_lines


def test_text_without_a_grammar_defines_nothing() -> None:
    assert read_definitions("notes.txt", "def f(): pass\n") == []
