"""Inside a repository the verdict is git's own."""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codecontext.core import CancelToken
from codecontext.core.errors import ConfigError, OperationCancelled
from codecontext.indexing.files import SkipReason
from codecontext.indexing.scan import ScanConfig, ScanResult, scan_folder

Folder = Any  # the class of that name in conftest.py, which tests cannot import


NewRepository = Callable[[str], Folder]


def scan(folder: Folder | Path, **settings: object) -> ScanResult:
    path = folder if isinstance(folder, Path) else folder.path
    return scan_folder(path, ScanConfig.model_validate(settings))


def paths(result: ScanResult) -> set[str]:
    return {file.path for file in result.files}


def reasons(result: ScanResult) -> dict[str, SkipReason]:
    return {entry.path: entry.reason for entry in result.skipped}


def nested_rules(folder: Folder) -> None:
    """Ignore files that add to, narrow and override one another, without anything only git knows."""
    folder.write(".gitignore", content="*.log\nbuild/\n/top.txt\nout/*\n!out/keep.py\ndocs/**/tmp\n*.cache/\n")
    folder.write("a/.gitignore", content="!notes.log\n/local.py\n*.txt\n")
    folder.write("a/b/.gitignore", content="*\n!.gitignore\n!*/\n!*.py\n")
    folder.write("a/b/c/.gitignore", content="secret*.py\r\n!kept.txt\r\n")
    folder.write("windows/.gitignore", content="\ufeff*.tmp\r\n\\#hash\r\n\\!bang\r\ntrailing\\ \r\nspaces.py   \r\n")
    folder.write("main.py", "top.txt", "x.log", "a/x.log", "a/notes.log", "a/local.py", "a/top.txt", "a/sub/local.py")
    folder.write("a/b/x.py", "a/b/x.txt", "a/b/c/d.py", "a/b/c/secret_1.py", "a/b/c/kept.txt", "a/b/c/other.txt")
    folder.write("a/b/c/notes.log", "build/x.py", "a/build/deep/y.py", "src/build.py", "a/z.cache/z.py", "a/z.cache.py")
    folder.write("out/keep.py", "out/drop.py", "out/more/keep.py", "docs/tmp/x.rst", "docs/a/b/tmp/x.rst", "docs/x.rst")
    folder.write("windows/x.tmp", "windows/#hash", "windows/!bang", "windows/trailing ", "windows/spaces.py")
    folder.write("windows/name with spaces.py", 'windows/quo"te.py', "windows/한글.py", "windows/\U0001f600.py")


def ignored_by_check_ignore(folder: Folder) -> set[str]:
    """What ``git check-ignore`` says about every single file."""
    names = sorted(folder.all_files())
    feed = b"".join(os.fsencode(name) + b"\0" for name in names)
    answer = folder.git("check-ignore", "--verbose", "--non-matching", "-z", "--stdin", feed=feed).split(b"\0")
    source, _line, pattern, path = (answer[offset::4] for offset in range(4))
    return {
        os.fsdecode(name)
        for place, rule, name in zip(source, pattern, path, strict=False)
        if place and not rule.startswith(b"!")
    }


def test_only_the_root_ignore_file_is_read_is_not_our_fault(repository: Folder) -> None:
    """Nested ignore files count, in both directions: the fault of tools that read only the root's."""
    repository.write(".gitignore", content="*.log\n")
    repository.write("a/.gitignore", content="generated.py\n!wanted.log\n")
    repository.write("a/generated.py", "a/wanted.log", "a/deep/generated.py", "generated.py", "other.log")
    expected = {".gitignore", "a/.gitignore", "a/wanted.log", "generated.py"}
    assert paths(scan(repository)) == expected
    shutil.rmtree(repository.path / ".git")
    assert paths(scan(repository)) == expected


