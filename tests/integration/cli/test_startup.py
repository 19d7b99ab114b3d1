"""What the commands import that look into an index: each only what it uses."""

from __future__ import annotations

from pathlib import Path

from startup import modules_imported

from .conftest import environment

NOT_FOR_AN_INDEX = {
    *("yaml", "tomllib", "torch", "transformers", "peft"),
    *("watchdog", "pygls", "lsprotocol", "rich.progress"),
}
NOT_FOR_A_LOOK = {"codecontext.indexing.run", "codecontext.indexing.scan", "codecontext.indexing.git", "tree_sitter"}
NO_MODEL = {"openvino", "tokenizers", "codecontext.embeddings.huggingface.provider"}


def imported_by(home: Path, folder: Path, *arguments: str, **variables: str) -> set[str]:
    return modules_imported(*arguments, folder=folder, environment=environment(home, **variables))


def test_search(cli_home: Path, shop: Path) -> None:
    modules = imported_by(cli_home, shop, "search", "compare tokens")
    assert {"openvino", "numpy", "codecontext.search.searcher"} <= modules
    unused = {"pygments", "filelock", "multiprocessing.pool", "codecontext.training"}
    assert modules & {*NOT_FOR_AN_INDEX, *NOT_FOR_A_LOOK, *unused} == set()


def test_search_on_a_terminal_has_colours(cli_home: Path, shop: Path) -> None:
    assert "pygments" in imported_by(cli_home, shop, "search", "compare tokens", FORCE_COLOR="1", TERM="xterm")


def test_status(cli_home: Path, shop: Path) -> None:
    modules = imported_by(cli_home, shop, "status")
    assert "codecontext.engine.engine" in modules
    unused = {"pygments", "psutil", "filelock", "codecontext.training", "codecontext.search.searcher"}
    assert modules & {*NOT_FOR_AN_INDEX, *NOT_FOR_A_LOOK, *NO_MODEL, *unused} == set()


def test_the_library_imports_little_until_it_is_used() -> None:
    modules = modules_imported(run="import codecontext; codecontext.CodeContextError")
    heavy = {"numpy", "pydantic", "asyncio", "typer", "rich", "codecontext.engine", "importlib.metadata"}
    assert modules & {*heavy, *NOT_FOR_AN_INDEX, *NOT_FOR_A_LOOK, *NO_MODEL} == set()


def test_the_engine_imports_no_model_before_it_is_asked() -> None:
    modules = modules_imported(run="from codecontext import Engine")
    assert "codecontext.engine.engine" in modules
    assert modules & {"typer", "rich", *NOT_FOR_AN_INDEX, *NOT_FOR_A_LOOK, *NO_MODEL} == set()
