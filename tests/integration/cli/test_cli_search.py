from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_a_question_finds_its_function(codecontext: Run, shop: Path) -> None:
    run = codecontext("search", "where", "is", "the", "session", "token", "compared", cwd=shop)
    assert run.returncode == 0
    heading, *excerpt = run.stdout.partition("\n\n")[0].splitlines()
    assert heading == " 1  src/tokens.py:6  TokenStore  class"
    assert len(excerpt) == 6
    assert "       6 ┆ class TokenStore:" in excerpt
    assert "      15 ┆         return hmac.compare_digest(stored, token)" in excerpt
    assert run.stderr == ""


def test_a_pipe_gets_no_escape_codes(codecontext: Run, shop: Path) -> None:
    run = codecontext("search", "shopping cart", "--explain", cwd=shop)
    assert "\x1b" not in run.stdout + run.stderr


def test_from_a_subfolder_paths_count_from_there(codecontext: Run, shop: Path) -> None:
    run = codecontext("search", "cartTotal", "-n", "1", cwd=shop / "web")
    assert run.stdout.startswith(" 1  cart.ts:2  cartTotal  function\n")
    run = codecontext("search", "acquire_lock", "-n", "1", cwd=shop / "web")
    assert run.stdout.startswith(" 1  ../src/locks.py:6  acquire_lock  function\n")


def test_a_folder_can_be_named(codecontext: Run, shop: Path) -> None:
    run = codecontext("search", "cartTotal", "-n", "1", "--folder", str(shop), "--json")
    assert json.loads(run.stdout)["folder"] == str(shop)
    assert json.loads(run.stdout)["hits"][0]["path"] == "web/cart.ts"


@pytest.mark.parametrize(
    ("filters", "paths"),
    [
        (["--lang", "typescript"], {"web/cart.ts"}),
        (["--lang", "ts", "--lang", "md"], {"web/cart.ts", "docs/guide.md"}),
        (["--path", "src/*.py", "--path", "!src/locks.py"], {"src/tokens.py"}),
        (["--kind", "section"], {"docs/guide.md"}),
        (["--kind", "function", "--path", "web"], {"web/cart.ts"}),
    ],
)
def test_filters(codecontext: Run, shop: Path, filters: list[str], paths: set[str]) -> None:
    run = codecontext("search", "shopping cart", "--json", *filters, cwd=shop)
    assert {hit["path"] for hit in json.loads(run.stdout)["hits"]} == paths


def test_explain_says_why(codecontext: Run, shop: Path) -> None:
    run = codecontext("search", "acquire_lock", "--explain", "-n", "1", cwd=shop)
    assert re.search(
        r"^    keyword: #1 \(\d.*\) · semantic: #\d+ \(0\.\d\d\) · rules: .+ · score \d", run.stdout, re.MULTILINE
    )
    assert re.search(r"^space [0-9a-f]{16} · no adapter · 100 % of chunks embedded · \d+ ms$", run.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("", "Type a question or a name to search for."),
        ("lang:python", "Type a question or a name to search for."),
        ("?!… ---", "The query has no letters or digits to search for."),
        ("cart lang:cobol", "No results. Try fewer filters or other words."),
    ],
)
def test_no_hits_are_explained_on_stderr(codecontext: Run, shop: Path, query: str, sentence: str) -> None:
    run = codecontext("search", query, cwd=shop)
    assert (run.returncode, run.stdout, run.stderr) == (1, "", f"{sentence}\n")
    as_json = codecontext("search", query, "--json", cwd=shop)
    assert (as_json.returncode, as_json.stderr) == (1, "")
    assert json.loads(as_json.stdout)["hits"] == []
    assert json.loads(as_json.stdout)["message"] == sentence


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("cart " * 2000, id="ten-thousand-characters"),
        pytest.param("장바구니 합계는 어디에서 계산하나요", id="korean"),
        pytest.param("'; DROP TABLE chunks; -- \\ \" %_*()[]{}^$", id="symbols-of-every-language"),
        pytest.param("cart\x00\x1b[31m\u202e\U0001f6d2", id="control-characters"),
    ],
)
def test_any_query_has_an_answer(codecontext: Run, shop: Path, query: str) -> None:
    run = codecontext("search", "--json", "--", query, cwd=shop)
    assert (run.returncode, run.stderr) == (0, "")
    answer = json.loads(run.stdout)
    assert answer["query"] == query
    assert answer["hits"]


def test_an_unknown_kind_is_one_sentence(codecontext: Run, shop: Path) -> None:
    run = codecontext("search", "cart", "--kind", "banana", cwd=shop)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == (
        "Error: 'banana' is not a kind of chunk. Use one of: function, method, class, module, section, block.\n"
    )


def test_a_folder_without_an_index_says_so_before_any_model_is_loaded(codecontext: Run, project: Path) -> None:
    run = codecontext("search", "cart")
    assert (run.returncode, run.stdout) == (5, "")
    assert run.stderr == f"Error: The folder {project} has no index yet. Run: codecontext index {project}\n"
    as_json = codecontext("search", "cart", "--json")
    assert json.loads(as_json.stdout)["error"]["code"] == "index-not-ready"
    assert as_json.stderr == ""


def test_similar_finds_what_does_the_opposite(codecontext: Run, shop: Path) -> None:
    run = codecontext("similar", "locks.py:8", "-n", "1", cwd=shop / "src")
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith(" 1  locks.py:11  release_lock  function\n")


def test_similar_takes_absolute_files_and_columns(codecontext: Run, shop: Path, project: Path) -> None:
    run = codecontext("similar", f"{shop / 'src' / 'locks.py'}:8:5", "--json", cwd=project)
    answer = json.loads(run.stdout)
    assert answer["folder"] == str(shop)
    assert answer["hits"][0]["symbol"] == "release_lock"


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("src/locks.py", "Error: 'src/locks.py' is not of the form FILE:LINE. Example: src/app.py:42."),
        (
            "src/gone.py:1",
            "Error: There is no file 'src/gone.py'. Give an absolute path or one relative to the current directory.",
        ),
        ("src:1", "Error: There is no file 'src'. Give an absolute path or one relative to the current directory."),
        ("src/locks.py:0", "Error: 'src/locks.py' has no line 0. Its lines are 1 to 14."),
        ("src/locks.py:15", "Error: 'src/locks.py' has no line 15. Its lines are 1 to 14."),
        ("logo.png:1", "Error: 'logo.png' is not in the index. Name an indexed file, relative to the folder."),
    ],
)
def test_similar_names_what_is_wrong(codecontext: Run, shop: Path, place: str, sentence: str) -> None:
    run = codecontext("similar", place, cwd=shop)
    assert (run.returncode, run.stdout, run.stderr) == (2, "", f"{sentence}\n")
