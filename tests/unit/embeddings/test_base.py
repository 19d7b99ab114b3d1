"""Instruction types and what names an embedding space."""

from __future__ import annotations

import re

import pytest

from codecontext.embeddings import EmbeddingSpace, InstructionType

SPACE = EmbeddingSpace(
    base_model="abc",
    pooling="mean",
    normalize=True,
    document_prompts={"nl2code.passage": "", "qa.passage": "Answer: "},
    max_tokens=256,
    dimension=384,
    chunk_format="1",
)


def test_instruction_types_know_their_task_and_side():
    assert {kind.value: (kind.task, kind.is_query) for kind in InstructionType} == {
        "nl2code.query": ("nl2code", True),
        "nl2code.passage": ("nl2code", False),
        "code2code.query": ("code2code", True),
        "code2code.passage": ("code2code", False),
        "qa.query": ("qa", True),
        "qa.passage": ("qa", False),
    }


def test_space_id_is_short_and_the_same_for_equal_spaces():
    same = SPACE.model_copy(update={"document_prompts": dict(reversed(SPACE.document_prompts.items()))})

    assert re.fullmatch(r"[0-9a-f]{16}", SPACE.space_id)
    assert same.space_id == SPACE.space_id


@pytest.mark.parametrize(
    "change",
    [
        {"base_model": "abd"},
        {"document_adapter": "f"},
        {"pooling": "cls"},
        {"normalize": False},
        {"document_prompts": {"nl2code.passage": "Answer: ", "qa.passage": ""}},
        {"max_tokens": 255},
        {"dimension": 256},
        {"chunk_format": "2"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_space_id_follows_every_field(change):
    assert SPACE.model_copy(update=change).space_id != SPACE.space_id


def test_every_field_is_covered_above():
    assert len(EmbeddingSpace.model_fields) == 8
