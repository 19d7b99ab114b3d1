"""Hits as the editor has them: its text, its lines, its units."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lsprotocol.types import PositionEncodingKind
from pygls.workspace import Workspace

from codecontext.lsp.documents import Comparisons, Documents, Unsaved
from codecontext.lsp.folders import Folder, Folders
from codecontext.lsp.protocol import Position, Range, SearchHit
from codecontext.search.results import Freshness, Hit

from .conftest import Open

Write = Callable[[dict[str, str]], None]

PATH = "app/locks.py"
LINES = ["import fcntl", "", "", "def release(handle):", "    fcntl.flock(handle, fcntl.LOCK_UN)", ""]
TEXT = "\n".join(LINES)
ENCODINGS = [PositionEncodingKind.Utf8, PositionEncodingKind.Utf16, PositionEncodingKind.Utf32]


def hit_of(text: str, start: int, **fields: Any) -> Hit:
    end = start + text.count("\n")
    given = {"score": 1.0, "language": "python", "kind": "function", "symbol": "release"} | fields
    return Hit(path=PATH, start_line=start, end_line=end, text=text, **given)


RELEASE = hit_of("\n".join(LINES[3:5]), 4, signature="def release(handle)")


def span(first: int, start: int, last: int, end: int) -> Range:
    return Range(start=Position(line=first, character=start), end=Position(line=last, character=end))


def shown(workspace: Workspace, folder: Folder, hit: Hit = RELEASE) -> SearchHit:
    found = Documents(workspace).show(folder, hit)
    assert found is not None
    return found


def test_a_hit_in_a_file_that_is_not_open(workspace: Workspace, folder: Folder, write: Write) -> None:
    write({PATH: TEXT})
    found = shown(workspace, folder)
    assert (found.uri, found.folder, found.path) == (folder.uri_of(PATH), folder.uri, PATH)
    assert found.range == span(3, 0, 4, len(LINES[4]))
    assert found.selection_range == span(3, 4, 3, 11)
    assert found.freshness == "fresh"


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_an_open_document_that_says_what_the_file_says(
    ending: str, workspace: Workspace, folder: Folder, write: Write, show_document: Open
) -> None:
    """However its lines end: an editor may well convert them."""
    write({PATH: TEXT})
    show_document(PATH, TEXT.replace("\n", ending))
    assert Documents(workspace).unsaved(folder.path / PATH) is None
    assert shown(workspace, folder).freshness == "fresh"


def test_unsaved_lines_above_move_a_hit(
    workspace: Workspace, folder: Folder, write: Write, show_document: Open
) -> None:
    write({PATH: TEXT})
    show_document(PATH, "# one\n# two\n" + TEXT)
    found = shown(workspace, folder)
    assert (found.range, found.selection_range) == (span(5, 0, 6, len(LINES[4])), span(5, 4, 5, 11))
    assert (found.text, found.freshness) == (RELEASE.text, "moved")


def test_unsaved_lines_below_change_nothing(
    workspace: Workspace, folder: Folder, write: Write, show_document: Open
) -> None:
    write({PATH: TEXT})
    show_document(PATH, TEXT + "# more\n")
    found = shown(workspace, folder)
    assert (found.range, found.text, found.freshness) == (span(3, 0, 4, len(LINES[4])), RELEASE.text, "fresh")


def test_unsaved_changes_inside_are_shown(
    workspace: Workspace, folder: Folder, write: Write, show_document: Open
) -> None:
    write({PATH: TEXT})
    show_document(PATH, TEXT.replace("(handle):", "(handle):\n    print(handle)"))
    found = shown(workspace, folder)
    assert found.text.split("\n") == [LINES[3], "    print(handle)", LINES[4]]
    assert (found.range, found.freshness) == (span(3, 0, 5, len(LINES[4])), "changed")


def test_what_is_deleted_and_not_saved_is_not_shown(
    workspace: Workspace, folder: Folder, write: Write, show_document: Open
) -> None:
    write({PATH: TEXT})
    show_document(PATH, "\n".join(LINES[:3]))
    assert Documents(workspace).show(folder, RELEASE) is None


def test_a_changed_hit_stays_changed_where_it_only_moved(
    workspace: Workspace, folder: Folder, write: Write, show_document: Open
) -> None:
    write({PATH: TEXT})
    show_document(PATH, "# one\n" + TEXT)
    changed = RELEASE.model_copy(update={"freshness": Freshness.CHANGED})
    assert shown(workspace, folder, changed).freshness == "changed"


def test_a_part_of_a_long_line_stays_that_part(
    workspace: Workspace, folder: Folder, write: Write, show_document: Open
) -> None:
    line = "release = [" + "1, " * 50 + "]"
    write({PATH: line + "\n"})
    show_document(PATH, "# one\n" + line + "\n")
    part = hit_of(line[:40], 1)
    assert shown(workspace, folder, part).text == line[:40]


@pytest.mark.parametrize(
    ("text", "fields", "selected"),
    [
        ("# release it\ndef release():\n    pass", {"signature": "def release()"}, span(1, 4, 1, 11)),
        ("def released(release):\n    release()", {"signature": "def released(release)"}, span(0, 13, 0, 20)),
        ("template<T>\nvoid\nrelease(T it) {", {"signature": "template<T> void release(T it)"}, span(2, 0, 2, 7)),
        ("    x = 1\n    y = 2", {"symbol": ""}, span(0, 4, 0, 9)),
        ("first\nsecond", {"symbol": "absent"}, span(0, 0, 0, 5)),
        ("call(release)", {"signature": "something else"}, span(0, 5, 0, 12)),
    ],
    ids=["comment above", "whole words", "several lines", "no name", "name not there", "no declaration"],
)
def test_the_name_is_selected(
    text: str, fields: dict[str, str], selected: Range, workspace: Workspace, folder: Folder
) -> None:
    assert shown(workspace, folder, hit_of(text, 1, **fields)).selection_range == selected


@pytest.mark.parametrize(
    ("workspace", "character"), list(zip(ENCODINGS, [13, 8, 6], strict=True)), indirect=["workspace"], ids=ENCODINGS
)
def test_characters_are_counted_as_agreed(character: int, workspace: Workspace, folder: Folder) -> None:
    text = "é😀😀= release"  # 2 + 4 + 4 bytes, 1 + 2 + 2 UTF-16 units, 3 code points
    found = shown(workspace, folder, hit_of(text, 1))
    assert found.selection_range == span(0, character - 1, 0, character + 6)
    assert found.range.end.character == character + 6


@pytest.mark.parametrize(
    ("workspace", "units"),
    list(zip(ENCODINGS, [[0, 2, 6, 7], [0, 1, 3, 4], [0, 1, 2, 3]], strict=True)),
    indirect=["workspace"],
    ids=ENCODINGS,
)
def test_units_of_the_editor_become_characters(units: list[int], workspace: Workspace) -> None:
    documents = Documents(workspace)
    assert [documents.column("é😀x", number) for number in units] == [0, 1, 2, 3]
    assert documents.column("é😀x", 99) == 3


def test_lines_come_from_the_document_before_the_file(
    workspace: Workspace, folder: Folder, write: Write, show_document: Open
) -> None:
    write({PATH: "on disk", "b.py": "only\non disk"})
    show_document(PATH, "in the\r\neditor")
    documents = Documents(workspace)
    assert documents.lines(folder.path / PATH) == ["in the", "editor"]
    assert documents.lines(folder.path / "b.py") == ["only", "on disk"]
    assert list(documents.paths()) == [folder.path / PATH]
    with pytest.raises(FileNotFoundError):
        documents.lines(folder.path / "absent.py")


def test_documents_that_are_no_files_are_left_out(workspace: Workspace, folder: Folder) -> None:
    workspace.text_documents["untitled:Untitled-1"] = workspace.get_text_document(folder.uri_of(PATH))
    assert list(Documents(workspace).paths()) == [folder.path / PATH]


NOTEBOOK = """\
{
 "cells": [
  {
   "cell_type": "code",
   "outputs": [],
   "source": [
    "def release(\\"handle\\"):\\n",
    "    unlock(handle)"
   ]
  }
 ]
}
"""


def test_a_hit_in_a_notebook_shows_its_source_and_stands_where_the_file_has_it(
    workspace: Workspace, folder: Folder, write: Write, show_document: Open
) -> None:
    write({"a.ipynb": NOTEBOOK})
    source = 'def release("handle"):\n    unlock(handle)'
    hit = hit_of(source, 7, signature='def release("handle")').model_copy(update={"path": "a.ipynb"})
    found = shown(workspace, folder, hit)
    lines = NOTEBOOK.split("\n")
    assert found.range == span(6, 0, 7, len(lines[7]))
    assert found.selection_range == span(6, 9, 6, 16)
    assert (found.text, found.freshness) == (source, "fresh")

    show_document("a.ipynb", "\n" + NOTEBOOK)
    found = shown(workspace, folder, hit)
    assert found.range == span(7, 0, 8, len(lines[7]))
    assert (found.text, found.freshness) == (source, "moved")

    show_document("a.ipynb", NOTEBOOK.replace("unlock(", "unlock_all("))
    found = shown(workspace, folder, hit)
    assert (found.text, found.freshness) == (source.replace("unlock(", "unlock_all("), "changed")


@pytest.fixture(params=["FIFO", "device", "link out", "link to a FIFO"])
def trap(request: pytest.FixtureRequest, folder: Folder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of the folder that became something else."""
    path = folder.path / "trap.py"
    outside = tmp_path_factory.mktemp("outside") / "secret.py"
    outside.write_text("SECRET = 1\n", encoding="utf-8")
    match request.param:
        case "FIFO":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "link out":
            path.symlink_to(outside)
        case _:
            os.mkfifo(outside.with_name("fifo"))
            path.symlink_to(outside.with_name("fifo"))
    return path


