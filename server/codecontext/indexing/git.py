"""Asks git: which files of a folder it ignores, and for training what its history says.

The repository is not trusted: it may be somebody else's and its configuration may name programs. Only commands that
read are run; what could start a program or use the network on the way is switched off, and what the environment says
about *another* repository is not passed on.
"""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import IO

from codecontext.core.process_tree import kill_with_children
from codecontext.core.progress import CancelToken
from codecontext.indexing.files import Listing, Skipped, SkipReason

SECONDS_FOR_A_LISTING = 60.0
"""For all that is asked about one folder: a cold disk with some hundred thousand files takes half of it."""
SECONDS_FOR_A_COMMAND = 600.0

_SECONDS_OF_SILENCE = 600.0
_SILENT_UNTIL: dict[Path, float] = {}

_MAX_OUTPUT = 512_000_000
_MAX_COMPLAINTS = 64_000
_PART = 1 << 16
_GLANCE = 0.1
"""Seconds between two checks whether to keep waiting."""

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
    """Git cannot be used for a folder that looks like a repository; the text says why."""


class GitSilent(GitUnavailable):
    """Git was ended because it took too long."""


@dataclass(frozen=True, slots=True)
class GitAnswer:
    """What git printed; only the beginning of its standard error."""

    returncode: int
    stdout: bytes
    stderr: bytes


def ask_git(folder: Path, cancel: CancelToken) -> Listing:
    """Git's own verdict on everything below ``folder``, which may be anywhere in a work tree.

    Candidates are tracked files, ignored or not (git's ignore rules do not apply to them), and untracked
    files that are not ignored. Raises ``OperationCancelled``, and ``GitUnavailable`` if git is not installed, if it
    refuses, for instance because the repository belongs to another user, if it takes too long, or if the repository
    around ``folder`` ignores all of it: whoever names such a folder wants more than nothing.
    """
    _refuse_what_git_waits_for(folder)
    with _remembering_silence(folder):
        return _listing(folder, time.monotonic() + SECONDS_FOR_A_LISTING, cancel)


def _listing(folder: Path, until: float, cancel: CancelToken) -> Listing:
    if not (folder / ".git").exists() and _ask(folder, until, cancel, "check-ignore", "--quiet", ".").returncode == 0:
        raise GitUnavailable("the enclosing repository ignores the whole folder")
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="git") as asking:
        listed = asking.submit(_ls_files, folder, until, cancel, "--cached", "--others")
        ignored = _ls_files(folder, until, cancel, "--others", "--ignored", "--directory")
        candidates = listed.result()
    return Listing(
        candidates=sorted({path.rstrip("/") for path in candidates if is_inside(path)}),
        skipped=[Skipped(path, SkipReason.IGNORED_BY_GIT) for path in _topmost(ignored)],
    )


@contextmanager
def _remembering_silence(folder: Path) -> Iterator[None]:
    """Do not wait again soon for what was waited for in vain: whoever saves a file wants it found."""
    if time.monotonic() < _SILENT_UNTIL.get(folder, 0.0):
        raise GitSilent("git timed out recently")
    try:
        yield
    except GitSilent:
        _SILENT_UNTIL[folder] = time.monotonic() + _SECONDS_OF_SILENCE
        raise


def _refuse_what_git_waits_for(folder: Path) -> None:
    """Spare the wait where the first ignore file that git opens is one that nobody writes to."""
    for name in (".gitignore", ".git/info/exclude"):
        try:
            mode = os.lstat(folder / name).st_mode
        except OSError:
            continue
        if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode) or stat.S_ISDIR(mode)):
            raise GitUnavailable(f"{name} is not a regular file")


def _ls_files(folder: Path, until: float, cancel: CancelToken, *selection: str) -> list[str]:
    answer = _ask(folder, until, cancel, "ls-files", "-z", "--exclude-standard", *selection)
    if answer.returncode != 0:
        complaint = answer.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        raise GitUnavailable(complaint or f"git exited with status {answer.returncode}")
    return [os.fsdecode(name) for name in answer.stdout.split(b"\0") if name]


def _ask(folder: Path, until: float, cancel: CancelToken, *arguments: str) -> GitAnswer:
    return run_git(folder, *arguments, seconds=until - time.monotonic(), cancel=cancel)


