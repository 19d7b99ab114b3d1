"""Which prompt goes before a text.

In order: the user's settings, the prompts that the model ships (``config_sentence_transformers.json``), the
prompts that its model card documents, none.
"""

from __future__ import annotations

from collections.abc import Mapping

from codecontext.embeddings.base import InstructionType

# Names under which models file the passage side, in the order sentence-transformers looks for them.
PASSAGE_NAMES = ("document", "passage", "corpus")

# https://huggingface.co/jinaai/jina-code-embeddings-0.5b and -1.5b, and table 1 of arXiv:2508.21290.
JINA_CODE_EMBEDDINGS = {
    InstructionType.NL2CODE_QUERY: "Find the most relevant code snippet given the following query:\n",
    InstructionType.NL2CODE_PASSAGE: "Candidate code snippet:\n",
    InstructionType.CODE2CODE_QUERY: "Find an equivalent code snippet given the following code snippet:\n",
    InstructionType.CODE2CODE_PASSAGE: "Candidate code snippet:\n",
    InstructionType.QA_QUERY: "Find the most relevant answer given the following question:\n",
    InstructionType.QA_PASSAGE: "Candidate answer:\n",
}

# https://huggingface.co/nomic-ai/CodeRankEmbed: the prefix is for questions; code goes in bare.
CODE_RANK_EMBED = {
    InstructionType.NL2CODE_QUERY: "Represent this query for searching relevant code: ",
    InstructionType.QA_QUERY: "Represent this query for searching relevant code: ",
}

DOCUMENTED_PROMPTS = {
    "jina-code-embeddings": JINA_CODE_EMBEDDINGS,
    "coderankembed": CODE_RANK_EMBED,
}


def resolve_prompts(
    model_name: str,
    shipped: Mapping[str, str],
    default_name: str | None,
    overrides: Mapping[InstructionType, str],
) -> dict[InstructionType, str]:
    """The prompt of every instruction type.

    ``shipped`` and ``default_name`` are the model's own prompts by name and the one meant for texts of no
    particular kind.
    """
    documented = _documented_prompts(model_name)
    fallback = shipped.get(default_name, "") if default_name else ""
    return {
        kind: overrides.get(kind, _shipped_prompt(kind, shipped) or documented.get(kind) or fallback)
        for kind in InstructionType
    }


def _documented_prompts(model_name: str) -> Mapping[InstructionType, str]:
    name = model_name.lower()
    return next((prompts for family, prompts in DOCUMENTED_PROMPTS.items() if family in name), {})


def _shipped_prompt(kind: InstructionType, shipped: Mapping[str, str]) -> str:
    sides = ("query",) if kind.is_query else PASSAGE_NAMES
    for_task = (f"{kind.task}{separator}{side}" for side in sides for separator in "_.-")
    return next((shipped[name] for name in (*for_task, *sides) if name in shipped), "")
