"""The repository keeps its promises: commands that exist, pinned versions, nothing of one machine in it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
TARGETS = {
    "help",
    "demo",
    "test",
    "unit",
    "coverage",
    "check",
    "format",
    "codegen",
    "docs",
    "bench",
    "quality",
    "vsix",
    "vscode",
    "editor",
    "clean",
}
SCRIPTS = sorted([*ROOT.glob("scripts/*.sh"), ROOT / ".ci" / "run"])
ON_ONE_MACHINE_ONLY = {
    "package index": r"\b(?:pypi|pythonhosted|npmjs|pytorch)\.(?:org|com)\b",
    "absolute path": r"(?<![\w.~*/-])/(?:root|work|home|Users|opt|mnt)/\w",
    "drive path": r"\b[A-Z]:\\+Users\\",
}


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a command in the repository as a shell would, even when make runs these tests."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(command, cwd=ROOT, env=inherited | environment, capture_output=True, text=True, check=False)


@cache
def pins() -> dict[str, Version]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = (line.split("==") for line in lines if not line.startswith("#"))
    return {name: Version(version) for name, version in pinned}


def direct_requirements() -> Iterator[Requirement]:
    project = PROJECT["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    for line in [*PROJECT["build-system"]["requires"], *(line for group in groups for line in group)]:
        requirement = Requirement(line)
        if requirement.name != project["name"]:
            yield requirement


def needed_here(name: str, extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    """What an installed distribution asks for on this machine, as (name, extras)."""
    for line in distribution(name).requires or []:
        requirement = Requirement(line)
        wanted = requirement.marker is None or any(
            requirement.marker.evaluate({"extra": extra}) for extra in extras | {""}
        )
        if wanted:
            yield canonicalize_name(requirement.name), frozenset(requirement.extras)


def tracked_text_files() -> Iterator[tuple[str, str]]:
    listing = run("git", "ls-files", "-z")
    assert listing.returncode == 0, listing.stderr
    for name in filter(None, listing.stdout.split("\0")):
        path = ROOT / name
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            if b"\0" not in content:
                yield name, content.decode("utf-8", errors="replace")


# --- README and CHANGELOG ---


@pytest.mark.parametrize("command", ["make demo", "make test"])
def test_readme_names_the_two_commands(command: str) -> None:
    assert command in (ROOT / "README.md").read_text(encoding="utf-8")


def test_changelog_starts_with_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[?v?(\d+\.\d+\.\d+[\w.-]*)", changelog, re.MULTILINE)
    assert newest is not None, "CHANGELOG.md has no '## <version>' heading"
    assert newest[1] == PROJECT["project"]["version"]


# --- Versions ---


@pytest.mark.parametrize("requirement", sorted(set(direct_requirements()), key=str), ids=str)
def test_every_direct_dependency_is_pinned_within_its_range(requirement: Requirement) -> None:
    pinned = pins().get(canonicalize_name(requirement.name))
    assert pinned is not None, f"constraints.txt does not pin {requirement.name}"
    assert pinned in requirement.specifier


def test_everything_below_the_direct_dependencies_is_pinned() -> None:
    optional = PROJECT["project"]["optional-dependencies"]
    waiting = [(PROJECT["project"]["name"], frozenset(optional))]
    seen = set(waiting)
    while waiting:
        found = set(needed_here(*waiting.pop())) - seen
        seen |= found
        waiting.extend(found)
    assert {name for name, _ in seen} - {PROJECT["project"]["name"]} <= pins().keys()


def test_pins_are_sorted_canonical_and_hold_on_every_machine() -> None:
    names = list(pins())
    assert names == sorted(names)
    assert names == [canonicalize_name(name) for name in names]
    assert [name for name, version in pins().items() if version.local] == []


# --- Files ---


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a git checkout")
@pytest.mark.parametrize("pattern", ON_ONE_MACHINE_ONLY.values(), ids=ON_ONE_MACHINE_ONLY)
def test_no_tracked_file_names_what_holds_on_one_machine_only(pattern: str) -> None:
    found = [
        f"{name}:{number}: {line.strip()}"
        for name, text in tracked_text_files()
        for number, line in enumerate(text.splitlines(), start=1)
        if re.search(pattern, line)
    ]
    assert found == []


# --- Make ---


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
class TestMakefile:
    def test_help_lists_every_target_that_people_use(self) -> None:
        listed = re.findall(r"^ +make ([a-z]+) +\S", run("make", "help").stdout, re.MULTILINE)
        assert set(listed) == TARGETS

    @pytest.mark.parametrize("target", sorted(TARGETS))
    def test_every_listed_target_can_be_made(self, target: str) -> None:
        outcome = run("make", "--dry-run", target)
        assert outcome.returncode == 0, outcome.stderr

    @pytest.mark.parametrize(
        ("argument", "complaint"),
        [
            ("EVAL=", "make quality needs the folder of the evaluation sets: make quality EVAL=DIR"),
            ("EVAL=no/such/folder", "EVAL=no/such/folder is not a folder."),
            ("EVAL=Makefile", "EVAL=Makefile is not a folder."),
        ],
    )
    def test_quality_without_evaluation_sets_says_what_is_missing(self, argument: str, complaint: str) -> None:
        outcome = run("make", "quality", argument)
        assert outcome.returncode != 0
        assert complaint in outcome.stderr.splitlines()


# --- What the VS Code extension installs ---


LOCK = (ROOT / "vscode-client" / "requirements.lock").read_text(encoding="utf-8")


def entries_of(lock: str) -> list[str]:
    """Each entry is a requirement and its digests, on lines that a backslash holds together."""
    return re.split(r"(?<!\\)\n", lock.strip())


def requirement_of(entry: str) -> Requirement:
    return Requirement(entry.partition("\\")[0].strip())


def test_every_locked_package_has_digests() -> None:
    header, *entries = entries_of(LOCK)
    assert header.startswith("# Made by scripts/lock-requirements.sh")
    assert [entry for entry in entries if not re.search(r" --hash=sha256:[0-9a-f]{64}$", entry)] == []


def test_the_lock_says_the_same_as_the_constraints() -> None:
    """After a change of either: scripts/lock-requirements.sh."""
    locked = {found.name: found.specifier for found in map(requirement_of, entries_of(LOCK)[1:])}
    assert [name for name, specifier in locked.items() if name in pins() and pins()[name] not in specifier] == []
    extras = PROJECT["project"]["optional-dependencies"]
    wanted = [*PROJECT["project"]["dependencies"], *extras["lora"], *extras["openvino"]]
    assert {canonicalize_name(Requirement(line).name) for line in wanted} <= locked.keys()


def test_all_but_the_builds_of_pytorch_is_installed_by_its_digest() -> None:
    code = "import json, bundle_wheel as b; print(json.dumps(b.requirements(b.LOCK.read_text())))"
    bundled = json.loads(run(sys.executable, "-c", code, PYTHONPATH=str(ROOT / "scripts")).stdout)
    named = {file: {requirement_of(entry).name for entry in entries_of(text)} for file, text in bundled.items()}
    assert named["torch.txt"] == {"torch"}
    rest = {requirement_of(entry).name for entry in entries_of(LOCK)[1:]} - named["requirements.txt"]
    assert {name for name in rest if not name.startswith(("nvidia-", "cuda-"))} == {"torch", "triton"}


# --- Scripts ---


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_script_parses(script: Path) -> None:
    outcome = run("bash", "-n", script)
    assert outcome.returncode == 0, outcome.stderr


@pytest.mark.parametrize("name", ["install.sh", "dev-install.sh"])
class TestInstallers:
    def test_help_names_every_option(self, name: str) -> None:
        outcome = run(ROOT / "scripts" / name, "--help")
        assert outcome.returncode == 0
        source = (ROOT / "scripts" / name).read_text(encoding="utf-8")
        options = re.findall(r"^ +(--[a-z-]+)\b.*\)", source, re.MULTILINE)
        assert len(options) >= 3
        assert [option for option in options if option not in outcome.stdout] == []

    @pytest.mark.parametrize(
        ("arguments", "complaint"),
        [
            (["--frobnicate"], "unknown option '--frobnicate'; see --help."),
            (["--with", "tensorflow"], "unknown extra 'tensorflow': --with takes peft or openvino."),
            (["--with"], "--with needs a value; see --help."),
            (["--with", "--help"], "--with needs a value; see --help."),
        ],
        ids=str,
    )
    def test_a_mistake_is_answered_with_one_sentence(self, name: str, arguments: list[str], complaint: str) -> None:
        outcome = run(ROOT / "scripts" / name, *arguments)
        assert outcome.returncode == 1
        assert outcome.stderr == f"{name}: {complaint}\n"
        assert outcome.stdout == ""

    def test_a_python_that_does_not_work_is_refused(self, name: str, tmp_path: Path) -> None:
        option = {"install.sh": "--prefix", "dev-install.sh": "--venv"}[name]
        outcome = run(ROOT / "scripts" / name, option, tmp_path / "environment", PYTHON="false", HOME=str(tmp_path))
        assert outcome.returncode == 1
        assert outcome.stderr == f"{name}: PYTHON=false is not a working Python 3.11 or newer.\n"
        assert list(tmp_path.iterdir()) == []

    def test_a_folder_with_something_else_in_it_is_left_alone(self, name: str, tmp_path: Path) -> None:
        option = {"install.sh": "--prefix", "dev-install.sh": "--venv"}[name]
        (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
        outcome = run(ROOT / "scripts" / name, option, tmp_path, HOME=str(tmp_path))
        assert outcome.returncode == 1
        assert "is not a virtual environment" in outcome.stderr
        assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_installing_never_replaces_a_command_of_someone_else(tmp_path: Path) -> None:
    command = tmp_path / "codecontext"
    command.write_text("mine", encoding="utf-8")
    outcome = run(ROOT / "scripts" / "install.sh", "--prefix", tmp_path / "environment", "--bin-dir", tmp_path)
    assert outcome.returncode == 1
    assert f"{command} exists and does not point to" in outcome.stderr
    assert command.read_text(encoding="utf-8") == "mine"