@pytest.mark.skipif(os.name != "posix", reason="special files of POSIX")
@pytest.mark.parametrize("is_known", [True, False], ids=["in a folder", "in none"])
def test_what_is_no_file_any_more_is_not_read(
    is_known: bool, trap: Path, workspace: Workspace, folder: Folder, show_document: Open
) -> None:
    documents = Documents(workspace, Folders([(folder.uri, "")] if is_known else []))
    with pytest.raises(OSError, match=r"symbolic link|regular file"):
        documents.lines(trap)
    show_document("trap.py", TEXT)
    hit = RELEASE.model_copy(update={"path": "trap.py"})
    assert Documents(workspace, Folders([(folder.uri, "")])).show(folder, hit) is None
    assert Documents(workspace).lines(trap) == LINES


@pytest.mark.skipif(os.name != "posix", reason="links")
def test_a_folder_that_became_a_link_out_is_not_read(
    workspace: Workspace, folder: Folder, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.py").write_text("SECRET = 1\n", encoding="utf-8")
    (folder.path / "lib").symlink_to(outside)
    with pytest.raises(OSError, match=r"symbolic link|Not a directory"):
        Documents(workspace, Folders([(folder.uri, "")])).lines(folder.path / "lib" / "secret.py")


def test_a_document_is_compared_again_only_when_something_changed(
    workspace: Workspace, folder: Folder, write: Write, show_document: Open
) -> None:
    write({PATH: TEXT})
    show_document(PATH, "# one\n" + TEXT)
    comparisons = Comparisons()

    def unsaved() -> Unsaved | None:
        return Documents(workspace, None, comparisons).unsaved(folder.path / PATH)

    first = unsaved()
    assert first is not None
    assert unsaved() is first
    show_document(PATH, "# two\n" + TEXT)
    second = unsaved()
    assert second is not first
    write({PATH: "# two\n" + TEXT})
    assert unsaved() is None
