"""What the path of a file says about its part in a project."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from pathlib import PurePosixPath

from codecontext.core.paths import DEPENDENCIES_AND_CACHES


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
        "third_party",
        "thirdparty",
        "extern",
        *(name.strip("_.") for name in DEPENDENCIES_AND_CACHES),
    },
    PathRole.TEST: {
        "test",
        "tests",
        "testing",
        "testsuite",
        "testsuites",
        "test_suite",
        "test_suites",
        "testdata",
        "test_data",
        "testutil",
        "testutils",
        "test_util",
        "test_utils",
        "testhelper",
        "testhelpers",
        "test_helper",
        "test_helpers",
        "test_fixtures",
        "test_support",
        "testlib",
        "unittest",
        "unittests",
        "androidtest",
        "e2e",
        "spec",
        "specs",
        "fixture",
        "fixtures",
        "mocks",
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
_TEST_FOLDER = re.compile(r".*[._]tests")
"""``integration-tests``, ``Shop.Tests``; the singular is in names of products, as in ``ab_test``."""
_TEST_FILE = re.compile(
    r"^(test_.*|conftest|(spec|rails|test)_helper|.*_tests?|.*[._-](test|spec)s?|.*(Test|Tests|Spec|IT))$"
)
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
    folders = {_plain(part) for part in pure.parent.parts}
    for role, names in _ROLE_FOLDERS.items():
        if folders & names:
            return role
    if any(map(_TEST_FOLDER.fullmatch, folders)):
        return PathRole.TEST
    if _TEST_FILE.match(pure.stem):
        return PathRole.TEST
    if pure.suffix.lower() in _DOCUMENT_SUFFIXES:
        return PathRole.DOCUMENTATION
    return PathRole.SOURCE


def _plain(folder: str) -> str:
    """The name of a folder in one spelling: ``_examples``, ``__tests__``, ``test-suite``."""
    return folder.lower().replace("-", "_").strip("_.")


def asks_for(role: PathRole, terms: frozenset[str]) -> bool:
    """Whether a query with these terms wants files of this role."""
    return bool(_WORDS_FOR.get(role, set()) & terms)
