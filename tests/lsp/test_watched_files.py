"""Files that change: told by the editor where it can, seen by the server where it cannot."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest
import pytest_asyncio
from lsprotocol import types
from lsprotocol.types import FileChangeType

from lsp.client import Editor, Json, capabilities, opened, symbols, write

pytestmark = pytest.mark.asyncio(loop_scope="module")

BURST = 2_000


def function(name: str) -> str:
    return f"def {name}():\n    return 1\n"


async def appears(editor: Editor, name: str) -> Json:
    return await editor.finds(name, lambda result: symbols(result)[:1] == [name])


async def vanishes(editor: Editor, name: str) -> Json:
    return await editor.finds(name, lambda result: name not in symbols(result))


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def told(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Editor, Path]]:
    """An editor that watches for the server."""
    folder = write(tmp_path_factory.mktemp("told") / "tree", {"start.py": function("start")})
    git(folder, "init", "-q")
    async with opened(folder, can=capabilities("visual-studio-code")) as editor:
        await editor.settled()
        yield editor, folder


async def test_each_folder_is_watched_by_a_relative_pattern(told: tuple[Editor, Path]) -> None:
    editor, folder = told
    (registration,) = [
        each for each in editor.registered.values() if each.method == types.WORKSPACE_DID_CHANGE_WATCHED_FILES
    ]
    pattern = {"baseUri": folder.as_uri(), "pattern": "**/*"}
    assert registration.register_options == {"watchers": [{"globPattern": pattern}]}  # no kind: all kinds


async def test_a_saved_file(told: tuple[Editor, Path]) -> None:
    editor, folder = told
    editor.save(folder / "saved.py", function("saved_once"))
    await appears(editor, "saved_once")
    editor.save(folder / "saved.py", function("saved_twice"))
    await appears(editor, "saved_twice")
    await vanishes(editor, "saved_once")


async def test_a_file_created_renamed_and_deleted(told: tuple[Editor, Path]) -> None:
    editor, folder = told
    old, new = folder / "old.py", folder / "pkg" / "new.py"
    write(folder, {"old.py": function("travels")})
    editor.watched({old: FileChangeType.Created})
    assert (await appears(editor, "travels"))["hits"][0]["path"] == "old.py"
    new.parent.mkdir()
    old.rename(new)
    editor.watched({old: FileChangeType.Deleted, new: FileChangeType.Created})
    await editor.finds("travels", lambda result: [hit["path"] for hit in result["hits"]][:1] == ["pkg/new.py"])
    new.unlink()
    editor.watched({new: FileChangeType.Deleted})
    await vanishes(editor, "travels")


async def test_a_folder_deleted_as_a_whole(told: tuple[Editor, Path]) -> None:
    editor, folder = told
    write(folder, {"gone/a.py": function("inside_a"), "gone/b.py": function("inside_b")})
    editor.watched({folder / "gone": FileChangeType.Created})
    await appears(editor, "inside_a")
    await appears(editor, "inside_b")
    (folder / "gone").rename(folder.parent / "gone")
    editor.watched({folder / "gone": FileChangeType.Deleted})
    await vanishes(editor, "inside_a")
    await vanishes(editor, "inside_b")


async def test_an_ignore_file_takes_files_out_and_lets_them_in(told: tuple[Editor, Path]) -> None:
    editor, folder = told
    editor.save(folder / "build" / "made.py", function("generated_thing"))
    await appears(editor, "generated_thing")
    editor.save(folder / ".gitignore", "build/\n")
    await vanishes(editor, "generated_thing")
    (folder / ".gitignore").unlink()
    editor.watched({folder / ".gitignore": FileChangeType.Deleted})
    await appears(editor, "generated_thing")


async def test_what_is_no_part_of_the_folder_changes_nothing(told: tuple[Editor, Path]) -> None:
    editor, folder = told
    inner = {folder / ".git" / "index": FileChangeType.Changed, folder / "node_modules/x.js": FileChangeType.Created}
    outer = {folder.parent / "elsewhere.py": FileChangeType.Created, Path("/"): FileChangeType.Changed}
    await editor.settled()
    seen = len(editor.statuses)
    editor.watched(inner | outer)
    await editor.search("start")
    assert all(status["quiescent"] for status in editor.statuses[seen:])


async def test_a_branch_with_thousands_of_other_files(told: tuple[Editor, Path]) -> None:
    """The events of a checkout come in many messages; the folder is looked at a few times only."""
    editor, folder = told
    branch = {f"wide/part_{n:04}.py": function(f"wide_{n:04}") for n in range(BURST)}
    git(folder, "add", "--all")
    git(folder, "commit", "-qm", "narrow")
    git(folder, "branch", "narrow")
    write(folder, branch)
    git(folder, "add", "--all")
    git(folder, "commit", "-qm", "wide")
    git(folder, "branch", "wide")
    git(folder, "checkout", "-q", "narrow")
    await editor.settled()
    await vanishes(editor, "wide_0000")
    seen = len(editor.statuses)
    git(folder, "checkout", "-q", "wide")
    events = [folder / name for name in branch]
    for start in range(0, BURST, 50):
        editor.watched(dict.fromkeys(events[start : start + 50], FileChangeType.Created))
    editor.watched({folder / ".git" / "HEAD": FileChangeType.Changed})
    status = await editor.status_that(
        lambda status: (
            status["quiescent"] and status["folders"][0]["files"] > BURST and status["folders"][0]["coverage"] == 1
        ),
        after=seen,
    )
    assert status["health"] == "ok"
    await appears(editor, f"wide_{BURST - 1:04}")
    phases = [status["folders"][0]["phase"] for status in editor.statuses[seen:]]
    readings = sum(1 for before, now in pairwise(phases) if now == "reading" != before)
    assert readings <= 5


@pytest.mark.parametrize("reason", ["not able", "not willing"])
async def test_the_server_watches_where_the_editor_does_not(tmp_path: Path, reason: str) -> None:
    folder = write(tmp_path / "tree", {"start.py": function("start")})
    can = capabilities("visual-studio-code") if reason == "not willing" else None

    def refuse(editor: Editor) -> None:
        editor.refused.add(types.CLIENT_REGISTER_CAPABILITY)

    async with opened(folder, can=can, prepare=refuse) as editor:
        await editor.settled()
        write(folder, {"sub/new.py": function("seen_on_disk")})
        await appears(editor, "seen_on_disk")
        (folder / "sub" / "new.py").rename(folder / "moved.py")
        await editor.finds("seen_on_disk", lambda result: [hit["path"] for hit in result["hits"]][:1] == ["moved.py"])
        (folder / "moved.py").unlink()
        await vanishes(editor, "seen_on_disk")
