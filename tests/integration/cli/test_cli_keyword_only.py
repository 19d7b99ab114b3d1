"""``indexing.vectors = false``: words alone, without a model and without a warning."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from startup import modules_imported

from .conftest import Codecontext, environment, write_files

MODEL = {"openvino", "tokenizers", "torch", "transformers", "codecontext.embeddings.huggingface.provider"}


@pytest.fixture
def keyword_only(project: Path) -> Path:
    write_files(project)
    (project / ".codecontext.toml").write_text("[indexing]\nvectors = false\n", encoding="utf-8")
    return project


def test_index_and_search_need_no_model(codecontext: Codecontext, keyword_only: Path, cli_home: Path) -> None:
    indexed = codecontext("index")
    assert indexed.returncode == 0
    assert "Embeddings" not in indexed.stdout
    found = json.loads(codecontext("search", "constant time", "--json").stdout)
    assert found["hits"][0]["path"] == "src/tokens.py"
    (state,) = found["states"]
    assert (state["degraded"], state["coverage"], state["space"]) == (None, 1.0, "")
    used = environment(cli_home)
    assert modules_imported("search", "constant time", folder=keyword_only, environment=used) & MODEL == set()


def test_similar_code_is_found_by_its_words(codecontext: Codecontext, keyword_only: Path) -> None:
    codecontext("index")
    found = codecontext("similar", f"{keyword_only / 'src' / 'locks.py'}:6")
    assert found.returncode == 0
    assert "release_lock" in found.stdout
    assert "Degraded" not in found.stderr


def test_status_and_doctor_say_so_and_warn_of_nothing(codecontext: Codecontext, keyword_only: Path) -> None:
    codecontext("index")
    state = json.loads(codecontext("status", "--json").stdout)
    assert (state["stage"], state["coverage"], state["keyword_only"], state["message"]) == ("ready", 1.0, True, "")
    shown = codecontext("status").stdout
    assert "none: keyword search only, as indexing.vectors is off" in shown
    assert "embedded" not in shown
    checks = {check["name"]: check for check in json.loads(codecontext("doctor", "--json").stdout)["checks"]}
    assert checks["embedding"]["status"] == "ok"
    assert checks["embedding"]["found"].startswith("keyword search only")
    assert "model" not in checks
    assert keyword_only.is_dir()


def test_vectors_follow_once_they_are_wanted(codecontext: Codecontext, keyword_only: Path) -> None:
    codecontext("index")
    (keyword_only / ".codecontext.toml").unlink()
    assert json.loads(codecontext("index", "--json").stdout)["coverage"] == 1.0
    (state,) = json.loads(codecontext("search", "constant time", "--json").stdout)["states"]
    assert state["space"] != ""