def test_every_verdict_is_that_of_check_ignore(repository: Folder) -> None:
    nested_rules(repository)
    repository.write(".git/info/exclude", content="private/\n*.mine\n")
    repository.write("private/x.py", "a/b/y.py.mine", "note.mine")
    ignored = ignored_by_check_ignore(repository)
    assert paths(scan(repository)) == repository.all_files() - ignored
    assert {"a/b/x.txt", "a/b/c/secret_1.py", "private/x.py", "windows/spaces.py"} <= ignored
    assert not {"a/notes.log", "a/b/c/kept.txt", "a/b/c/d.py"} & ignored


def test_reading_the_ignore_files_gives_the_same_verdicts_as_git(repository: Folder) -> None:
    nested_rules(repository)
    with_git = scan(repository)
    shutil.rmtree(repository.path / ".git")
    without_git = scan(repository)
    assert with_git.files == without_git.files
    assert with_git.notes == without_git.notes == []


def test_every_skipped_file_is_counted_and_whole_folders_once(repository: Folder) -> None:
    nested_rules(repository)
    result = scan(repository)
    by_git = {path for path, reason in reasons(result).items() if reason is SkipReason.IGNORED_BY_GIT}
    covered = {
        file for file in repository.all_files() if any(file == entry or file.startswith(entry) for entry in by_git)
    }
    assert paths(result) | covered == repository.all_files()
    assert not paths(result) & covered
    assert {"build/", "a/build/", "a/z.cache/", "x.log"} <= by_git


def test_tracked_files_are_indexed_although_a_rule_matches_them(repository: Folder) -> None:
    repository.write(".gitignore", content="*.log\n")
    repository.write("tracked.log", "untracked.log")
    repository.git("add", "--force", "tracked.log")
    result = scan(repository)
    assert "tracked.log" in paths(result)
    assert reasons(result) == {"untracked.log": SkipReason.IGNORED_BY_GIT}


def test_a_tracked_file_that_was_deleted_is_not_there(repository: Folder) -> None:
    repository.write("gone.py", "here.py", "folder/gone.py")
    repository.commit()
    (repository.path / "gone.py").unlink()
    shutil.rmtree(repository.path / "folder")
    result = scan(repository)
    assert (paths(result), result.skipped) == ({"here.py"}, [])


def test_files_of_a_merge_conflict_appear_once(repository: Folder) -> None:
    for branch, content in (("main", "base\n"), ("other", "theirs\n")):
        repository.git("checkout", "--quiet", "-B", branch)
        repository.write("x.py", content=content)
        repository.commit()
    repository.git("checkout", "--quiet", "-B", "ours", "main")
    repository.write("x.py", content="ours\n")
    repository.commit()
    with pytest.raises(Exception, match="merge"):
        repository.git("merge", "other")
    assert [file.path for file in scan(repository).files] == ["x.py"]


