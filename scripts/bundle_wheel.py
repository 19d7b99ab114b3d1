"""Puts what the VS Code extension installs into ``vscode-client/wheels``: our wheel, and all it needs with digests."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "vscode-client" / "requirements.lock"
_ENTRY = re.compile(r"^[a-z0-9].*?(?<!\\)\n", re.DOTALL | re.MULTILINE)
_PYTORCH = re.compile(r"(?:torch|triton|nvidia|cuda)\b")


def main() -> None:
    """Build all."""
    folder = ROOT / "vscode-client" / "wheels"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.whl"):
        old.unlink()
    build = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT))
    subprocess.run(build, check=True)
    for name, entries in requirements(LOCK.read_text(encoding="utf-8")).items():
        (folder / name).write_text(entries, encoding="utf-8")


def requirements(lock: str) -> dict[str, str]:
    """The entries of the lock file by the file that they go into.

    PyTorch is apart, without what its builds for Linux bring along, because there it comes in several builds of one
    version, and the machine decides which one is right.
    """
    entries = _ENTRY.findall(lock)
    return {
        "requirements.txt": "".join(entry for entry in entries if not _PYTORCH.match(entry)),
        "torch.txt": "".join(entry for entry in entries if entry.startswith("torch==")),
    }


if __name__ == "__main__":
    main()
