"""The settings reference says what the code does."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

from codecontext.config import Settings, describe_settings

REFERENCE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_every_setting_is_in_the_reference() -> None:
    sections = re.split(r"^## ", REFERENCE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    documented = {
        f"{section.partition(chr(10))[0]}.{name}"
        for section in sections
        for name in re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE)
    }
    assert documented == {doc.key for doc in describe_settings()}


def test_the_examples_name_real_settings() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    (toml,) = re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL)
    (yaml_text,) = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
    project = tomllib.loads(toml)
    assert project["embeddings"]["huggingface"].pop("lora_adapter_path") == "adapters/house-style"
    assert Settings(**project).indexing.exclude == ("fixtures/", "*.sql")
    assert Settings(**yaml.safe_load(yaml_text)).search.limit == 20
