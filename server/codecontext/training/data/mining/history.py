"""A repository's history: commits by people, with the lines that each changed.

Git runs as it does for ignore rules: nothing that the repository's configuration names is run (``indexing.git``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from codecontext.core.batched import batched
from codecontext.indexing.git import GitUnavailable, is_inside, run_git

MAX_COMMITS = 3000
_COMMITS_PER_CALL = 200
_SEPARATOR = "\x1f"
_RECORD = "\x1e"
_QUIET = ("--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--no-show-signature", "--no-notes")
_FORMAT = f"--format={_RECORD}%H{_SEPARATOR}%at{_SEPARATOR}%an{_SEPARATOR}%ae{_SEPARATOR}%s{_SEPARATOR}%b{_SEPARATOR}"
_FIELDS = 7
_HUNK = re.compile(r"@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@")


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit that is no merge; ``changed`` has path → lines added and removed, none for binary files."""

    id: str
    time: int
    author: str
    email: str
    subject: str
    body: str
    changed: dict[str, int] = field(default_factory=dict)


def read_commits(folder: Path, most: int = MAX_COMMITS) -> list[Commit]:
    """The newest commits below ``folder``, newest first; none where git is unavailable. Paths count from it."""
    answer = _git(
        folder, "log", "--no-merges", "--numstat", "-z", f"-n{most}", _FORMAT, *_QUIET, "--relative", "--", "."
    )
    records = [record.split(_SEPARATOR, _FIELDS - 1) for record in answer.split(_RECORD)[1:]]
    # A message may hold our separators; what they tear apart is skipped.
    return [_commit(fields) for fields in records if len(fields) == _FIELDS]


def changed_lines(folder: Path, commits: Sequence[Commit]) -> Iterator[tuple[Commit, dict[str, list[int]]]]:
    """For each commit, path → the lines of the file after it that it added or stands around what it removed."""
    for some in batched(commits, _COMMITS_PER_CALL):
        batch = {commit.id: commit for commit in some}
        answer = _git(
            *(folder, "log", "--no-walk=unsorted", "--patch", "--unified=0", f"--format={_RECORD}%H", *_QUIET),
            *("--relative", "--diff-filter=M", "--src-prefix=a/", "--dst-prefix=b/", *batch, "--", "."),
        )
        for record in answer.split(_RECORD)[1:]:
            head, _, patch = record.partition("\n")
            commit = batch.get(head.strip())
            if commit is not None:
                yield commit, _lines_of(patch)


def text_after(folder: Path, commit: Commit, path: str) -> str:
    """The text of a file as a commit left it; empty where it cannot be had."""
    return _git(folder, "cat-file", "blob", f"{commit.id}:./{path}")


def _git(folder: Path, *arguments: str) -> str:
    try:
        answer = run_git(folder, *arguments)
    except GitUnavailable:
        return ""
    return answer.stdout.decode("utf-8", "replace") if answer.returncode == 0 else ""


def _commit(fields: Sequence[str]) -> Commit:
    id_, time, author, email, subject, body, numbers = fields
    changed: dict[str, int] = {}
    for entry in numbers.replace("\n", "\0").split("\0"):
        added, _, rest = entry.partition("\t")
        removed, _, path = rest.partition("\t")
        if added.isdecimal() and removed.isdecimal() and is_inside(path):
            changed[path] = int(added) + int(removed)
    return Commit(id_, int(time), author, email, subject.strip(), body.strip(), changed)


def _lines_of(patch: str) -> dict[str, list[int]]:
    lines: dict[str, list[int]] = {}
    path = ""
    for line in patch.split("\n"):
        if line.startswith("+++ "):
            path = line[4:].removeprefix("b/").rstrip("\t")
        elif (match := _HUNK.match(line)) and path:
            first, count = int(match[1]), int(match[2] or 1)
            lines.setdefault(path, []).extend(range(first, first + max(count, 1)))
    return lines
