"""The subject of a commit → the functions that it changed, as they are now.

In the manner of CommitBench and similar collections, with what is routine left out: merges, bots, sweeping changes,
and subjects that name no behaviour.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from codecontext.chunking.definitions import SourceDefinition, read_definitions
from codecontext.core.chunk import ChunkKind
from codecontext.search.paths import PathRole, path_role
from codecontext.training.data.mining.history import Commit, changed_lines, read_commits, text_after
from codecontext.training.data.mining.repository import Repository, RepositoryFile
from codecontext.training.data.pairs import CodeSpan, Pair
from codecontext.training.data.wording import first_paragraph, plain, sentences, shortened

SOURCE = "commit"
WEIGHT = 0.7

MAX_FILES = 10
MAX_SOURCE_FILES = 3
MAX_LINES = 150
MAX_FUNCTIONS = 5
_MIN_SUBJECT_WORDS = 4

_BOT = re.compile(
    r"\[bot\]|dependabot|renovate|github-actions|pre-commit-ci|greenkeeper|snyk|weblate|noreply\+bot", re.IGNORECASE
)
_PREFIX = re.compile(r"^(?:\[[^\]]+\]\s*|[a-z]+(?:\([^)]*\))?!?:\s+|[A-Z]+-\d+:?\s+|(?:#\d+|GH-\d+):?\s*(?:--?\s*)?)+")
_ROUTINE_PREFIX = re.compile(
    r"^(?:chore|ci|build|docs?|style|tests?|release|deps|lint|typo|revert)(?:\([^)]*\))?!?:", re.IGNORECASE
)
_REFERENCE = re.compile(
    r"\s*\(?(?:(?:fix(?:e[sd])?|close[sd]?|resolve[sd]?|refs?|see|issue|pr)\b[\s:]*)?(?:#\d+|gh-\d+)\)?(?:,\s*)?",
    re.IGNORECASE,
)
_ROUTINE = re.compile(
    r"^(?:merge|revert|bump|release|version|prepare|initial commit|changelog|typos?|format|reformat|lint|wip\b|cleanup"
    r"|clean up|add(?:ed)? tests?|tests?\b|docs?\b|comments?\b|whitespace|black\b|isort|prettier|clang-format|gofmt"
    r"|rustfmt|apply suggestion|review|address|minor\b|misc\b|oops"
    r"|update (?:dependenc|changelog|readme|docs?|version|copyright|year|translation)"
    r"|fix(?:ed|es)? (?:a )?(?:typos?|lint|formatting|whitespace|flake|ci|build|tests?|docs?)\b)",
    re.IGNORECASE,
)


def mine_commits(repository: Repository) -> Iterator[Pair]:
    """One pair for each commit of a few lines in a few functions that are still there."""
    chosen = [commit for commit in read_commits(repository.folder) if _is_telling(commit, repository)]
    for commit, lines in changed_lines(repository.folder, chosen):
        spans = [span for path, numbers in lines.items() for span in _changed(repository, commit, path, numbers)]
        if 0 < len(spans) <= MAX_FUNCTIONS:
            yield Pair(query=query_of(commit), code=tuple(spans), source=SOURCE, weight=WEIGHT, time=commit.time)


def query_of(commit: Commit) -> str:
    """What the commit did, without prefixes and numbers of issues; empty where it says nothing of its own."""
    if _BOT.search(f"{commit.author} {commit.email}") or _ROUTINE_PREFIX.match(commit.subject):
        return ""
    subject = plain(_REFERENCE.sub(" ", _PREFIX.sub("", commit.subject))).strip(" :-")
    if not subject or _ROUTINE.match(subject):
        return ""
    if len(subject.split()) < _MIN_SUBJECT_WORDS:
        more = sentences(plain(_REFERENCE.sub(" ", first_paragraph(commit.body))))
        subject = f"{subject}. {more[0]}" if more else subject
    return shortened(subject)


def _is_telling(commit: Commit, repository: Repository) -> bool:
    sources = [path for path in commit.changed if path_role(path) is PathRole.SOURCE]
    present = [path for path in sources if path in repository.files]
    lines = sum(commit.changed[path] for path in sources)
    return (
        0 < len(present) <= MAX_SOURCE_FILES
        and len(sources) <= MAX_SOURCE_FILES
        and len(commit.changed) <= MAX_FILES
        and 0 < lines <= MAX_LINES
        and bool(query_of(commit))
    )


def _changed(repository: Repository, commit: Commit, path: str, numbers: list[int]) -> Iterator[CodeSpan]:
    """Where the functions that a commit changed in a file are now."""
    file = repository.files.get(path)
    if file is None or file.role is not PathRole.SOURCE:
        return
    before = read_definitions(path, text_after(repository.folder, commit, path))
    names = {item.qualified_name for number in numbers if (item := _function_at(before, number)) is not None}
    yield from (file.span_of(item) for item in _functions(file) if item.qualified_name in names)


def _functions(file: RepositoryFile) -> list[SourceDefinition]:
    return [item for item in file.definitions if item.kind is not ChunkKind.CLASS]


def _function_at(definitions: list[SourceDefinition], line: int) -> SourceDefinition | None:
    around = [
        item for item in definitions if item.kind is not ChunkKind.CLASS and item.start_line <= line <= item.end_line
    ]
    # The outermost function is what search finds; what is nested in it has no name of its own to most people.
    return max(around, key=lambda item: item.end_line - item.start_line, default=None)
