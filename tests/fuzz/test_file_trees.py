"""Trees of files as nobody made them on purpose: a scan says something about every entry, and stays inside."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codecontext.chunking import ChunkingConfig
from codecontext.indexing.reader import FileReading, ReadRequest, read_file
from codecontext.indexing.scan import ScanConfig, ScanResult, scan_folder
from fuzz.bounds import FUZZ

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="names and files that other systems refuse")

Entry = tuple[str, str, Any]

PRIVATE = "private_text_from_outside"
NAMES = st.sampled_from(
    [
        *(
            "a",
            "b",
            "src",
            "x.py",
            "y.py",
            "README.md",
            ".env",
            "node_modules",
            "pyvenv.cfg",
            "sp ace",
            "HEAD",
            "objects",
        ),
        *(
            "refs",
            ".gitignore",
            ".codecontextignore",
            ".codecontext",
            "adapter_config.json",
            "adapter_model.safetensors",
        ),
        *(
            "a\nb.py",
            "\u202egnp.py",
            "-rf",
            "*",
            "[z-a].py",
            "~",
            "n" * 255,
            os.fsdecode(b"\xff.py"),
            "\ud55c\uae00.py",
        ),
    ]
)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
CONTENTS = st.sampled_from(
    [
        b"",
        b"def one():\n    return 1\n",
        b"\0\1",
        b"x = '\xff'\n",
        b"*\n!*/\n",
        b"[z-a]\nb\n/a\n",
        b"*a*a*a*a*b\n",
        b"a\n" * 99,
    ]
)
TARGETS = st.sampled_from(
    ["a", "..", ".", "{outside}", "{outside}/private.py", "/dev/zero", "/dev/stdin", "x.py", "gone"]
)
ENTRIES = st.one_of(
    st.tuples(st.just("file"), PATHS, CONTENTS),
    st.tuples(st.just("link"), PATHS, TARGETS),
    st.tuples(
        st.sampled_from(["folder", "fifo", "socket", "repository", "no repository", "worktree"]), PATHS, st.none()
    ),
)
TREES = st.lists(ENTRIES, min_size=1, max_size=20)


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty repository to copy, and a folder outside with something private."""
    folder = tmp_path_factory.mktemp("templates")
    subprocess.run(["git", "init", "--quiet", "--template=", str(folder / "repository")], check=True)
    (folder / "outside").mkdir()
    (folder / "outside" / "private.py").write_text(f"{PRIVATE} = 1\n")
    return folder


def grow(tree: Path, entries: list[Entry], templates: Path) -> None:
    for kind, path, what in entries:
        place = tree / path
        with suppress(OSError):  # something else is in the way
            place.parent.mkdir(parents=True, exist_ok=True)
            if os.path.lexists(place) or not place.parent.resolve().is_relative_to(tree.resolve()):
                continue
            if kind == "file":
                # Zeros in our own ignore file stop a run, as they should.
                place.write_bytes(what.replace(b"\0", b"0") if place.name == ".codecontextignore" else what)
            elif kind == "link":
                place.symlink_to(str(what).format(outside=templates / "outside"))
            elif kind == "fifo":
                os.mkfifo(place)
            elif kind == "socket":
                with socket.socket(socket.AF_UNIX) as plug:
                    plug.bind(str(place))
            else:
                place.mkdir()
                make_repository(kind, place, templates)


def make_repository(kind: str, place: Path, templates: Path) -> None:
    (place / "inner.py").write_text("inner = 1\n")
    if kind == "repository":
        shutil.copytree(templates / "repository" / ".git", place / ".git")
    elif kind == "no repository":
        (place / ".git").write_text("gitdir: \0nowhere\n")
    elif kind == "worktree":
        (place / ".git").write_text(f"gitdir: {templates / 'repository' / '.git' / 'worktrees' / 'x'}\n")


def entries_below(folder: Path) -> Iterator[str]:
    """Every file, link and special file outside ``.git``, relative and printable."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != ".git"]
        for name in [*names, *(name for name in folders if Path(place, name).is_symlink())]:
            if name != ".git":
                path = os.fsencode(Path(place, name).relative_to(folder))
                yield path.decode("utf-8", "backslashreplace")


def is_said(entry: str, result: ScanResult) -> bool:
    skipped = {item.path for item in result.skipped}
    folders = {path for path in skipped if path.endswith("/")}
    return (
        entry in skipped
        or entry in {file.path for file in result.files}
        or any(entry.startswith(folder) for folder in folders)
        or "./" in folders
    )


def is_listed_by_git(path: Path) -> bool:
    return path.is_symlink() or path.is_file()


def read_all(result: ScanResult) -> list[FileReading]:
    return [read_file(ReadRequest(file), ChunkingConfig()) for file in result.files]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return tmp_path / "tree"


def planted(tree: Path, entries: list[Entry], templates: Path, *, is_repository: bool) -> Path:
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir()
    if is_repository:
        shutil.copytree(templates / "repository" / ".git", tree / ".git")
    grow(tree, entries, templates)
    return tree


@FUZZ
@given(TREES, st.booleans())
def test_every_entry_is_indexed_or_skipped_with_a_reason(
    tree: Path, templates: Path, entries: list[Entry], is_repository: bool
) -> None:
    planted(tree, entries, templates, is_repository=is_repository)
    result = scan_folder(tree, ScanConfig())
    unsaid = [entry for entry in entries_below(tree) if not is_said(entry, result)]
    # Git lists files and links; what is neither cannot be source.
    assert [entry for entry in unsaid if is_listed_by_git(tree / entry)] == []
    assert all(item.path.encode() for item in result.skipped)
    real = tree.resolve()
    for file, reading in zip(result.files, read_all(result), strict=True):
        assert (file.folder / file.path).resolve().is_relative_to(real)
        assert not any(PRIVATE in str(row) for row in reading.rows or [])


@FUZZ
@given(TREES, st.booleans(), st.sampled_from(["remove", "swap"]))
def test_what_changes_meanwhile_is_neither_a_fault_nor_a_way_out(
    tree: Path, templates: Path, entries: list[Entry], is_repository: bool, how: str
) -> None:
    planted(tree, entries, templates, is_repository=is_repository)
    thread = Thread(target=disturb, args=(tree, templates / "outside", how))
    thread.start()
    try:
        result = scan_folder(tree, ScanConfig())
        readings = read_all(result)
    finally:
        thread.join()
    assert not any(PRIVATE in str(row) for reading in readings for row in reading.rows or [])


def disturb(tree: Path, outside: Path, how: str) -> None:
    """Remove what is in the tree, or put links out of it in its place."""
    for path in sorted(tree.iterdir()):
        if path.name == ".git":
            continue
        with suppress(OSError):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
            if how == "swap":
                path.symlink_to(outside)
