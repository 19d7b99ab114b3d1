"""Commands that embed run the model without PyTorch, transformers or PEFT, which take seconds to import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from codecontext.embeddings.openvino.library import OPENVINO_AVAILABLE
from integration.cli.conftest import environment, write_files

pytestmark = pytest.mark.skipif(not OPENVINO_AVAILABLE, reason="OpenVINO is not installed, so PyTorch runs the model")

ADAPTER = "CODECONTEXT_EMBEDDINGS__HUGGINGFACE__LORA_ADAPTER_PATH"

# Runs a command as its entry point does, then prints which of the heavy modules it imported.
COMMAND = """
import json, sys
from codecontext.cli.app import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
heavy = ("torch", "transformers", "peft", "huggingface_hub", "openvino.tools.ovc", "openvino_telemetry")
print(json.dumps([name for name in heavy if sys.modules.get(name)]), file=sys.stderr)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_files(tmp_path / "shop")
    return tmp_path / "shop"


@pytest.mark.parametrize("with_adapter", [False, True], ids=["bundled model", "adapter"])
def test_no_command_imports_torch(folder: Path, tmp_path: Path, adapter: Path, with_adapter: bool) -> None:
    """Not on a machine where nothing has been cached yet, and with vectors in every result."""
    env = environment(tmp_path / "home", **({ADAPTER: str(adapter)} if with_adapter else {}))

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", COMMAND, *arguments],
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            check=True,
        )

    indexed = run("index")
    found = run("search", "where is the session token compared", "--json")

    assert indexed.stderr.splitlines()[-1] == found.stderr.splitlines()[-1] == "[]"
    answer = json.loads(found.stdout)
    assert answer["hits"][0]["path"] == "src/tokens.py"
    [state] = answer["states"]
    assert (state["coverage"], state["degraded"]) == (1.0, None)
    assert state["adapter"] == (str(adapter) if with_adapter else None)
