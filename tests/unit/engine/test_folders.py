from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from codecontext.core.errors import ConfigError, IndexNotReady
from codecontext.core.paths import index_directory
from codecontext.engine.folders import existing_folder, has_index, indexed_folder, nearest_folder, with_index
from codecontext.store.index_store import IndexStore
from indexes import file_rows

MarkIndexed = Callable[[Path], None]


@pytest.fixture
def mark_indexed() -> MarkIndexed:
    """Give a folder an index that nobody finished."""

    def mark(folder: Path) -> None:
        IndexStore(index_directory(folder)).replace_files([file_rows("a.py", "a = 1\n")])

    return mark


@pytest.fixture
def deep(project: Path) -> Path:
    folder = project / "src" / "deep"
    folder.mkdir(parents=True)
    return folder


def test_the_nearest_folder_with_an_index_wins(project: Path, deep: Path, mark_indexed: MarkIndexed) -> None:
    mark_indexed(project)
    assert nearest_folder(deep) == project
    mark_indexed(deep.parent)
    assert nearest_folder(deep) == deep.parent
    assert indexed_folder(deep) == deep.parent


def test_an_index_further_up_wins_over_a_repository(project: Path, deep: Path, mark_indexed: MarkIndexed) -> None:
    mark_indexed(project)
    (deep.parent / ".git").mkdir()
    assert nearest_folder(deep) == project


class TestInALinkedWorktree:
    @pytest.fixture
    def worktree(self, project: Path, git: Callable[..., str]) -> Path:
        (project / "x.py").write_text("x = 1\n")
        for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "state"]):
            git(*arguments)
        git("worktree", "add", "-q", ".worktrees/feature")
        (project / ".worktrees" / "feature" / "src").mkdir()
        return project / ".worktrees" / "feature"

    def test_the_index_of_another_checkout_does_not_answer(
        self, project: Path, worktree: Path, mark_indexed: MarkIndexed
    ) -> None:
        mark_indexed(project)
        assert nearest_folder(worktree / "src") == worktree
        with pytest.raises(IndexNotReady, match=str(worktree)):
            indexed_folder(worktree / "src")

    def test_its_own_index_answers(self, project: Path, worktree: Path, mark_indexed: MarkIndexed) -> None:
        mark_indexed(project)
        mark_indexed(worktree)
        assert indexed_folder(worktree / "src") == worktree

    def test_a_repository_inside_it_is_as_far_away(
        self, project: Path, worktree: Path, mark_indexed: MarkIndexed
    ) -> None:
        mark_indexed(project)
        (worktree / "src" / ".git").mkdir()
        assert nearest_folder(worktree / "src") == worktree / "src"

    def test_an_index_that_holds_it_answers(
        self, project: Path, worktree: Path, git: Callable[..., str], mark_indexed: MarkIndexed
    ) -> None:
        trees = project.parent / "trees"
        git("worktree", "add", "-q", str(trees / "only"))
        mark_indexed(trees)
        assert nearest_folder(trees / "only") == trees


def test_an_index_of_no_code_is_an_index(project: Path, deep: Path) -> None:
    index_directory(project).mkdir(parents=True)
    assert not has_index(project)
    IndexStore(index_directory(project)).set_facts(finished=True)
    assert has_index(project)
    assert indexed_folder(deep) == project


def test_without_an_index_it_is_the_repository(project: Path, deep: Path) -> None:
    (project / ".git").mkdir()
    assert nearest_folder(deep) == project


def test_without_either_it_is_the_place_itself(deep: Path) -> None:
    assert nearest_folder(deep) == deep


def test_a_folder_without_an_index_says_how_to_make_one(tmp_path: Path) -> None:
    folder = tmp_path / "two words"
    folder.mkdir()
    assert not has_index(folder)
    with pytest.raises(IndexNotReady, match="has no index yet") as caught:
        with_index(folder)
    assert caught.value.hint == f"Run: codecontext index '{folder}'"
    with pytest.raises(IndexNotReady):
        indexed_folder(folder)


def test_an_existing_folder_is_resolved(project: Path, deep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = project / "link"
    link.symlink_to(deep, target_is_directory=True)
    monkeypatch.chdir(project)
    monkeypatch.setenv("HOME", str(deep))
    assert existing_folder(Path("link")) == deep
    assert existing_folder(Path("~")) == deep


def test_what_is_no_folder_is_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    (project / "file.py").touch()
    with pytest.raises(ConfigError, match=r"There is no folder 'nowhere'\."):
        existing_folder(Path("nowhere"))
    with pytest.raises(ConfigError, match=r"'file\.py' is a file, not a folder\."):
        existing_folder(Path("file.py"))


def test_an_index_of_an_earlier_version_is_said(project: Path) -> None:
    (index_directory(project) / "chunks.lance").mkdir(parents=True)
    with pytest.raises(IndexNotReady, match="was made by an earlier version"):
        with_index(project)
