"""The text that is embedded."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codecontext.chunking import ChunkingConfig, chunk_source, embedding_text
from codecontext.core import Chunk, ChunkKind

SOURCE = '''class Account:
    """Money."""

    def deposit(self, amount):
        self.balance += amount


def open_account():
    return Account()
'''


def texts_of(source: str, path: str = "sample.py", **limits: int) -> list[str]:
    return [embedding_text(chunk) for chunk in chunk_source(path, source.encode(), ChunkingConfig(**limits))]


def test_definitions_that_name_themselves_are_embedded_as_they_are() -> None:
    whole, function = texts_of(SOURCE)
    assert f"{whole}\n\n\n{function}\n" == SOURCE


def test_member_is_dedented_below_its_qualified_name() -> None:
    header, member, _ = texts_of(SOURCE, target_lines=2)
    assert header == 'class Account:\n    """Money."""\ndef deposit(self, amount)'
    assert member == "Account.deposit\ndef deposit(self, amount):\n    self.balance += amount"


def test_later_piece_of_a_long_function_is_named() -> None:
    body = "".join(f"    step_{number}()\n" for number in range(130))
    first, *others = texts_of(f"def build():\n{body}")
    assert first.startswith("def build():\n")
    assert len(others) == 2
    assert all(text.startswith("build\nstep_") for text in others)


def test_section_is_named_by_its_headings() -> None:
    assert texts_of("# Guide\n\nAll.\n\n## Install\n\nRun it.\n", "sample.md") == [
        "# Guide\n\nAll.",
        "Guide > Install\n## Install\n\nRun it.",
    ]


def test_place_of_a_chunk_changes_nothing() -> None:
    moved = texts_of("import os\nimport sys\n" * 8 + "\n\n" + SOURCE, "elsewhere/other.py")
    assert moved[1:] == texts_of(SOURCE)


def dedented(text: str) -> str:
    return embedding_text(Chunk("a.txt", "text", ChunkKind.BLOCK, 1, 1, text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("    a\n      b", "a\n  b"),
        ("\n    a\n\n    b", "\na\n\nb"),
        ("    a\n  \n    b  ", "a\n\nb  "),
        ("\ta\n    b", "\ta\n    b"),
        ("\t a\n\t  b", "a\n b"),
        ("a\n \t\nb", "a\n\nb"),
        ("  \x0ca\n  b", "\x0ca\nb"),
        (" \n\t", "\n"),
        ("", ""),
    ],
)
def test_shared_indentation_is_left_out(text: str, expected: str) -> None:
    assert dedented(text) == expected


@given(st.text(st.sampled_from(" \t\nab"), max_size=30))
def test_it_is_dedented_as_textwrap_does(text: str) -> None:
    assert dedented(text) == textwrap.dedent(text)
