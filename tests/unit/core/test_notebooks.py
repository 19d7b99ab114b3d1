"""Notebooks as the lines that a person wrote."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codecontext.core.notebooks import read_notebook, shown_lines

PLOT = "iVBORw0KGgo" * 100
CELLS: list[dict[str, Any]] = [
    {"cell_type": "markdown", "metadata": {}, "source": ["# Churn\n", "\n", "We fit."]},
    {
        "cell_type": "code",
        "execution_count": 1,
        "metadata": {},
        "outputs": [{"data": {"image/png": PLOT, "text/plain": ["def fake():\n", "  pass"]}, "source": ["no"]}],
        "source": ["def fit(frame):\n", '    return "fit"'],
    },
    {"cell_type": "code", "metadata": {"vscode": {"languageId": "sql"}}, "source": "SELECT 1;\nSELECT 2;\n"},
]
NOTEBOOK = {
    "cells": CELLS,
    "metadata": {"kernelspec": {"display_name": "R", "language": "R", "name": "ir"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


def lines_of(notebook: object, **layout: Any) -> list[str]:
    return shown_lines("a.ipynb", json.dumps(notebook, **layout))


def test_cells_and_their_language() -> None:
    notebook = read_notebook(json.dumps(NOTEBOOK, indent=1))
    assert notebook.language == "R"
    assert [(cell.kind, cell.language, cell.lines) for cell in notebook.cells] == [
        ("markdown", "", ("# Churn", "", "We fit.")),
        ("code", "", ("def fit(frame):", '    return "fit"')),
        ("code", "sql", ("SELECT 1;", "SELECT 2;")),
    ]


@pytest.mark.parametrize("indent", [1, 2, "\t"])
def test_a_line_of_source_is_shown_where_it_stands(indent: int | str) -> None:
    text = json.dumps(NOTEBOOK, indent=indent)
    shown = shown_lines("dir/A.IPYNB", text)
    assert len(shown) == len(text.split("\n"))
    for row, line in enumerate(text.split("\n")):
        source = {"# Churn\\n": "# Churn", "def fit(frame):\\n": "def fit(frame):", "We fit.": "We fit."}
        wanted = next((after for before, after in source.items() if f'"{before}"' in line), None)
        assert wanted is None or shown[row] == wanted
    assert [line for line in shown if line] == [
        "# Churn", "We fit.", "def fit(frame):", '    return "fit"', "SELECT 1;\nSELECT 2;"
    ]  # fmt: skip


def test_a_notebook_on_one_line_shows_all_its_source_there() -> None:
    (shown,) = lines_of(NOTEBOOK)
    assert shown == '# Churn\n\nWe fit.\ndef fit(frame):\n    return "fit"\nSELECT 1;\nSELECT 2;'


def test_the_first_format_with_cells_is_read() -> None:
    sheet = {"cells": [{"cell_type": "code", "input": ["x = 1\n", "y = 2"], "outputs": [PLOT], "language": "python"}]}
    assert [line for line in lines_of({"worksheets": [sheet], "nbformat": 3}, indent=1) if line] == ["x = 1", "y = 2"]


def test_pictures_inside_of_source_are_left_out() -> None:
    cell = {"cell_type": "markdown", "source": [f"![plot](data:image/png;base64,{PLOT})"]}
    assert lines_of({"cells": [cell]}) == ["![plot](data:image/png;base64,)"]


def test_a_truncated_notebook_shows_the_cells_before_the_fault() -> None:
    text = json.dumps(NOTEBOOK, indent=1)
    cut = text[: text.index("SELECT")]
    assert [line for line in shown_lines("a.ipynb", cut) if line][:4] == [
        "# Churn", "We fit.", "def fit(frame):", '    return "fit"'
    ]  # fmt: skip


def test_conflict_markers_hide_no_cell() -> None:
    text = json.dumps(NOTEBOOK, indent=1).replace(
        '    "We fit."\n', '<<<<<<< HEAD\n    "We fit."\n=======\n    "We train."\n>>>>>>> other\n'
    )
    assert {"We fit.", "We train.", "def fit(frame):", "SELECT 1;\nSELECT 2;"} <= set(shown_lines("a.ipynb", text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "no notebook",
        "[1, 2]",
        '{"cells": 5, "metadata": []}',
        '{"cells": [5, "x", {"source": {"a": 1}}]}',
        '{"cells": [{"source": "\\ud800\\u0000\\q"}]}',
        '{"cells": [{"source": ' + "[" * 100_000,
        '{"cells": ["' + '\\"' * 200_000,
        '{"cells": [' + '{"source": "x' * 20_000,
    ],
    ids=lambda text: text[:24],
)
def test_any_text_has_as_many_shown_lines_as_lines(text: str) -> None:
    shown = shown_lines("a.ipynb", text)
    assert len(shown) == text.count("\n") + 1
    "".join(shown).encode()


def test_other_files_show_what_they_are() -> None:
    assert shown_lines("a.json", '{\n"cells": []}') == ["{", '"cells": []}']