def test_the_users_global_ignore_file_counts(
    repository: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ignore").write_text("*.swp\n")
    (tmp_path / "config").write_text(f"[core]\nexcludesFile = {tmp_path / 'ignore'}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    repository.write("x.py", "x.swp")
    assert paths(scan(repository)) == {"x.py"}


class TestFolderInsideARepository:
    def test_rules_from_above_count(self, repository: Folder) -> None:
        repository.write(".gitignore", content="*.log\n/pkg/private/\n")
        repository.write("outside.py", "pkg/x.py", "pkg/x.log", "pkg/private/y.py", "pkg/deep/z.py")
        repository.commit()
        result = scan(repository.path / "pkg")
        assert paths(result) == {"x.py", "deep/z.py"}
        assert set(reasons(result)) == {"x.log", "private/"}

    def test_rules_from_above_count_where_git_is_missing(
        self, repository: Folder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        repository.write(".gitignore", content="*.log\n/pkg/private/\n")
        repository.write(".git/info/exclude", content="mine.py\n")
        repository.write("pkg/.gitignore", content="!kept.log\n")
        repository.write("pkg/deep/x.py", "pkg/deep/x.log", "pkg/deep/kept.log", "pkg/deep/mine.py", "pkg/private/y.py")
        with_git = scan(repository.path / "pkg")
        monkeypatch.setenv("PATH", "")
        without_git = scan(repository.path / "pkg")
        assert paths(with_git) == paths(without_git) == {".gitignore", "deep/x.py", "deep/kept.log"}
        assert without_git.notes == [
            f"Ignore files in {repository.path / 'pkg'} were read without git: git is not installed."
        ]

    def test_an_ignored_folder_that_is_asked_for_by_name_is_indexed(self, repository: Folder) -> None:
        repository.write(".gitignore", content="vendor/\n*.log\n")
        repository.write("vendor/lib/.gitignore", content="private.py\n")
        repository.write("vendor/lib/x.py", "vendor/lib/private.py", "vendor/lib/x.log")
        result = scan(repository.path / "vendor" / "lib")
        assert paths(result) == {".gitignore", "x.py"}
        (note,) = result.notes
        assert note.startswith(f"Ignore files in {repository.path / 'vendor' / 'lib'} were read without git: ")
        assert note.endswith("the enclosing repository ignores the whole folder.")

    def test_a_folder_whose_files_are_all_ignored_one_by_one(self, repository: Folder) -> None:
        repository.write(".gitignore", content="*.log\n")
        repository.write("logs/x.log", "logs/old/y.log")
        assert set(reasons(scan(repository))) == {"logs/"}
        assert set(reasons(scan(repository.path / "logs"))) == {"x.log", "old/"}


class TestRepositoriesInside:
    def test_submodules_and_clones_are_indexed_by_their_own_rules(
        self, repository: Folder, new_repository: NewRepository
    ) -> None:
        library = new_repository("library")
        library.write(".gitignore", content="*.tmp\n")
        library.write("lib.py")
        library.commit()
        repository.write(".gitignore", content="*.log\n")
        repository.git("submodule", "--quiet", "add", str(library.path), "deps/library")
        clone = new_repository("repository/tools/clone")
        clone.write("tool.py", "kept.log")
        repository.write("deps/library/new.py", "deps/library/x.tmp", "deps/library/x.log", "own.py")
        assert paths(scan(repository)) == {
            ".gitignore",
            ".gitmodules",
            "own.py",
            "deps/library/.gitignore",
            "deps/library/lib.py",
            "deps/library/new.py",
            "deps/library/x.log",
            "tools/clone/kept.log",
            "tools/clone/tool.py",
        }
        assert reasons(scan(repository)) == {"deps/library/x.tmp": SkipReason.IGNORED_BY_GIT}

    def test_a_submodule_that_is_not_checked_out_is_counted(
        self, repository: Folder, new_repository: NewRepository
    ) -> None:
        library = new_repository("library")
        library.write("lib.py")
        library.commit()
        repository.git("submodule", "--quiet", "add", str(library.path), "library")
        repository.commit()
        repository.git("submodule", "--quiet", "deinit", "--force", "library")
        assert reasons(scan(repository)) == {"library/": SkipReason.SUBMODULE}

    def test_an_ignored_repository_is_one_entry(self, repository: Folder, new_repository: NewRepository) -> None:
        repository.write(".gitignore", content="vendor/\n")
        new_repository("repository/vendor/clone").write("x.py")
        assert reasons(scan(repository)) == {"vendor/": SkipReason.IGNORED_BY_GIT}

    def test_repositories_in_a_plain_folder_keep_git_s_verdict(
        self, tmp_path: Path, new_repository: NewRepository
    ) -> None:
        clone = new_repository("projects/clone")
        clone.write(".gitignore", content="*.log\n")
        clone.write("tracked.log", "untracked.log")
        clone.git("add", "--force", "tracked.log")
        assert paths(scan(tmp_path / "projects")) == {"clone/.gitignore", "clone/tracked.log"}


def test_a_linked_worktree_is_a_repository(repository: Folder, tmp_path: Path) -> None:
    repository.write(".gitignore", content="*.log\n")
    repository.write("x.py")
    repository.commit()
    repository.git("worktree", "add", "--quiet", str(tmp_path / "tree"))
    (tmp_path / "tree" / "x.log").write_text("x")
    result = scan(tmp_path / "tree")
    assert paths(result) == {".gitignore", "x.py"}
    assert result.notes == []


class TestUntrustedRepository:
    def test_programs_named_by_its_configuration_do_not_run(self, repository: Folder, tmp_path: Path) -> None:
        trace = tmp_path / "trace"
        repository.write("x.py")
        repository.git("config", "core.fsmonitor", f"touch '{trace}'; false")
        scan(repository)
        assert not trace.exists()
        repository.git("ls-files", "--others")  # the control: git alone does run it
        assert trace.exists()

    def test_a_forged_index_does_not_lead_out_of_the_folder(self, repository: Folder, tmp_path: Path) -> None:
        outside = tmp_path / "outside.py"
        outside.write_text("private\n")
        repository.write("x.py")
        forged = ["../outside.py", "sub/../../outside.py", str(outside), ".git/config", "x.py"]
        write_index(repository.path / ".git" / "index", forged)
        assert b"../outside.py" in repository.git("ls-files"), "the control: git does print it"
        result = scan(repository)
        assert (paths(result), result.skipped) == ({"x.py"}, [])

    def test_a_tracked_folder_that_became_a_link_is_not_followed(self, repository: Folder, tmp_path: Path) -> None:
        repository.write("package/x.py")
        repository.commit()
        shutil.move(repository.path / "package", tmp_path / "elsewhere")
        (repository.path / "package").symlink_to(tmp_path / "elsewhere")
        result = scan(repository)
        assert (paths(result), reasons(result)) == (set(), {"package": SkipReason.SYMLINK})

    def test_the_callers_git_variables_are_not_passed_on(
        self, repository: Folder, new_repository: NewRepository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = new_repository("other")
        other.write("other.py")
        other.commit()
        repository.write("x.py")
        monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
        monkeypatch.setenv("GIT_WORK_TREE", str(other.path))
        monkeypatch.setenv("GIT_INDEX_FILE", str(other.path / ".git" / "index"))
        assert paths(scan(repository)) == {"x.py"}

    def test_where_git_refuses_the_ignore_files_are_read_and_it_is_said(self, folder: Folder) -> None:
        folder.write(".git", content="gitdir: /nowhere/at/all\n")
        folder.write(".gitignore", content="*.log\n")
        folder.write("x.py", "x.log")
        result = scan(folder)
        assert paths(result) == {".gitignore", "x.py"}
        (note,) = result.notes
        assert note.startswith(f"Ignore files in {folder.path} were read without git: fatal: not a git repository")

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a file away")
    def test_a_repository_of_another_user_is_read_without_git(self, repository: Folder) -> None:
        repository.write(".gitignore", content="*.log\n")
        repository.write("x.py", "x.log")
        os.chown(repository.path, 12345, 12345)
        result = scan(repository)
        assert paths(result) == {".gitignore", "x.py"}
        assert "dubious ownership" in result.notes[0]


def write_index(path: Path, names: list[str]) -> None:
    """A git index (version 2, gitformat-index) with these names, which git itself would refuse to add."""
    data = b"DIRC" + struct.pack(">II", 2, len(names))
    for name in sorted(os.fsencode(name) for name in names):
        entry = struct.pack(">10I", *[0] * 6, 0o100644, 0, 0, 0) + b"\1" * 20
        entry += struct.pack(">H", len(name)) + name
        data += entry + b"\0" * (8 - len(entry) % 8)
    path.write_bytes(data + hashlib.sha1(data).digest())


def test_a_folder_that_is_away_is_an_error_and_not_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"Cannot list the folder .*gone: No such file or directory"):
        scan(tmp_path / "gone")


def test_stopping_on_request(repository: Folder) -> None:
    repository.write("x.py")
    token = CancelToken()
    token.cancel()
    with pytest.raises(OperationCancelled):
        scan_folder(repository.path, ScanConfig(), token)
