"""Which modules a program of ours has imported when it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_SCRIPT = """
import os, sys

def tell():
    print("imported:", *sys.modules, file=sys.stderr, flush=True)

def exit_at_once(code, exit=os._exit):
    tell()
    exit(code)

os._exit = exit_at_once
sys.argv[1:] = {arguments!r}
try:
    {run}
finally:
    tell()
"""
COMMAND_LINE = "from codecontext.cli.app import main; main()"
SERVICE = "from codecontext.service.process import main; main()"


def modules_imported(
    *arguments: str, run: str = COMMAND_LINE, folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> set[str]:
    """The modules of a process that does ``run`` with these arguments and an empty stdin; children aside."""
    process = subprocess.run(
        [sys.executable, "-c", _SCRIPT.format(arguments=list(arguments), run=run)],
        cwd=folder,
        env=environment or os.environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    told = [line for line in process.stderr.splitlines() if line.startswith("imported: ")]
    assert "Traceback" not in process.stderr
    assert told, process.stderr
    return set(told[0].split()[1:])
