"""What the path of a file says about its part in a project."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from pathlib import PurePosixPath


class PathRole(StrEnum):
    """Part of a file in its project."""

    SOURCE = "source"
    TEST = "test"
    EXAMPLE = "example"
    DOCUMENTATION = "documentation"
    VENDORED = "vendored"


_ROLE_FOLDERS = {
    PathRole.VENDORED: {
        "vendor",
        "vendored",
        "_vendor",
        "third_party",
        "thirdparty",
        "node_modules",
        "extern",
    },
    PathRole.TEST: {
        "test",
        "tests",
        "testing",
        "__tests__",
        "spec",
        "specs",
        "testdata",
        "fixtures",
        "__mocks__",
    },
    PathRole.EXAMPLE: {
        "example",
        "examples",
        "sample",
        "samples",
        "demo",
        "demos",
        "benchmark",
        "benchmarks",
    },
    PathRole.DOCUMENTATION: {"doc", "docs", "documentation", "changelog", "changelogs"},
}
_TEST_FILE = re.compile(r"^(test_.*|conftest|.*_tests?|.*[._-](test|spec)s?|.*(Test|Tests|Spec|IT))$")
_DOCUMENT_SUFFIXES = {".md", ".rst", ".txt", ".adoc"}
_WORDS_FOR = {
    PathRole.TEST: {"test", "tests", "testing", "spec", "specs", "fixture", "fixtures", "mock", "tested"},
    PathRole.EXAMPLE: {"example", "examples", "sample", "samples", "demo", "benchmark", "benchmarks"},
    PathRole.DOCUMENTATION: {"doc", "docs", "documentation", "readme", "changelog", "guide", "documented"},
    PathRole.VENDORED: {"vendor", "vendored", "third", "bundled"},
}


@lru_cache(maxsize=100_000)
def path_role(path: str) -> PathRole:
    """Role of a file by the names of its folders, then by its own."""
    pure = PurePosixPath(path)
    folders = {part.lower() for part in pure.parent.parts}
    for role, names in _ROLE_FOLDERS.items():
        if folders & names:
            return role
    if _TEST_FILE.match(pure.stem):
        return PathRole.TEST
    if pure.suffix.lower() in _DOCUMENT_SUFFIXES:
        return PathRole.DOCUMENTATION
    return PathRole.SOURCE


def asks_for(role: PathRole, terms: frozenset[str]) -> bool:
    """Whether a query with these terms wants files of this role."""
    return bool(_WORDS_FOR.get(role, set()) & terms)
