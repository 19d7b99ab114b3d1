"""Files of a folder whose names, contents or kind mean harm to whoever searches it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from codecontext.core.printable import printable_lines

Run = Callable[..., subprocess.CompletedProcess[str]]

MEMORY = 8_000_000_000
"""Bytes of address space: enough for the model, nothing to a link to ``/dev/zero``."""
LIMITED = (
    f"import resource, runpy; resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}));"
    " runpy.run_module('codecontext.cli', run_name='__main__')"
)
CART = "def save_cart(cart):\n    return database.save(cart)\n"
OUTSIDE = "def save_cart(cart):\n    return 'text from outside'\n"


def limited(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``codecontext`` in a process of its own that ends soon and cannot grow without end."""
    return subprocess.run(
        [sys.executable, "-c", LIMITED, *arguments],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


@pytest.fixture
def indexed(codecontext: Run, project: Path) -> Path:
    for path in ("pipe.py", "device.py", "link.py", "lib/cart.py", "still.py"):
        (project / path).parent.mkdir(exist_ok=True)
        (project / path).write_text(CART, encoding="utf-8")
    assert codecontext("index").returncode == 0
    return project


def test_what_a_hit_became_is_looked_at_before_it_is_read(indexed: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "cart.py").write_text(OUTSIDE, encoding="utf-8")
    for name in ("pipe.py", "device.py", "link.py", "lib/cart.py"):
        (indexed / name).unlink()
    (indexed / "lib").rmdir()
    os.mkfifo(indexed / "pipe.py")
    (indexed / "device.py").symlink_to("/dev/zero")
    (indexed / "link.py").symlink_to(outside / "cart.py")
    (indexed / "lib").symlink_to(outside)

    run = limited(indexed, "search", "save_cart", "--json")

    assert run.returncode == 0, run.stderr
    assert [hit["path"] for hit in json.loads(run.stdout)["hits"]] == ["still.py"]
    assert "outside" not in run.stdout


@pytest.mark.parametrize("name", ["pipe.py", "device.py"])
def test_similar_reads_regular_files_only(indexed: Path, name: str) -> None:
    (indexed / name).unlink()
    if name == "pipe.py":
        os.mkfifo(indexed / name)
    else:
        (indexed / name).symlink_to("/dev/zero")
    run = limited(indexed, "similar", f"{name}:1")
    assert (run.returncode, run.stdout) == (2, "")
    assert (
        run.stderr
        == f"Error: There is no file '{name}'. Give an absolute path or one relative to the current directory.\n"
    )


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_names_and_code_cannot_steer_the_terminal(codecontext: Run, project: Path, as_json: bool) -> None:
    name = "cart\x9b31m\u202e\u2066.py"
    code = 'def save_cart(cart):\n    # \x1b]0;title\x07 \x9b2J \u202e evil \u2066 \U000e0041\n    return "cart"\n'
    (project / name).write_text(code, encoding="utf-8")
    (project / "two\nlines.pem").write_text("x", encoding="utf-8")
    assert codecontext("index").returncode == 0
    options = ["--json"] if as_json else []
    found = codecontext("search", "save_cart", *options)
    skipped = codecontext("status", "--skipped", *options)
    for run in (found, skipped):
        assert run.returncode == 0
        assert printable_lines(run.stdout) == run.stdout
        assert printable_lines(run.stderr) == run.stderr
    if as_json:
        assert json.loads(found.stdout)["hits"][0]["path"] == name
        assert json.loads(found.stdout)["hits"][0]["text"] + "\n" == code
        assert json.loads(skipped.stdout)["skipped_files"][0]["path"] == "two\nlines.pem"
    else:
        assert r"cart\x9b31m\u202e\u2066.py:1" in found.stdout
        assert r"\x1b]0;title\x07 \x9b2J \u202e evil \u2066 \U000e0041" in found.stdout
        assert skipped.stdout == r"secret  two\nlines.pem" + "\n"
