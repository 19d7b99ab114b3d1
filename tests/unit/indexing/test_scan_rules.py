"""The user's own rules, what files are, links, and folders that git does not know."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from codecontext.indexing.files import SkipReason, SourceFile
from codecontext.indexing.scan import ScanConfig, ScanResult, scan_folder, scan_in_steps

Folder = Any  # the class of that name in conftest.py, which tests cannot import


def scan(folder: Folder, **settings: object) -> ScanResult:
    return scan_folder(folder.path, ScanConfig.model_validate(settings))


def paths(result: ScanResult) -> list[str]:
    return [file.path for file in result.files]


def reasons(result: ScanResult) -> dict[str, SkipReason]:
    return {entry.path: entry.reason for entry in result.skipped}


@pytest.fixture(params=["with git", "without git"])
def either(request: pytest.FixtureRequest) -> Folder:
    """The same test in a repository and in a plain folder."""
    place: Folder = request.getfixturevalue("repository" if request.param == "with git" else "folder")
    return place


def test_what_a_project_keeps_for_us_is_no_code(either: Folder) -> None:
    either.write("kept.py", ".codecontext/adapters/words/README.md", ".codecontext/adapters/words/adapter_config.json")
    result = scan(either)
    assert paths(result) == ["kept.py"]
    assert reasons(result)[".codecontext/"] is SkipReason.IGNORED_BY_CODECONTEXT


def test_each_reason_is_counted(either: Folder) -> None:
    either.write("kept.py")
    either.write("empty.py", content="")
    either.write("huge.py", content="x = 1\n" * 20_000)
    either.write("logo.png", "core.min.js", "poetry.lock", ".env", "other/x.py", "ignored.py")
    either.write(".gitignore", content="ignored.py\n")
    either.write(".codecontextignore", content="/other/\n")
    either.write("excluded.py")
    (either.path / "link.py").symlink_to("kept.py")
    result = scan(either, exclude=["excluded.py"], include=["*.*"], max_file_bytes=100_000)
    assert paths(result) == [".codecontextignore", ".gitignore", "kept.py"]
    assert reasons(result) == {
        "empty.py": SkipReason.EMPTY,
        "huge.py": SkipReason.TOO_LARGE,
        "logo.png": SkipReason.BINARY,
        "core.min.js": SkipReason.MINIFIED,
        "poetry.lock": SkipReason.GENERATED,
        ".env": SkipReason.SECRET,
        "other/": SkipReason.IGNORED_BY_CODECONTEXT,
        "ignored.py": SkipReason.IGNORED_BY_GIT,
        "excluded.py": SkipReason.EXCLUDED,
        "link.py": SkipReason.SYMLINK,
    }


def test_a_notebook_may_be_larger_for_its_outputs(either: Folder) -> None:
    either.write("plots.ipynb", "plots.json", content="x" * 2_000)
    either.write("more.ipynb", content="x" * 20_001)
    result = scan(either, max_file_bytes=1_000)
    assert paths(result) == ["plots.ipynb"]
    assert reasons(result) == {"plots.json": SkipReason.TOO_LARGE, "more.ipynb": SkipReason.TOO_LARGE}


def test_own_ignore_files_nest_and_take_back_what_they_ignore(either: Folder) -> None:
    either.write(".codecontextignore", content="*.sql\nfixtures/\n")
    either.write("db/.codecontextignore", content="!schema.sql\n*.py\n")
    either.write("x.sql", "db/schema.sql", "db/data.sql", "db/x.py", "tests/fixtures/a/x.py", "tests/fixtures/b/y.py")
    result = scan(either, include=["*.sql", "*.py"])
    assert paths(result) == ["db/schema.sql"]
    assert Counter(reasons(result).values()) == {
        SkipReason.IGNORED_BY_CODECONTEXT: 4,
        SkipReason.NOT_INCLUDED: 2,
    }
    assert reasons(result)["tests/fixtures/"] is SkipReason.IGNORED_BY_CODECONTEXT


def test_own_ignore_files_do_not_bring_back_what_git_ignores(either: Folder) -> None:
    either.write(".gitignore", content="*.log\n")
    either.write(".codecontextignore", content="!x.log\n")
    either.write("x.log")
    assert reasons(scan(either)) == {"x.log": SkipReason.IGNORED_BY_GIT}


def test_own_ignore_files_of_the_repository_count_in_its_folders(repository: Folder) -> None:
    repository.write(".codecontextignore", content="/pkg/data/\n")
    repository.write("pkg/x.py", "pkg/data/x.py")
    result = scan_folder(repository.path / "pkg", ScanConfig())
    assert reasons(result) == {"data/": SkipReason.IGNORED_BY_CODECONTEXT}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ["a.py", "src/b.py", "src/b.ts", "src/vendor/c.py", "vendor/d.py"]),
        ({"include": ["*.py"]}, ["a.py", "src/b.py", "src/vendor/c.py", "vendor/d.py"]),
        ({"include": ["src/"]}, ["src/b.py", "src/b.ts", "src/vendor/c.py"]),
        ({"include": ["/src/*.py", "vendor/"]}, ["src/b.py", "src/vendor/c.py", "vendor/d.py"]),
        ({"exclude": ["vendor/"]}, ["a.py", "src/b.py", "src/b.ts"]),
        ({"exclude": ["/vendor/"]}, ["a.py", "src/b.py", "src/b.ts", "src/vendor/c.py"]),
        ({"exclude": ["*.py", "!a.py"]}, ["a.py", "src/b.ts"]),
        ({"exclude": ["src/**"]}, ["a.py", "vendor/d.py"]),
        ({"include": ["*.py"], "exclude": ["vendor/"]}, ["a.py", "src/b.py"]),
    ],
)
def test_include_and_exclude(either: Folder, settings: dict[str, list[str]], expected: list[str]) -> None:
    either.write("a.py", "src/b.py", "src/b.ts", "src/vendor/c.py", "vendor/d.py")
    assert paths(scan(either, **settings)) == expected


def test_a_glob_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(ValidationError, match="is not a glob in gitignore syntax"):
        ScanConfig(exclude=("a\\/b",))


def test_git_can_be_overruled(either: Folder) -> None:
    either.write(".gitignore", content="*.log\nnode_modules/\n")
    either.write("x.log", "node_modules/m/x.js")
    assert paths(scan(either, respect_gitignore=False)) == [".gitignore", "node_modules/m/x.js", "x.log"]


def test_folders_that_are_never_source_are_left_out_where_git_has_no_say(folder: Folder) -> None:
    folder.write("x.py", "node_modules/m/x.js", "env/pyvenv.cfg", "env/lib/y.py", ".hg/store/data")
    folder.write(".cache/CACHEDIR.TAG", content="Signature: 8a477f597d28d172789f06886806bc55")
    folder.write(".cache/v/x.json")
    result = scan(folder)
    assert paths(result) == ["x.py"]
    assert reasons(result) == dict.fromkeys(["node_modules/", "env/", ".cache/"], SkipReason.EXCLUDED)


def test_links_are_never_followed(either: Folder, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "private.py").write_text("private\n")
    either.write("pkg/x.py")
    (either.path / "pkg" / "loop").symlink_to(either.path)
    (either.path / "pkg" / "self").symlink_to("self")
    (either.path / "away").symlink_to(tmp_path / "outside")
    (either.path / "away.py").symlink_to(tmp_path / "outside" / "private.py")
    (either.path / "dangling.py").symlink_to("nothing.py")
    result = scan(either)
    assert paths(result) == ["pkg/x.py"]
    assert {entry.path: (entry.reason, entry.detail) for entry in result.skipped} == {
        "away": (SkipReason.SYMLINK, "leads out of the folder"),
        "away.py": (SkipReason.SYMLINK, "leads out of the folder"),
        "dangling.py": (SkipReason.SYMLINK, "is broken"),
        "pkg/loop": (SkipReason.SYMLINK, "leads to another place in the folder"),
        "pkg/self": (SkipReason.SYMLINK, "is broken"),
    }


def test_a_folder_reached_through_a_link_is_scanned(folder: Folder, tmp_path: Path) -> None:
    folder.write("x.py")
    (tmp_path / "link").symlink_to(folder.path)
    assert [file.folder / file.path for file in scan_folder(tmp_path / "link", ScanConfig()).files] == [
        tmp_path / "link" / "x.py"
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_is_not_utf8_is_counted_and_printable(either: Folder) -> None:
    either.write("x.py", "a\nb.py")
    Path(os.fsdecode(os.fsencode(either.path) + b"/bad\xff.py")).write_text("x\n")
    result = scan(either)
    assert paths(result) == ["a\nb.py", "x.py"]
    assert [(entry.path, entry.detail) for entry in result.skipped] == [("bad\\xff.py", "the name is not UTF-8")]


def test_what_is_not_a_regular_file_is_not_opened(folder: Folder) -> None:
    os.mkfifo(folder.path / "pipe.py")
    assert [(entry.path, entry.detail) for entry in scan(folder).skipped] == [("pipe.py", "not a regular file")]


def test_a_folder_that_cannot_be_listed_does_not_stop_the_scan(folder: Folder) -> None:
    deep = folder.path / "deep"
    deep.mkdir()
    folder.write("x.py")
    # Deeper than the longest path the system takes, and than Python's recursion limit.
    script = "import os\nfor _ in range(1500): os.mkdir('long'); os.chdir('long')"
    subprocess.run([sys.executable, "-c", script], cwd=deep, check=True)
    result = scan(folder)
    assert paths(result) == ["x.py"]
    assert [(entry.reason, entry.detail) for entry in result.skipped] == [(SkipReason.UNREADABLE, "File name too long")]
    subprocess.run(["rm", "-rf", "deep"], cwd=folder.path, check=True)


def test_size_and_times_are_those_of_the_file(either: Folder) -> None:
    either.write("x.py", content="x = 1\n")
    os.utime(either.path / "x.py", ns=(1_000, 1_000))
    (file,) = scan(either).files
    status = (either.path / "x.py").stat()
    assert (file.size, file.mtime_ns, file.changed_ns) == (6, 1_000, status.st_ctime_ns)


def in_steps(folder: Folder, first: list[str], early: int) -> tuple[list[SourceFile], ScanResult]:
    """The early files, and the result."""
    found: list[SourceFile] = []
    steps = scan_in_steps(folder.path, ScanConfig(), first=first, early=early)
    try:
        while True:
            found += next(steps)
    except StopIteration as end:
        return found, end.value


def test_some_source_code_is_found_early_and_the_result_stays_the_same(either: Folder) -> None:
    either.write(".gitignore", content="ignored.py\n")
    either.write("ignored.py", "a.txt", "b.txt", *(f"code_{number:02}.py" for number in range(9)), "deep/open.md")
    early, result = in_steps(either, ["deep/open.md", "ignored.py", "gone.py"], early=4)
    found = [file.path for file in early]
    assert len(found) == 4
    assert found[0] == "deep/open.md"
    assert all(path.startswith("code_") for path in found[1:])
    assert result == scan(either)


def test_a_folder_with_few_files_has_no_early_ones(either: Folder) -> None:
    either.write("a.py", "b.txt", "c.py")
    assert in_steps(either, [], early=4) == ([], scan(either))


def test_a_large_folder_without_git_is_listed_in_parts(folder: Folder) -> None:
    folder.write(*(f"part_{number % 30}/code_{number}.py" for number in range(1_200)))
    early, result = in_steps(folder, [], early=10)
    assert len(early) == 10
    assert len(result.files) == 1_200
    assert result == scan(folder)
