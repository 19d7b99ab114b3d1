"""Notebooks cut by cells."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codecontext.chunking import ChunkingConfig, chunk_source
from codecontext.core import Chunk
from codecontext.core.notebooks import shown_lines


def cell(source: str, kind: str = "code", **more: Any) -> dict[str, Any]:
    return {"cell_type": kind, "metadata": {}, "source": source.splitlines(keepends=True), **more}


def notebook(*cells: dict[str, Any], language: str = "python", indent: int | None = 1) -> str:
    metadata = {"kernelspec": {"language": language}} if language else {}
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4}, indent=indent)


def chunks_of(text: str, **limits: int) -> list[Chunk]:
    """Chunks of a notebook, each found at its lines."""
    chunks = chunk_source("a.ipynb", text.encode(), ChunkingConfig(**limits))
    shown = shown_lines("a.ipynb", text)
    for chunk in chunks:
        here = "\n".join(shown[chunk.start_line - 1 : chunk.end_line])
        assert chunk.text == here or ("\n" in shown[chunk.start_line - 1] and chunk.text in here)
    return chunks


def summary(chunks: list[Chunk]) -> list[tuple[str, str, str]]:
    return [(chunk.language, chunk.kind.value, chunk.qualified_name) for chunk in chunks]


FIT = 'def fit(frame, penalty="l2"):\n    """Fit the model."""\n\n    return model.fit(frame)\n'
OUTPUT = {"output_type": "stream", "text": ["def fake():\n"], "data": {"image/png": "QUJD" * 20_000}}


def test_code_and_markdown_cells_are_chunks_and_outputs_are_not() -> None:
    text = notebook(
        cell("# Churn\n\nWe fit it.\n", "markdown"), cell(FIT, outputs=[OUTPUT]), cell("plot()", outputs=[OUTPUT])
    )
    chunks = chunks_of(text)
    assert summary(chunks) == [
        ("markdown", "section", "Churn"),
        ("python", "function", "fit"),
        ("python", "block", ""),
    ]
    fit = chunks[1]
    assert (fit.doc, fit.signature) == ("Fit the model.", 'def fit(frame, penalty="l2")')
    assert '"def fit(frame, penalty=\\"l2\\"):\\n"' in text.split("\n")[fit.start_line - 1]
    assert "return model.fit(frame)" in text.split("\n")[fit.end_line - 1]


def test_a_notebook_on_one_line_has_its_chunks_there() -> None:
    chunks = chunks_of(notebook(cell(FIT), cell("class A:\n    def b(self): ...\n"), indent=None))
    assert [(chunk.start_line, chunk.end_line, chunk.symbol) for chunk in chunks] == [(1, 1, "fit"), (1, 1, "A")]


@pytest.mark.parametrize(
    "magics",
    ["%matplotlib inline\n", '!pip install x[y] "z\n', "files = !ls (\n", "%%time\n", "%cd ~/ü{\n", "?help\n"],
)
def test_magics_break_no_code(magics: str) -> None:
    (chunk,) = chunks_of(notebook(cell(magics + FIT)))
    assert (chunk.symbol, chunk.doc) == ("fit", "Fit the model.")
    assert chunk.text == magics + FIT.removesuffix("\n")


def test_operators_are_no_magics() -> None:
    source = 'def show(a):\n    return ("%s"\n            % a\n            != a)\n\n\ndef second():\n    return 2\n'
    assert [chunk.symbol for chunk in chunks_of(notebook(cell(source)), min_chunk_chars=0)] == ["show", "second"]


@pytest.mark.parametrize(
    ("language", "source", "expected"),
    [
        ("python", "%%bash\ngreet() {\n  echo hi\n}\n", ("bash", "function", "greet")),
        ("python", "%%unheard\ndef f(): ...\n", ("python", "function", "f")),
        ("R", "f <- function(x) {\n  x\n}\n", ("r", "function", "f")),
        ("julia", "function f(x)\n  x\nend\n", ("julia", "function", "f")),
        ("C++17", "int f() { return 1; }\n", ("cpp", "function", "f")),
        ("C#", "class F { }\n", ("csharp", "class", "F")),
        ("", "def f(): ...\n", ("python", "function", "f")),
        ("brand-new", "f is x\n", ("jupyter", "block", "")),
    ],
)
def test_a_cell_is_read_in_its_own_language(language: str, source: str, expected: tuple[str, str, str]) -> None:
    assert summary(chunks_of(notebook(cell(source), language=language))) == [expected]


def test_one_cell_may_have_another_language() -> None:
    other = cell("CREATE TABLE carts (id INT);\n") | {"metadata": {"vscode": {"languageId": "sql"}}}
    assert summary(chunks_of(notebook(cell(FIT), other))) == [("python", "function", "fit"), ("sql", "class", "carts")]


def test_broken_code_in_one_cell_changes_no_other() -> None:
    chunks = chunks_of(notebook(cell("def broken((((:\n  '''\n"), cell(FIT)))
    assert ("python", "function", "fit") in summary(chunks)


def test_a_broken_notebook_never_has_its_outputs_indexed() -> None:
    text = notebook(cell(FIT, outputs=[OUTPUT]), cell("plot()"))
    for end in range(0, len(text), 997):
        assert all("QUJD" not in chunk.text and "fake" not in chunk.text for chunk in chunks_of(text[:end]))


def test_sources_beyond_the_parsing_limit_are_cut_into_windows() -> None:
    chunks = chunks_of(notebook(*[cell(FIT)] * 20), max_parse_chars=1_000)
    assert {chunk.symbol for chunk in chunks} == {""}
    assert len(chunks) == 20


def test_what_is_no_notebook_has_no_chunks() -> None:
    assert chunks_of("def f(): ...") == []
    assert chunks_of("") == []
