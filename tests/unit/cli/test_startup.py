"""Commands that need no index start at once: what they do not use is not imported."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from startup import SERVICE, modules_imported

MODEL = {"torch", "transformers", "peft", "openvino", "tokenizers", "safetensors"}
DATABASES = {"sqlite3", "tantivy", "simsimd"}
INDEXING = {"tree_sitter", "filelock", "codecontext.indexing.run", "codecontext.chunking.chunker"}
ELSEWHERE = {"watchdog", "pygls", "lsprotocol", "codecontext.training", "codecontext.service", "codecontext.lsp"}
NO_INDEX = {"numpy", "multiprocessing", "psutil", *MODEL, *DATABASES, *INDEXING, *ELSEWHERE}
NO_SETTINGS = {"asyncio", "yaml", "pydantic_settings", "codecontext.config", *NO_INDEX}
EXPORTING = ["codecontext", "codecontext.adapters", "codecontext.chunking", "codecontext.embeddings"]


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["version"], ["version", "--json"], ["search", "--help"], ["index", "--help"]],
    ids=" ".join,
)
def test_help_and_version_read_no_settings(arguments: list[str]) -> None:
    modules = modules_imported(*arguments)
    assert "typer" in modules
    assert modules & NO_SETTINGS == set()


def test_help_of_a_command_imports_no_other_command() -> None:
    modules = modules_imported("search", "--help")
    commands = {"codecontext.cli.index", "codecontext.cli.status", "codecontext.cli.config", "codecontext.cli.adapter"}
    assert "codecontext.cli.search" in modules
    assert modules & commands == set()


def test_help_of_training_loads_no_library_that_trains() -> None:
    assert modules_imported("adapter", "train", "--help") & {"numpy", *MODEL - {"safetensors"}, *DATABASES} == set()


def test_settings_are_shown_without_an_index(tmp_path: Path) -> None:
    modules = modules_imported("config", "path", "--folder", str(tmp_path))
    assert "codecontext.cli.config" in modules
    assert modules & {"torch", "transformers", "peft", "openvino", *ELSEWHERE} == set()


def test_the_language_server_holds_nothing_heavy() -> None:
    modules = modules_imported("serve")
    assert "codecontext.lsp.server" in modules
    heavy = {"numpy", "re2", "multiprocessing.pool", "codecontext.service", "codecontext.training"}
    assert modules & {*heavy, *MODEL, *DATABASES, *INDEXING, "codecontext.embeddings", "codecontext.config"} == set()


def test_the_service_starts_without_what_only_others_use() -> None:
    modules = modules_imported(run=SERVICE)
    assert "codecontext.service.service" in modules
    others = {"torch", "transformers", "peft", "openvino", "typer", "rich", "watchdog", "codecontext.cli"}
    assert modules & {*others, "codecontext.lsp", "codecontext.training.trainer"} == set()


@pytest.mark.parametrize("package", EXPORTING)
def test_a_package_has_all_that_it_exports(package: str) -> None:
    module = import_module(package)
    assert {name for name in module.__all__ if not hasattr(module, name)} == set()
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        module.nothing  # noqa: B018
