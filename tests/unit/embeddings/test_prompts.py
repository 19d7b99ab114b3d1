"""Which prompt goes before which text."""

from __future__ import annotations

import pytest

from codecontext.embeddings import InstructionType
from codecontext.embeddings.prompts import resolve_prompts

CANDIDATE = "Candidate code snippet:\n"
RANK = "Represent this query for searching relevant code: "


@pytest.mark.parametrize(
    ("model", "shipped", "default", "kind", "prompt"),
    [
        ("plain", {}, None, "nl2code.query", ""),
        ("e5", {"query": "query: ", "passage": "passage: "}, None, "qa.query", "query: "),
        ("e5", {"query": "query: ", "passage": "passage: "}, None, "code2code.passage", "passage: "),
        ("any", {"document": "doc: ", "passage": "pass: "}, None, "nl2code.passage", "doc: "),
        ("any", {"nl2code_query": "one: ", "query": "all: "}, None, "nl2code.query", "one: "),
        ("any", {"nl2code_query": "one: ", "query": "all: "}, None, "qa.query", "all: "),
        ("any", {"search": "s: "}, "search", "qa.passage", "s: "),
        ("any", {"search": "s: ", "query": "q: "}, "search", "qa.query", "q: "),
        ("any", {"classification": "c: "}, None, "qa.query", ""),
        ("jinaai/jina-code-embeddings-0.5b", {}, None, "code2code.passage", CANDIDATE),
        ("~/models/Jina-Code-Embeddings-1.5b", {}, None, "nl2code.passage", CANDIDATE),
        ("jinaai/jina-code-embeddings-0.5b", {"nl2code_document": "x: "}, None, "nl2code.passage", "x: "),
        ("nomic-ai/CodeRankEmbed", {}, None, "nl2code.query", RANK),
        ("nomic-ai/CodeRankEmbed", {}, None, "nl2code.passage", ""),
    ],
)
def test_prompt_of(model, shipped, default, kind, prompt):
    assert resolve_prompts(model, shipped, default, {})[InstructionType(kind)] == prompt


def test_settings_go_first_even_when_empty():
    overrides = {InstructionType.NL2CODE_QUERY: "", InstructionType.QA_QUERY: "mine: "}
    prompts = resolve_prompts("jina-code-embeddings-0.5b", {"query": "theirs: "}, None, overrides)

    assert prompts[InstructionType.NL2CODE_QUERY] == ""
    assert prompts[InstructionType.QA_QUERY] == "mine: "
    assert prompts[InstructionType.CODE2CODE_QUERY] == "theirs: "
