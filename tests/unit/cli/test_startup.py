"""Help and version answer at once: what is slow to import is imported when it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"torch", "transformers", "peft", "openvino", "tantivy", "simsimd", "sqlite3", "numpy", "tree_sitter"}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["version"], ["version", "--json"], ["search", "--help"], ["adapter", "train", "--help"]]
)
def test_nothing_heavy_is_imported(arguments: list[str]) -> None:
    script = (
        "import atexit, sys\n"
        f"atexit.register(lambda: print('imported:', *({HEAVY!r} & set(sys.modules)), file=sys.stderr))\n"
        "from codecontext.cli.app import main\n"
        f"sys.argv[1:] = {arguments!r}\n"
        "main()"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout
    assert run.stderr.strip() == "imported:"
