"""What lies in a folder and is not its source: other checkouts, git's data, our own home, adapters."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codecontext.core.paths import codecontext_home
from codecontext.indexing.files import SkipReason
from codecontext.indexing.repositories import is_second_checkout
from codecontext.indexing.scan import ScanConfig, ScanResult, scan_folder, scan_scope
from codecontext.indexing.scope import Scope

Folder = Any  # the class of that name in conftest.py, which tests cannot import
NewRepository = Callable[[str], Folder]


def scan(path: Path, **settings: object) -> ScanResult:
    return scan_folder(path, ScanConfig.model_validate(settings))


def paths(result: ScanResult) -> set[str]:
    return {file.path for file in result.files}


def reasons(result: ScanResult) -> dict[str, SkipReason]:
    return {entry.path: entry.reason for entry in result.skipped}


@pytest.fixture
def committed(repository: Folder) -> Folder:
    repository.write("x.py")
    repository.commit()
    return repository


class TestWorktrees:
    @pytest.mark.parametrize("settings", [{}, {"respect_gitignore": False}])
    def test_those_inside_the_repository_are_other_checkouts(
        self, committed: Folder, settings: dict[str, object]
    ) -> None:
        committed.git("worktree", "add", "--quiet", ".worktrees/feature")
        committed.git("worktree", "add", "--quiet", ".claude/worktrees/agent-1")
        result = scan(committed.path, **settings)
        assert paths(result) == {"x.py"}
        assert reasons(result) == dict.fromkeys(
            [".worktrees/feature/", ".claude/worktrees/agent-1/"], SkipReason.WORKTREE
        )

    def test_a_saved_file_in_one_changes_nothing(self, committed: Folder) -> None:
        committed.git("worktree", "add", "--quiet", "trees/feature")
        result = scan_scope(committed.path, ScanConfig(), Scope.of(["trees/feature/x.py"]))
        assert (paths(result), set(reasons(result))) == (set(), {"trees/feature/"})

    def test_where_git_is_missing_they_are_the_same(self, committed: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
        committed.git("worktree", "add", "--quiet", "trees/feature")
        monkeypatch.setenv("PATH", "")
        assert reasons(scan(committed.path)) == {"trees/feature/": SkipReason.WORKTREE}

    def test_one_is_a_folder_to_index_like_any_other(self, committed: Folder) -> None:
        committed.git("worktree", "add", "--quiet", "trees/feature")
        committed.git("worktree", "add", "--quiet", "trees/feature/trees/inner")
        result = scan(committed.path / "trees" / "feature")
        assert (paths(result), reasons(result)) == ({"x.py"}, {"trees/inner/": SkipReason.WORKTREE})

    def test_beside_the_main_checkout_that_one_counts(self, committed: Folder, tmp_path: Path) -> None:
        committed.git("worktree", "add", "--quiet", str(tmp_path / "a-feature"))
        result = scan(tmp_path)
        assert paths(result) == {"repository/x.py"}
        assert reasons(result) == {"a-feature/": SkipReason.WORKTREE}

    def test_without_the_main_checkout_one_of_them_counts(self, committed: Folder, tmp_path: Path) -> None:
        for name in ("b", "a", "c"):
            committed.git("worktree", "add", "--quiet", str(tmp_path / "trees" / name))
        assert paths(scan(tmp_path / "trees")) == {"a/x.py"}

    def test_of_another_repository_it_is_indexed_like_a_clone(
        self, committed: Folder, new_repository: NewRepository
    ) -> None:
        other = new_repository("other")
        other.write("o.py")
        other.commit()
        other.git("worktree", "add", "--quiet", str(committed.path / "vendor"))
        assert paths(scan(committed.path)) == {"x.py", "vendor/o.py"}

    @pytest.mark.parametrize("name", [".bare", ".git"])
    def test_beside_a_bare_repository_the_one_of_its_branch_counts(
        self, committed: Folder, tmp_path: Path, name: str
    ) -> None:
        container = tmp_path / "container"
        committed.git("clone", "--quiet", "--bare", str(committed.path), str(container / name))
        if name != ".git":
            (container / ".git").write_text(f"gitdir: ./{name}\n")
        for arguments in (["-b", "a-feature", str(container / "a-feature")], [str(container / "main"), "main"]):
            committed.git(f"--git-dir={container / name}", "worktree", "add", "--quiet", *arguments)
        result = scan(container)
        assert paths(result) == {"main/x.py"}
        assert reasons(result)["a-feature/"] is SkipReason.WORKTREE
        assert reasons(result).get(".bare/") is (SkipReason.GIT_DATA if name == ".bare" else None)
        assert result.notes == []

    def test_private_exclude_rules_are_those_of_the_repository(
        self, committed: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        committed.write(".git/info/exclude", content="*.mine\n")
        committed.git("worktree", "add", "--quiet", str(tmp_path / "tree"))
        (tmp_path / "tree" / "x.mine").write_text("x\n")
        with_git = scan(tmp_path / "tree")
        monkeypatch.setenv("PATH", "")
        without_git = scan(tmp_path / "tree")
        assert paths(with_git) == paths(without_git) == {"x.py"}

    @pytest.mark.parametrize("content", [b"", b"gitdir:", b"gitdir: \0", b"gitdir: /nowhere/.git/worktrees/x", b"\xff"])
    def test_a_git_file_that_names_nothing_is_no_worktree(self, committed: Folder, content: bytes) -> None:
        committed.write("odd/y.py")
        committed.write("odd/.git", content=content)
        assert not is_second_checkout(committed.path / "odd", committed.path)
        result = scan(committed.path)
        assert "x.py" in paths(result)

    @pytest.mark.skipif(os.name == "nt", reason="no FIFOs there")
    def test_a_git_file_that_nobody_writes_to_is_not_waited_for(self, committed: Folder) -> None:
        committed.write("odd/y.py")
        os.mkfifo(committed.path / "odd" / ".git")
        assert "x.py" in paths(scan(committed.path))
        assert not is_second_checkout(committed.path / "odd", committed.path)


class TestGitData:
    def test_a_bare_repository_is_no_source(self, folder: Folder, committed: Folder, tmp_path: Path) -> None:
        folder.write("y.py")
        for target in (folder.path / "mirror.git", committed.path / "fixtures" / "mirror"):
            committed.git("clone", "--quiet", "--bare", str(committed.path), str(target))
        assert (paths(scan(folder.path)), reasons(scan(folder.path))) == (
            {"y.py"},
            {"mirror.git/": SkipReason.GIT_DATA},
        )
        result = scan(committed.path)
        assert (paths(result), reasons(result)) == ({"x.py"}, {"fixtures/mirror/": SkipReason.GIT_DATA})

    def test_a_bare_repository_itself_has_nothing_to_index(self, committed: Folder, tmp_path: Path) -> None:
        committed.git("clone", "--quiet", "--bare", str(committed.path), str(tmp_path / "bare"))
        result = scan(tmp_path / "bare")
        assert (paths(result), reasons(result)) == (set(), {"./": SkipReason.GIT_DATA})

    def test_a_folder_with_a_file_called_head_is_source(self, committed: Folder) -> None:
        committed.write("api/HEAD", "api/refs/x.py")
        assert paths(scan(committed.path)) == {"x.py", "api/HEAD", "api/refs/x.py"}

    def test_a_gitlink_without_a_repository_is_listed_as_not_checked_out(
        self, committed: Folder, new_repository: NewRepository
    ) -> None:
        library = new_repository("library")
        library.write("lib.py")
        library.commit()
        committed.git("submodule", "--quiet", "add", str(library.path), "lib")
        committed.commit()
        (committed.path / "lib" / ".git").unlink()
        assert (committed.path / "lib" / "lib.py").exists()
        assert [(entry.path, entry.detail) for entry in scan(committed.path).skipped] == [("lib/", "not checked out")]


class TestOurOwn:
    @pytest.mark.parametrize("kind", ["repository", "folder"])
    def test_our_home_is_never_indexed(
        self, request: pytest.FixtureRequest, kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        folder: Folder = request.getfixturevalue(kind)
        folder.write("x.py", "tools/home/indexes/x-1/manifest.json", "tools/home/config.yaml", "tools/y.py")
        (tmp_path / "link").symlink_to(folder.path / "tools")
        monkeypatch.setenv("CODECONTEXT_HOME", str(tmp_path / "link" / "home"))
        result = scan(folder.path)
        assert paths(result) == {"x.py", "tools/y.py"}
        assert reasons(result) == {"tools/home/": SkipReason.IGNORED_BY_CODECONTEXT}

    def test_in_a_folder_that_is_our_home_its_parts_are_left_out(
        self, folder: Folder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder.write("x.py", "indexes/x/manifest.json", "searches/x.jsonl", "training/x/pairs.json", "cache/x.json")
        monkeypatch.setenv("CODECONTEXT_HOME", str(folder.path))
        assert codecontext_home() == folder.path
        assert paths(scan(folder.path)) == {"x.py"}

    @pytest.mark.parametrize("kind", ["repository", "folder"])
    def test_adapters_are_left_out_wherever_they_are(self, request: pytest.FixtureRequest, kind: str) -> None:
        folder: Folder = request.getfixturevalue(kind)
        for place in ("models/words", "packages/app/.codecontext/adapters/other"):
            folder.write(f"{place}/adapter_config.json", f"{place}/README.md", f"{place}/report/scores.json")
            folder.write(f"{place}/adapter_model.safetensors", content=b"\0\1")
        folder.write("models/train.py", "conf/adapter_config.json", "packages/app/x.py")
        result = scan(folder.path)
        assert paths(result) == {"models/train.py", "conf/adapter_config.json", "packages/app/x.py"}
        assert reasons(result) == dict.fromkeys(
            ["models/words/", "packages/app/.codecontext/"], SkipReason.IGNORED_BY_CODECONTEXT
        )

    def test_an_adapter_that_appears_takes_its_folder_along(self, folder: Folder) -> None:
        folder.write("words/adapter_config.json", "words/README.md")
        assert paths(scan(folder.path)) == {"words/adapter_config.json", "words/README.md"}
        folder.write("words/adapter_model.safetensors", content=b"\0\1")
        result = scan_scope(folder.path, ScanConfig(), Scope.of(["words/adapter_model.safetensors"]))
        assert set(reasons(result)) == {"words/"}
        shutil.rmtree(folder.path / "words")
