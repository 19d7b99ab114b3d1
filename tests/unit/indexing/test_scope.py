"""Which part of a folder an update looks at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from codecontext.indexing.files import SkipReason
from codecontext.indexing.scan import ScanConfig, ScanResult, scan_folder, scan_scope
from codecontext.indexing.scope import WHOLE_FOLDER, Scope, scope_of_changes

Folder = Any  # the class of that name in conftest.py, which tests cannot import


def scan(folder: Folder, *paths: str) -> ScanResult:
    return scan_scope(folder.path, ScanConfig(), Scope.of(paths))


def paths(result: ScanResult) -> list[str]:
    return [file.path for file in result.files]


@pytest.mark.parametrize(
    ("path", "covered", "met"),
    [
        ("app/a.py", True, True),
        ("app", False, True),
        ("", False, True),
        ("app/a.pyi", False, False),
        ("lib", True, True),
        ("lib/", True, True),
        ("lib/deep/b.py", True, True),
        ("library", False, False),
    ],
)
def test_a_scope_covers_its_paths_and_what_is_below(path: str, *, covered: bool, met: bool) -> None:
    scope = Scope.of(["app/a.py", "lib/"])
    assert (scope.covers(path), scope.meets(path)) == (covered, met)
    assert WHOLE_FOLDER.covers(path)


def test_a_scope_widens_to_folders_around_its_paths_only() -> None:
    scope = Scope.of(["app/inner/a.py", "lib"])
    assert scope.widened(["app/other/", "lib/deep/", "app/inner/a.py", "app"]) == scope
    assert scope.widened(["app/"]).covers("app/b.py")


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        ".gitignore",
        "app/.gitignore",
        ".codecontextignore",
        ".git/info/exclude",
        "vendor/.git/info/exclude",
        "vendor/.git",
        "env/pyvenv.cfg",
    ],
)
def test_what_decides_about_other_files_concerns_the_whole_folder(path: str) -> None:
    assert scope_of_changes(["a.py", path]).is_whole


def test_very_many_paths_concern_the_whole_folder() -> None:
    assert not scope_of_changes([f"{n}.py" for n in range(500)]).is_whole
    assert scope_of_changes([f"{n}.py" for n in range(501)]).is_whole


@pytest.mark.parametrize("path", ["../b.py", "app/../../b.py", "/etc/passwd", ".git/config", "app//b.py", "./b.py"])
def test_paths_that_lead_elsewhere_are_dropped(path: str) -> None:
    assert scope_of_changes(["a.py", path]).paths == {"a.py"}


def test_only_what_is_in_scope_is_told(repository: Folder) -> None:
    repository.write("a.py", "app/b.py", "app/c.png", "lib/d.py", "lib/e.png")
    found = scan(repository, "app", "lib/d.py", "gone.py")
    assert paths(found) == ["app/b.py", "lib/d.py"]
    assert [entry.path for entry in found.skipped] == ["app/c.png"]


def test_an_ignored_folder_around_a_path_is_told(repository: Folder) -> None:
    repository.write(".gitignore", content="build/\n")
    repository.write("build/deep/x.py", "other/y.py")
    found = scan(repository, "build/deep/x.py")
    assert paths(found) == []
    assert [(entry.path, entry.reason) for entry in found.skipped] == [("build/", SkipReason.IGNORED_BY_GIT)]


def test_a_tracked_file_counts_although_a_rule_names_it(repository: Folder) -> None:
    repository.write(".gitignore", content="*.log\n")
    repository.write("tracked.log", "other.log")
    repository.git("add", "--force", "tracked.log")
    found = scan(repository, "tracked.log", "other.log")
    assert paths(found) == ["tracked.log"]
    assert [entry.path for entry in found.skipped] == ["other.log"]


def test_a_path_in_a_nested_repository_is_judged_by_that_repository(
    new_repository: Callable[[str], Folder],
) -> None:
    outer = new_repository("outer")
    inner = new_repository("outer/vendor/inner")
    outer.write(".gitignore", content="*.txt\n")
    inner.write(".gitignore", content="*.py\n")
    inner.write("a.txt", "b.py")
    found = scan(outer, "vendor/inner/a.txt", "vendor/inner/b.py")
    assert paths(found) == ["vendor/inner/a.txt"]
    assert [entry.path for entry in found.skipped] == ["vendor/inner/b.py"]


def test_a_nested_repository_in_an_ignored_folder_stays_out(new_repository: Callable[[str], Folder]) -> None:
    outer = new_repository("outer")
    inner = new_repository("outer/vendor/inner")
    outer.write(".gitignore", content="vendor/\n")
    inner.write("a.py")
    assert paths(scan(outer, "vendor/inner/a.py")) == []


def test_the_whole_folder_in_scope_is_the_scan_of_the_folder(folder: Folder) -> None:
    folder.write("a.py", "app/b.py", "node_modules/x.js", "app/.gitignore")
    assert scan_scope(folder.path, ScanConfig(), WHOLE_FOLDER) == scan_folder(folder.path, ScanConfig())