def run_git(
    folder: Path, *arguments: str, seconds: float = SECONDS_FOR_A_COMMAND, cancel: CancelToken | None = None
) -> GitAnswer:
    """Run git in ``folder`` so that nothing which the repository configures can start a program.

    A pattern, a FIFO or a slow disk can keep git busy for ever, so it is ended, with whatever it started, after
    ``seconds``. Raises ``GitUnavailable`` if git is not installed, says too much or cannot be started,
    ``GitSilent`` if it takes too long, and ``OperationCancelled``.
    """
    program = find_git(folder)
    if program is None:
        raise GitUnavailable("git is not installed")
    try:
        process = subprocess.Popen(
            [program, *_NO_PROGRAMS, *arguments],
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # its children end with it, and none of them asks at the terminal
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        raise GitUnavailable(f"git cannot be started: {error.strerror or error}") from error
    try:
        return _answer_of(process, time.monotonic() + seconds, cancel)
    except BaseException:
        _end(process)
        raise


def find_git(folder: Path) -> str | None:
    """The git that is installed, by its absolute path; None where there is none.

    Neither the current folder nor ``folder`` may bring one along: Windows looks for programs in the current folder
    first, elsewhere ``PATH`` may name places relative to it, and package managers put a project's own programs there.
    """
    names = ("git.exe", "git.com") if os.name == "nt" else ("git",)
    places = [Path(place) for place in os.environ.get("PATH", "").split(os.pathsep)]
    for program in (place / name for place in places if place.is_absolute() for name in names):
        if program.is_file() and os.access(program, os.X_OK) and not _comes_with(folder, program):
            return str(program)
    return None


def _comes_with(folder: Path, program: Path) -> bool:
    """Whether ``program`` lies in ``folder``; around somebody's home there are the programs that they installed."""
    inside = os.path.realpath(folder)
    holds_home = Path(os.path.realpath(Path("~").expanduser())).is_relative_to(inside)
    return not holds_home and Path(os.path.realpath(program.parent)).is_relative_to(inside)


class _Stream:
    """Reads one pipe of git's in a thread; beyond ``limit`` bytes only drains it."""

    def __init__(self, pipe: IO[bytes], limit: int) -> None:
        self._pipe = pipe
        self._limit = limit
        self.content = bytearray()
        self.is_cut = False
        self._thread = Thread(target=self._read, name="git-output", daemon=True)
        self._thread.start()

    def has_ended(self, within: float) -> bool:
        """Whether all was read, after waiting up to ``within`` seconds for it."""
        self._thread.join(within)
        return not self._thread.is_alive()

    def _read(self) -> None:
        with suppress(OSError, ValueError), self._pipe:
            while part := self._pipe.read1(_PART):  # type: ignore[attr-defined]  # a BufferedReader
                self.is_cut = self.is_cut or len(self.content) + len(part) > self._limit
                if not self.is_cut:
                    self.content += part


def _answer_of(process: subprocess.Popen[bytes], until: float, cancel: CancelToken | None) -> GitAnswer:
    assert process.stdout is not None and process.stderr is not None  # noqa: S101, PT018 - for the type checker
    output = _Stream(process.stdout, _MAX_OUTPUT)
    complaints = _Stream(process.stderr, _MAX_COMPLAINTS)
    while not (output.has_ended(_GLANCE) and complaints.has_ended(_GLANCE)):
        if cancel is not None:
            cancel.check()
        if output.is_cut:
            raise GitUnavailable(f"its output exceeds {_MAX_OUTPUT:,} bytes")
        if time.monotonic() > until:
            raise GitSilent("git timed out")
    if output.is_cut:
        raise GitUnavailable(f"its output exceeds {_MAX_OUTPUT:,} bytes")
    try:
        returncode = process.wait(max(until - time.monotonic(), _GLANCE))
    except subprocess.TimeoutExpired:
        raise GitSilent("git timed out") from None
    return GitAnswer(returncode, bytes(output.content), bytes(complaints.content))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End git, which nobody has waited for yet, and whatever it started."""
    kill_with_children(process.pid)
    if sys.platform != "win32":
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)  # also those whose parent has ended
    with suppress(subprocess.TimeoutExpired):  # stuck in the kernel, as on a disk that is gone
        process.wait(1)


def _environment() -> dict[str, str]:
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in _KEPT_VARIABLES
    }
    return {**inherited, **_NO_NETWORK, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}


def is_inside(path: str) -> bool:
    """Whether ``path`` stays in the folder, outside ``.git``: git prints what a forged index says, ``../`` and all."""
    if os.name != "nt" and "/." not in path and "//" not in path and not path.startswith((".", "/")):
        return bool(path)  # as nearly all are
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
