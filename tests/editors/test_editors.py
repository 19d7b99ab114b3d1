"""Real editors against the real server, used as a person uses them.

Each editor runs a script of this folder. The configuration it loads is the block of ``docs/editors.md`` for that
editor, so that what the document gives to copy is what was tried. Each script is also run against a damaged server,
where it has to fail: a test that cannot fail shows nothing.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

HERE = Path(__file__).parent
SHOP = HERE.parent / "samples" / "shop"
DOCUMENT = HERE.parents[1] / "docs" / "editors.md"
CODECONTEXT = Path(sys.executable).with_name("codecontext")
RUN_VARIABLE = "EDITOR_TEST_RUN"
SECONDS = 240
"""Longer than any script, on a machine that may be busy."""


@dataclass(frozen=True, slots=True)
class Editor:
    """How to run one editor with a script, and how to see whether it is there."""

    name: str
    command: tuple[str, ...]
    probe: tuple[str, ...]
    remedy: str
    snippet: str | None = field(default=None)


def emacs(name: str) -> Editor:
    """Emacs with one of its two clients; Debian's packages are loaded without the user's own configuration."""
    base = ("emacs", "--batch", "--eval", "(setq package-enable-at-startup nil)", "--funcall", "package-initialize")
    return Editor(
        name=name,
        command=(*base, "--load", str(HERE / f"{name}.el")),
        probe=(*base, "--eval", f"(require '{name})"),
        remedy=f"apt-get install emacs-nox elpa-{name}",
        snippet=name,
    )


EDITORS = [
    Editor(
        name="neovim",
        command=("nvim", "--headless", "-u", "NONE", "-i", "NONE", "-n", "-c", f"luafile {HERE / 'neovim.lua'}"),
        probe=("nvim", "--version"),
        remedy="apt-get install neovim",
        snippet="neovim",
    ),
    emacs("eglot"),
    emacs("lsp-mode"),
    Editor(
        name="ale",
        command=("vim", "-es", "-N", "-i", "NONE", "-n", "-u", str(HERE / "ale.vim")),
        probe=("vim", "-es", "-N", "-u", "NONE", "-c", "try | packadd ale | catch | cquit | endtry | quit"),
        remedy="apt-get install vim-nox vim-ale",
        snippet="ale",
    ),
    Editor(
        name="vscode-protocol",
        command=("node", str(HERE / "node" / "client.mjs")),
        probe=(
            "node",
            "--eval",
            f"require.resolve('vscode-languageserver-protocol/node', {{ paths: [{str(HERE / 'node')!r}] }})",
        ),
        remedy="npm ci --prefix tests/editors/node",
    ),
]
BY_NAME = {editor.name: editor for editor in EDITORS}

DAMAGES = [
    ("first-missing", "best hit", list(BY_NAME)),
    ("twice", "distinct hits", list(BY_NAME)),
    # eglot shows the line itself, not the name; VS Code is offered no symbols
    ("renamed", "symbol by meaning", ["neovim", "lsp-mode", "ale"]),
    ("no-partial", "partial answer", ["vscode-protocol"]),
]

NEW_FILE = '''\
"""Second chances."""

import time


def insist(call, attempts: int = 5):
    """Repeat a failing call, with a pause that doubles each time."""
    for attempt in range(attempts):
        try:
            return call()
        except OSError:
            time.sleep(2**attempt)
    raise TimeoutError
'''
KNOWN = {"question": "mutual exclusion between processes", "path": "app/locks.py", "symbol": "hold_lock", "line": 6}
NEW = {"question": "try again when the network is down", "path": "app/retry.py", "symbol": "insist", "line": 5}


def snippets() -> dict[str, str]:
    """The blocks of the document that are tried here, by name."""
    found = re.findall(
        r"<!-- snippet: (\S+) -->\n```\w+\n(.*?)^```$", DOCUMENT.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    return dict(found)


@cache
def is_there(editor: Editor) -> bool:
    try:
        return subprocess.run(editor.probe, capture_output=True, stdin=subprocess.DEVNULL, timeout=60).returncode == 0
    except FileNotFoundError:
        return False


def require(editor: Editor) -> None:
    if not is_there(editor):
        reason = f"{editor.name} is not installed: {editor.remedy}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def codecontext_home(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """One for all editors; each test indexes a folder of its own."""
    base = tmp_path_factory.getbasetemp()
    return (base if worker_id == "master" else base.parent) / "editors" / "codecontext"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an editor's script ended: exit status, output, and what it had started that did not end with it."""

    status: int
    output: str
    left_behind: list[str]

    @property
    def verdict(self) -> str:
        """The line in which the script says how it went."""
        said = re.findall(r"^(?:PASS|FAIL.*)$", self.output, re.MULTILINE)
        return str(said[-1]) if said else "no verdict"


