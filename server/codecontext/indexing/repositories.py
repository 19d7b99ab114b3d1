"""What git keeps on disk: which folder is a checkout of what, and which is git's own data.

Read without git, since this decides about folders that git says nothing about. ``.git`` files and what they point to
are other people's files: they are read bounded, decide only which folders are left out, and are never shown.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from codecontext.core.reading import MAX_RULES_BYTES, read_file

_POINTER_BYTES = 4_096
_MAX_WORKTREES = 1_000
_MARKS_OF_GIT_DATA = ("HEAD", "objects", "refs")
_BARE = re.compile(rb"^[ \t]*bare[ \t]*=[ \t]*true\b", re.MULTILINE | re.IGNORECASE)


def enclosing_repository(folder: Path) -> Path | None:
    """The nearest folder, from ``folder`` upwards, with a ``.git`` in it."""
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), None)


def git_folder(checkout: Path) -> Path | None:
    """Where git keeps the data of ``checkout``: its ``.git``, or what that file names; None if it names nothing."""
    entry = checkout / ".git"
    pointer = _first_line(entry)
    if pointer is None:
        return entry if entry.is_dir() else None
    target = pointer.removeprefix("gitdir:").strip()
    return checkout / target if target and pointer.startswith("gitdir:") else None


def common_folder(git_folder: Path) -> Path:
    """The data that all checkouts of a repository share; ``git_folder`` itself but for linked worktrees."""
    shared = _first_line(git_folder / "commondir")
    return _real(git_folder / shared) if shared else _real(git_folder)


def is_linked_worktree(checkout: Path) -> bool:
    """Whether ``checkout`` was made by ``git worktree add``."""
    folder = git_folder(checkout)
    return folder is not None and folder.parent.name == "worktrees" and _first_line(folder / "commondir") is not None


def is_bare(git_folder: Path) -> bool:
    """Whether the repository says that it has no checkout of its own, only linked worktrees."""
    try:
        return _BARE.search(read_file(git_folder / "config", max_bytes=MAX_RULES_BYTES)) is not None
    except OSError:
        return False


def is_second_checkout(checkout: Path, folder: Path) -> bool:
    """Whether ``checkout``, inside ``folder``, is a linked worktree of a repository of which another checkout counts.

    Of each repository one checkout belongs to a folder: the one around it, else the main one inside it, else (beside a
    bare repository) the worktree of the branch that the repository itself names, else the first by its path.
    """
    data = git_folder(checkout)
    if data is None or not is_linked_worktree(checkout):
        return False
    common = common_folder(data)
    return _holds_checkout(folder, common) or _chosen_worktree(common, _real(folder)) != _real(checkout)


def _holds_checkout(folder: Path, common: Path) -> bool:
    """Whether ``folder`` is in a checkout of the repository in ``common``, or holds its main one."""
    around = enclosing_repository(folder)
    data = git_folder(around) if around is not None else None
    if data is not None and common_folder(data) == common and not is_bare(data):
        return True
    return common.name == ".git" and common.parent.is_relative_to(_real(folder)) and not is_bare(common)


def _chosen_worktree(common: Path, folder: Path) -> Path | None:
    """The linked worktree inside ``folder`` that stands for the repository."""
    branch = _first_line(common / "HEAD")
    found = [
        (_first_line(data / "HEAD") != branch, checkout)
        for data, checkout in _linked_worktrees(common)
        if checkout.is_relative_to(folder)
    ]
    return min(found)[1] if found else None


def _linked_worktrees(common: Path) -> Iterator[tuple[Path, Path]]:
    """Data and checkout of each linked worktree that is there."""
    try:
        with os.scandir(common / "worktrees") as entries:
            folders = [Path(entry.path) for entry in islice(entries, _MAX_WORKTREES)]
    except OSError:
        return
    for data in folders:
        pointer = _first_line(data / "gitdir")
        if pointer and os.path.lexists(data / pointer):
            yield data, _real(data / pointer).parent


def is_git_data(folder: Path | str) -> bool:
    """Whether ``folder`` is a repository without a checkout, or what one keeps apart: no source, whatever its name."""
    head, *others = _MARKS_OF_GIT_DATA
    try:
        mode = os.lstat(f"{folder}/{head}").st_mode
    except OSError:
        return False
    return not stat.S_ISDIR(mode) and all(Path(folder, name).is_dir() for name in others)


def _first_line(file: Path) -> str | None:
    """What a small file of git's says; None where there is none or it is something else."""
    try:
        text = read_file(file, max_bytes=_POINTER_BYTES).decode("utf-8", "surrogateescape")
    except OSError:
        return None
    line = text.partition("\n")[0].rstrip("\r")
    return line if "\0" not in line else None


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))
