"""Asks git: which files of a folder it ignores, and for training what its history says.

The repository is not trusted: it may be somebody else's and its configuration may name programs. Only commands that
read are run; what could start a program or use the network on the way is switched off, and what the environment says
about *another* repository is not passed on.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from codecontext.indexing.files import Listing, Skipped, SkipReason

_NO_PROGRAMS = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}")
_NO_NETWORK = {"GIT_ALLOW_PROTOCOL": "", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0"}
_KEPT_VARIABLES = frozenset(
    {
        "GIT_CEILING_DIRECTORIES",
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_CONFIG_SYSTEM",
        "GIT_DISCOVERY_ACROSS_FILESYSTEM",
        "GIT_EXEC_PATH",
    }
)
_DISHONEST_PARTS = frozenset({"", ".", "..", ".git"})


class GitUnavailable(Exception):
    """Git cannot answer for a folder that looks like a repository; the text says why."""


def enclosing_repository(folder: Path) -> Path | None:
    """The nearest folder, from ``folder`` upwards, with a ``.git`` in it."""
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), None)


def ask_git(folder: Path) -> Listing:
    """Git's own verdict on everything below ``folder``, which may be anywhere in a work tree.

    Candidates are tracked files, ignored or not (git's ignore rules do not apply to them), and untracked
    files that are not ignored. Raises ``GitUnavailable`` if git is not installed, if it refuses, for instance
    because the repository belongs to another user, or if the repository around ``folder`` ignores all of it:
    whoever names such a folder wants more than nothing.
    """
    if not (folder / ".git").exists() and run_git(folder, "check-ignore", "--quiet", ".").returncode == 0:
        raise GitUnavailable("the repository around it ignores it as a whole")
    candidates = _ls_files(folder, "--cached", "--others")
    ignored = _ls_files(folder, "--others", "--ignored", "--directory")
    return Listing(
        candidates=sorted({path.rstrip("/") for path in candidates if is_honest(path)}),
        skipped=[Skipped(path, SkipReason.IGNORED_BY_GIT) for path in _topmost(ignored)],
    )


def _ls_files(folder: Path, *selection: str) -> list[str]:
    answer = run_git(folder, "ls-files", "-z", "--exclude-standard", *selection)
    if answer.returncode != 0:
        complaint = answer.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        raise GitUnavailable(complaint or f"git ended with status {answer.returncode}")
    return [os.fsdecode(name) for name in answer.stdout.split(b"\0") if name]


def run_git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run git in ``folder`` so that nothing which the repository configures can start a program.

    Raises ``GitUnavailable`` if git is not installed.
    """
    try:
        return subprocess.run(
            ["git", *_NO_PROGRAMS, *arguments],
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise GitUnavailable("git is not installed") from error


def _environment() -> dict[str, str]:
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in _KEPT_VARIABLES
    }
    return {**inherited, **_NO_NETWORK, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}


def is_honest(path: str) -> bool:
    """Whether ``path`` stays in the folder, outside ``.git``: git prints what a forged index says, ``../`` and all."""
    return not os.path.splitdrive(path)[0] and _DISHONEST_PARTS.isdisjoint(path.rstrip("/").lower().split("/"))


def _topmost(entries: list[str]) -> list[str]:
    """Without what lies in a folder that is listed itself, and without the folder asked about.

    Git lists both a folder whose files are all ignored one by one, and those files.
    """
    kept: list[str] = []
    for entry in sorted(entries):
        covered = bool(kept) and kept[-1].endswith("/") and entry.startswith(kept[-1])
        if entry != "./" and not covered:
            kept.append(entry)
    return kept
