"""The list of settings that documentation and ``config show`` are made of."""

from __future__ import annotations

import pytest

from codecontext.config import describe_settings
from codecontext.config.tree import section_keys


def test_every_setting_says_what_it_is_for() -> None:
    assert [doc.key for doc in describe_settings() if not doc.description.endswith((".", ")"))] == []


@pytest.mark.parametrize(
    ("key", "words", "default"),
    [
        ("embeddings.provider", '"huggingface"', "huggingface"),
        ("embeddings.huggingface.lora_adapter_path", "text or unset", None),
        ("embeddings.huggingface.threads", "whole number, at least 1, or unset", None),
        ("indexing.exclude", "list of text", []),
        ("indexing.max_file_bytes", "whole number, at least 1", 1_000_000),
        ("indexing.respect_gitignore", "true or false", True),
        ("logging.level", '"debug", "info", "warning", "error"', "info"),
        ("search.limit", "whole number, 1 to 200", 10),
    ],
)
def test_types_are_in_words_and_defaults_in_json(key: str, words: str, default: object) -> None:
    (doc,) = (doc for doc in describe_settings() if doc.key == key)
    assert (doc.type, doc.default) == (words, default)


def test_variables_are_the_keys_in_capitals() -> None:
    variables = {doc.key: doc.env_var for doc in describe_settings()}
    assert variables["embeddings.huggingface.lora_adapter_path"] == (
        "CODECONTEXT_EMBEDDINGS__HUGGINGFACE__LORA_ADAPTER_PATH"
    )


def test_sections_are_all_that_stands_above_a_setting() -> None:
    assert section_keys() == {
        "embeddings",
        "embeddings.huggingface",
        "indexing",
        "chunking",
        "engine",
        "search",
        "storage",
        "adapters",
        "logging",
    }
