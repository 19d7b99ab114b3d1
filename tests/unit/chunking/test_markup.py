"""Markdown and reStructuredText by heading."""

from __future__ import annotations

import pytest

from codecontext.chunking import chunk_source
from codecontext.core import Chunk, ChunkKind


def sections_of(source: str, path: str = "sample.md") -> list[Chunk]:
    return chunk_source(path, source.encode())


def headings(source: str, path: str = "sample.md") -> list[tuple[str, int, int]]:
    return [(chunk.qualified_name, chunk.start_line, chunk.end_line) for chunk in sections_of(source, path)]


def test_sections_of_markdown() -> None:
    source = (
        "Preamble.\n\n# Guide\n\nAll of it.\n\n## Install ##\n\nRun it.\n\n### Linux\n\nApt.\n\n## Use\n\nCall it.\n"
    )
    assert headings(source) == [
        ("", 1, 1),
        ("Guide", 3, 5),
        ("Guide > Install", 7, 9),
        ("Guide > Install > Linux", 11, 13),
        ("Guide > Use", 15, 17),
    ]
    *_, last = sections_of(source)
    assert (last.kind, last.symbol, last.text) == (ChunkKind.SECTION, "Use", "## Use\n\nCall it.")


def test_sections_of_restructuredtext() -> None:
    source = (
        "=====\nGuide\n=====\n\nAll of it.\n\nInstall\n=======\n\nRun it.\n\n"
        "Linux\n-----\n\nApt.\n\nUse\n===\n\nCall it.\n"
    )
    assert headings(source, "sample.rst") == [
        ("Guide", 1, 5),
        ("Guide > Install", 7, 10),
        ("Guide > Install > Linux", 12, 15),
        ("Guide > Use", 17, 20),
    ]


@pytest.mark.parametrize(
    ("source", "title"),
    [
        ("# Plain", "Plain"),
        ("#\tTab", "Tab"),
        ("   ### Indented ###", "Indented"),
        ("# C#", "C#"),
        ("# Closed #  ", "Closed"),
        ("# *Marked* `code` and [link](http://x.y)", "Marked code and link"),
        ("# snake_case_name", "snake_case_name"),
        ("Underlined\n===", "Underlined"),
        ("Two\nlines\n---", "Two lines"),
    ],
)
def test_heading_of_markdown(source: str, title: str) -> None:
    assert [chunk.symbol for chunk in sections_of(f"{source}\n\nBody.\n")] == [title]


@pytest.mark.parametrize(
    "source",
    [
        "#No space",
        "####### Seven",
        "    # Indented code",
        "```sh\n# a comment\n```",
        "~~~~\n# a comment\n~~~\n# another\n~~~~",
        "```\n# never closed",
        "- item\n---",
        "> quote\n---",
        "a | b\n--- | ---\n1 | 2",
        "Text.\n\n---\n\nMore.",
        "---\ntitle: Front matter\n---\n\nText.",
        "+++\ntitle = 'Front matter'\n+++\n\nText.",
    ],
)
def test_no_heading_of_markdown(source: str) -> None:
    assert {chunk.symbol for chunk in sections_of(f"{source}\n")} == {""}


@pytest.mark.parametrize(
    ("source", "title"),
    [
        ("Title\n=====", "Title"),
        ("Title\n=======", "Title"),
        ("*****\nTitle\n*****", "Title"),
        ("=======\n Title\n=======", "Title"),
        ("``code`` and :ref:`label <there>`\n=================================", "code and label"),
    ],
)
def test_title_of_restructuredtext(source: str, title: str) -> None:
    assert [chunk.symbol for chunk in sections_of(f"{source}\n\nBody.\n", "sample.rst")] == [title]


@pytest.mark.parametrize(
    "source",
    [
        "A long line of text\n---",
        "  Indented\n  ========",
        "Text.\n\n----------\n\nMore.",
        "Paragraph\nSecond line\n===========",
        "=====  =====\nA      B\n=====  =====\n1      2\n=====  =====",
    ],
)
def test_no_title_of_restructuredtext(source: str) -> None:
    assert {chunk.symbol for chunk in sections_of(f"{source}\n", "sample.rst")} == {""}


def test_heading_without_text_joins_the_subsection_below_it() -> None:
    assert headings("# Guide\n\n## Install\n\nRun it.\n\n# Empty\n\n# End\n") == [
        ("Guide > Install", 1, 5),
        ("Empty", 7, 7),
        ("End", 9, 9),
    ]


def test_long_section_is_cut_between_paragraphs_and_not_inside_code() -> None:
    paragraph = "A sentence that says something. " * 8
    code = "```python\n" + "\n".join(f"step_{number}()\n" for number in range(20)) + "\n```"
    source = "# Long\n\n" + "\n\n".join([paragraph] * 8) + f"\n\n{code}\n"

    chunks = sections_of(source)

    assert len(chunks) > 1
    assert {chunk.symbol for chunk in chunks} == {"Long"}
    assert all(len(chunk.text) <= 1800 for chunk in chunks)
    assert sum("```python" in chunk.text and chunk.text.endswith("```") for chunk in chunks) == 1
