"""Puts what the VS Code extension installs into ``vscode-client/wheels``: our wheel, and the pins of all it needs."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = frozenset({"lora", "openvino"})


def main() -> None:
    """Build both."""
    folder = ROOT / "vscode-client" / "wheels"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.whl"):
        old.unlink()
    build = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT))
    subprocess.run(build, check=True)
    (folder / "requirements.txt").write_text(requirements(), encoding="utf-8")


def requirements() -> str:
    """The lines of ``constraints.txt`` for what CodeContext needs to run, without the developers' tools."""
    wanted = needed("codecontext", EXTRAS)
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return "".join(f"{pin}\n" for pin in pins if re.split("[=;]", pin)[0].strip() in wanted)


def needed(name: str, extras: frozenset[str]) -> set[str]:
    """Canonical names of all that a distribution of this environment asks for, directly or not."""
    waiting, seen = [(name, extras)], {(name, extras)}
    while waiting:
        current, wanted_extras = waiting.pop()
        for line in distribution(current).requires or []:
            requirement = Requirement(line)
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in wanted_extras | {""}):
                found = (canonicalize_name(requirement.name), frozenset(requirement.extras))
                if found not in seen:
                    seen.add(found)
                    waiting.append(found)
    return {found for found, _ in seen} - {name}


if __name__ == "__main__":
    main()