RunEditor = Callable[..., Outcome]


@pytest.fixture
def run_editor(tmp_path: Path, codecontext_home: Path) -> Iterator[RunEditor]:
    """Run an editor's script in a fresh project; nothing that it started may outlive it."""
    token = uuid4().hex

    def run(editor: Editor, damage: str | None = None) -> Outcome:
        project, user, programs = tmp_path / "project", tmp_path / "user", tmp_path / "bin"
        (user / ".emacs.d").mkdir(parents=True)  # as everybody who uses Emacs has it
        shutil.copytree(SHOP, project)
        install(programs, damage)
        variables = {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(user),
            "TERM": "dumb",
            "CODECONTEXT_HOME": str(codecontext_home),
            "STORY": str(write_story(tmp_path / "story.json", project)),
            "SNIPPET": str(write_snippet(tmp_path / "snippet", editor)),
            RUN_VARIABLE: token,
        }
        return finish(
            subprocess.Popen(
                editor.command,
                cwd=project,
                env=os.environ | variables,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            ),
            token,
        )

    yield run
    for process in processes_of(token):
        process.kill()


def install(programs: Path, damage: str | None) -> None:
    """Put ``codecontext`` on the path, the sound one or a damaged one."""
    programs.mkdir()
    command = [str(CODECONTEXT)] if damage is None else [sys.executable, str(HERE / "damaged_server.py"), damage]
    script = programs / "codecontext"
    script.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n', encoding="utf-8")
    script.chmod(0o755)


def write_story(file: Path, project: Path) -> Path:
    """What the scripts ask and expect; lines count from 0."""
    story = {"folder": str(project), "known": KNOWN, "new": NEW | {"lines": NEW_FILE.splitlines()}}
    file.write_text(json.dumps(story), encoding="utf-8")
    return file


def write_snippet(file: Path, editor: Editor) -> Path:
    file.write_text(snippets()[editor.snippet] if editor.snippet else "", encoding="utf-8")
    return file


def finish(process: subprocess.Popen[str], token: str) -> Outcome:
    with process:
        try:
            output, _ = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            output += f"\nFAIL: not done after {SECONDS} s"
    # The engine ends by itself, a moment after the server.
    psutil.wait_procs(processes_of(token), timeout=30)
    return Outcome(process.returncode, output, [" ".join(left.cmdline()) for left in processes_of(token)])


def processes_of(token: str) -> list[psutil.Process]:
    """Every process that inherited this run's variable."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(RUN_VARIABLE) == token:
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_every_configuration_that_the_document_marks_is_tried() -> None:
    assert set(snippets()) == {editor.snippet for editor in EDITORS if editor.snippet}


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_a_missing_editor_names_its_remedy(
    ci: str, outcome: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="absent is not installed: apt-get install absent"):
        require(Editor(name="absent", command=(), probe=("absent-editor",), remedy="apt-get install absent"))


@pytest.mark.parametrize("name", BY_NAME)
def test_an_editor_works_with_the_server_and_leaves_nothing_behind(name: str, run_editor: RunEditor) -> None:
    require(BY_NAME[name])
    outcome = run_editor(BY_NAME[name])
    assert (outcome.status, outcome.verdict) == (0, "PASS"), outcome.output
    assert outcome.left_behind == []


@pytest.mark.parametrize(
    ("damage", "complaint", "name"),
    [(damage, complaint, name) for damage, complaint, names in DAMAGES for name in names],
    ids=lambda value: str(value).replace(" ", "-"),
)
def test_an_editor_fails_against_a_damaged_server(
    damage: str, complaint: str, name: str, run_editor: RunEditor
) -> None:
    require(BY_NAME[name])
    outcome = run_editor(BY_NAME[name], damage)
    assert outcome.status != 0
    assert outcome.verdict.startswith(f"FAIL {complaint}"), outcome.output
    assert outcome.left_behind == []
