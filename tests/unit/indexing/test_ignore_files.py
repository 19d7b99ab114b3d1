"""Ignore files that are not what their name says, or not as git wants them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from codecontext.core.errors import ConfigError
from codecontext.indexing.files import SkipReason
from codecontext.indexing.scan import ScanConfig, ScanResult, scan_folder

Folder = Any  # the class of that name in conftest.py, which tests cannot import

posix_only = pytest.mark.skipif(os.name == "nt", reason="Windows has no FIFOs, and links need rights there")


def scan(folder: Folder, **settings: object) -> ScanResult:
    return scan_folder(folder.path, ScanConfig.model_validate(settings))


def paths(result: ScanResult) -> set[str]:
    return {file.path for file in result.files}


def make(kind: str, path: Path) -> None:
    """Something of that name that is no ignore file."""
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    elif kind == "link to a fifo":
        os.mkfifo(path.parent / "pipe")
        path.symlink_to("pipe")


@posix_only
@pytest.mark.parametrize("kind", ["fifo", "device", "folder", "link to a fifo"])
@pytest.mark.parametrize("name", [".gitignore", ".codecontextignore", "deep/.codecontextignore"])
def test_what_is_no_regular_file_is_left_out_with_a_note(folder: Folder, kind: str, name: str) -> None:
    folder.write("x.py", "deep/y.py")
    make(kind, folder.path / name)
    result = scan(folder)
    assert {"x.py", "deep/y.py"} <= paths(result)
    assert [note for note in result.notes if note.startswith(f"{folder.path / name} is not read: it is ")]


@posix_only
@pytest.mark.parametrize("name", [".gitignore", ".git/info/exclude"])
def test_git_is_not_asked_where_it_would_wait_for_a_writer(repository: Folder, name: str) -> None:
    repository.write("x.py")
    (repository.path / name).unlink(missing_ok=True)
    os.mkfifo(repository.path / name)
    result = scan(repository)
    assert paths(result) == {"x.py"}
    assert result.notes[0] == (
        f"Ignore files in {repository.path} were read without git: {name} is not a regular file."
    )


@posix_only
def test_links_count_where_they_count_to_git(repository: Folder) -> None:
    """Git follows no link to ``.gitignore``, but one to its private ``exclude``."""
    repository.write("rules", content="*.log\n")
    repository.write("private-rules", content="*.mine\n")
    repository.write("x.log", "x.mine", "x.py")
    (repository.path / ".gitignore").symlink_to("rules")
    (repository.path / ".git/info/exclude").unlink()
    (repository.path / ".git/info/exclude").symlink_to(repository.path / "private-rules")
    with_git = scan(repository)
    assert paths(with_git) == {"rules", "private-rules", "x.py", "x.log"}
    shutil.rmtree(repository.path / ".git/objects")  # no repository to git any more
    without_git = scan(repository)
    assert paths(without_git) == paths(with_git)
    assert f"{repository.path / '.gitignore'} is not read: it is a symbolic link." in without_git.notes


@posix_only
def test_our_own_ignore_file_may_be_a_link(folder: Folder, tmp_path: Path) -> None:
    folder.write("x.log", "x.py", "sub/y.tmp")
    (tmp_path / "rules").write_text("*.log\n")
    (folder.path / ".codecontextignore").symlink_to(tmp_path / "rules")
    (folder.path / "sub" / ".codecontextignore").symlink_to("nowhere")
    result = scan(folder)
    assert paths(result) == {"x.py", "sub/y.tmp"}
    assert result.notes == [f"{folder.path / 'sub/.codecontextignore'} is not read: the link is broken."]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_ignore_files_as_windows_tools_write_them_are_followed(folder: Folder, encoding: str) -> None:
    folder.write("private/p.py", "x.py", "gr\u00fcn/y.py")
    mark = "\ufeff" if encoding.endswith(("le", "be")) else ""
    folder.write(".codecontextignore", content=f"{mark}private/\r\ngr\u00fcn/\r\n".encode(encoding))
    folder.write(".gitignore", content=f"{mark}*.log\r\n".encode(encoding))
    folder.write("x.log")
    assert {path for path in paths(scan(folder)) if "ignore" not in path} == {"x.py"}


def test_a_gitignore_that_git_cannot_understand_is_followed_and_said(repository: Folder) -> None:
    repository.write("private/p.py", "x.py", "sub/z.log")
    repository.write("sub/.gitignore", content="*.log\n".encode("utf-16"))
    repository.write(".gitignore", content="private/\n")
    result = scan(repository)
    assert {path for path in paths(result) if "ignore" not in path} == {"x.py"}
    assert "is in UTF-16, which git does not read" in result.notes[0]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"p\0r\0i\0v\0a\0t\0e\0/\0", "it contains NUL bytes"),
        (b"\xff\xfep", "truncated data"),
        (b"x" * 2_000_001, "is larger than 2,000,000 bytes"),
        (b"a\n" * 10_001, "those from line 10001 on are ignored"),
    ],
)
def test_our_own_ignore_file_is_followed_or_nothing_is_indexed(folder: Folder, content: bytes, reason: str) -> None:
    folder.write("private/p.py")
    folder.write(".codecontextignore", content=content)
    with pytest.raises(ConfigError, match=reason) as caught:
        scan(folder)
    assert str(folder.path / ".codecontextignore") in caught.value.message


def test_git_s_own_ignore_file_that_cannot_be_followed_is_a_note(folder: Folder) -> None:
    folder.write("x.py")
    folder.write(".gitignore", content=b"p\0r\0i\0v\0a\0t\0e\0/\0")
    result = scan(folder)
    assert "x.py" in paths(result)
    assert result.notes == [f"{folder.path / '.gitignore'} is not followed: {ZEROS}."]


ZEROS = "it contains NUL bytes, so it is not UTF-8 text"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_our_own_ignore_file_that_may_not_be_read_stops_the_run(folder: Folder) -> None:
    folder.write("x.py")
    folder.write(".codecontextignore", content="x.py\n")
    (folder.path / ".codecontextignore").chmod(0)
    with pytest.raises(ConfigError, match="Permission denied"):
        scan(folder)


@pytest.mark.parametrize("line", ["[z-a].py", "**/[b-a]/**", r"[\d-a]", "[abc", "name\\"])
@pytest.mark.parametrize("name", [".gitignore", ".codecontextignore"])
@pytest.mark.parametrize("kind", ["repository", "folder"])
def test_a_malformed_line_is_said_and_the_rest_counts(
    request: pytest.FixtureRequest, kind: str, name: str, line: str
) -> None:
    folder: Folder = request.getfixturevalue(kind)
    folder.write("a.py", "build/b.py")
    folder.write(name, content=f"# words\n{line}\nbuild/\n")
    result = scan(folder)
    assert {path for path in paths(result) if "ignore" not in path} == {"a.py"}
    (note,) = result.notes
    assert note.startswith(f"{folder.path / name}, line 2 is malformed (")


def test_notes_on_ignore_files_have_an_end(folder: Folder) -> None:
    for number in range(30):
        folder.write(f"d{number:02}/.codecontextignore", content="[a\n[b\n")
        folder.write(f"d{number:02}/x.py")
    result = scan(folder)
    assert len(result.notes) == 21
    assert result.notes[-1] == "10 more ignore files have problems."
    assert "line 1 is malformed ('[' has no ']'), as is 1 other line" in result.notes[0]


def test_an_ignore_file_that_never_ends_to_match_for_git_does_not_hold_us(folder: Folder) -> None:
    folder.write("a" * 240 + ".py", "x.py")
    for name in (".gitignore", ".codecontextignore"):
        folder.write(name, content="*a" * 30 + "*b\n" + "x.py\n")
    assert "a" * 240 + ".py" in paths(scan(folder, exclude=["*a" * 30 + "*b"]))


@pytest.mark.parametrize("setting", ["include", "exclude"])
@pytest.mark.parametrize("glob", ["[z-a].py", "**/[b-a]/**", r"[\d-a]", "[abc", "name\\", "x" * 5_000])
def test_a_malformed_glob_of_the_settings_is_refused_by_name(setting: str, glob: str) -> None:
    with pytest.raises(ValueError, match=setting) as caught:
        ScanConfig.model_validate({setting: ["*.py", glob]})
    assert f"{glob!r} is not a glob in gitignore syntax: " in str(caught.value)


def test_a_file_that_takes_what_we_print_is_not_indexed(folder: Folder) -> None:
    folder.write("x.py", "index.log")
    script = (
        "import sys; from pathlib import Path; from codecontext.indexing.scan import ScanConfig, scan_folder\n"
        "print('words', flush=True); found = scan_folder(Path(), ScanConfig())\n"
        "print([file.path for file in found.files], [(entry.path, entry.reason.value) for entry in found.skipped])"
    )
    with (folder.path / "index.log").open("wb") as log:
        subprocess.run([sys.executable, "-c", script], cwd=folder.path, stdout=log, check=True)
    said = (folder.path / "index.log").read_text().splitlines()[-1]
    assert said == f"['x.py'] [('index.log', '{SkipReason.IGNORED_BY_CODECONTEXT}')]"
