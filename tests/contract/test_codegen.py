"""What is generated from the code is up to date, and its generators stay out of the package."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from scripts.codegen.files import ROOT, render_all

GENERATED = render_all()


@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_file_is_current(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == GENERATED[name], "run: make codegen"


@pytest.mark.parametrize("name", [name for name in GENERATED if not name.endswith(".json")])
def test_a_generated_file_says_how_to_regenerate_it(name: str) -> None:
    assert "Written by `make codegen`" in GENERATED[name].partition("\n")[0]


# --- The command, in a checkout of its own ---


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The generators and what they write, in a folder that tests may damage."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    for name in GENERATED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def codegen(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scripts.codegen", *arguments]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)


def contents(checkout: Path) -> dict[str, str]:
    return {name: (checkout / name).read_text(encoding="utf-8") for name in GENERATED if (checkout / name).exists()}


def damage(checkout: Path) -> None:
    (checkout / "docs/settings.md").unlink()
    (checkout / "docs/cli.md").write_text("by hand\n", encoding="utf-8")
    manifest = checkout / "vscode-client/package.json"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace('"Logging"', '"Logs"'), encoding="utf-8")


def test_check_passes_where_all_is_current(checkout: Path) -> None:
    outcome = codegen(checkout, "--check")
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, "", "")


def test_check_names_what_is_stale_and_changes_nothing(checkout: Path) -> None:
    damage(checkout)
    before = contents(checkout)
    outcome = codegen(checkout, "--check")
    assert outcome.returncode == 1
    assert outcome.stderr.splitlines() == [
        f"{name} is stale; run: make codegen"
        for name in ("docs/cli.md", "docs/settings.md", "vscode-client/package.json")
    ]
    assert contents(checkout) == before


def test_without_check_they_are_written(checkout: Path) -> None:
    (checkout / "docs/settings.md").unlink()
    (checkout / "docs/cli.md").write_text("by hand\n", encoding="utf-8")
    outcome = codegen(checkout)
    assert outcome.returncode == 0
    assert outcome.stdout.splitlines() == ["Wrote docs/cli.md", "Wrote docs/settings.md"]
    assert contents(checkout) == GENERATED


# --- The wheel ---


def test_the_generators_are_not_in_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"] == {"packages": ["server/codecontext"]}
    modules = {path.stem for path in (ROOT / "server/codecontext").rglob("*.py")}
    assert modules.isdisjoint({"reference", "typescript", "vscode", "markdown"})
