"""A file is there as a whole or not at all, whatever happens while it is written."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from codecontext.core.atomic import move_into_place, replacement, write_file

posix_only = pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "state.json"
    file.write_text("old", encoding="utf-8")
    return file


def mode_of(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


@pytest.mark.parametrize("content", ["neu \N{SNOWMAN}\n", "neu \N{SNOWMAN}\n".encode()])
def test_the_whole_content_is_replaced(file: Path, content: str | bytes) -> None:
    write_file(file, content)
    assert file.read_bytes() == "neu \N{SNOWMAN}\n".encode()
    assert list(file.parent.iterdir()) == [file]


def test_a_file_that_was_not_there(tmp_path: Path) -> None:
    write_file(tmp_path / "new", "text")
    assert (tmp_path / "new").read_text(encoding="utf-8") == "text"


@posix_only
def test_private_files_are_their_owner_s_alone_and_others_keep_their_mode(file: Path, tmp_path: Path) -> None:
    file.chmod(0o440)
    write_file(file, "new")
    assert mode_of(file) == 0o440
    write_file(file, "private", private=True)
    assert mode_of(file) == 0o600
    umask = os.umask(0o027)
    try:
        write_file(tmp_path / "new", "text")
    finally:
        os.umask(umask)
    assert mode_of(tmp_path / "new") == 0o640


@posix_only
def test_a_draft_that_a_library_makes_itself_is_private_too(file: Path) -> None:
    with replacement(file, private=True) as draft:
        draft.unlink()
        draft.write_text("new", encoding="utf-8")
        draft.chmod(0o666)
    assert mode_of(file) == 0o600


def test_an_exception_leaves_the_old_file_and_nothing_else(file: Path) -> None:
    def write_and_be_interrupted() -> None:
        with replacement(file) as draft:
            draft.write_text("ne", encoding="utf-8")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_and_be_interrupted()
    assert file.read_text(encoding="utf-8") == "old"
    assert list(file.parent.iterdir()) == [file]


KILLED_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
from codecontext.core.atomic import replacement

with replacement(Path(sys.argv[1])) as draft:
    draft.write_text("ne")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@posix_only
def test_a_process_that_is_killed_leaves_the_old_file_and_its_draft_goes_later(file: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED_WHILE_WRITING, str(file)], check=False)
    assert file.read_text(encoding="utf-8") == "old"
    (draft,) = set(file.parent.iterdir()) - {file}
    write_file(file, "new")
    assert draft.exists()  # it could be of a process that is still writing
    os.utime(draft, (0, 0))
    write_file(file, "newer")
    assert list(file.parent.iterdir()) == [file]


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from codecontext.core.atomic import write_file

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_file(Path(sys.argv[1]), "x" * 5000)
except OSError as error:
    print(error.strerror)
"""


@posix_only
def test_a_disk_that_refuses_leaves_the_old_file(file: Path) -> None:
    run = subprocess.run([sys.executable, "-c", FULL_DISK, str(file)], capture_output=True, text=True, check=True)
    assert run.stdout == "File too large\n"
    assert file.read_text(encoding="utf-8") == "old"
    assert list(file.parent.iterdir()) == [file]


def test_a_folder_takes_its_place_with_all_that_is_in_it(tmp_path: Path) -> None:
    draft, target = tmp_path / "draft", tmp_path / "adapter"
    (draft / "inner").mkdir(parents=True)
    (draft / "inner" / "file").write_text("text", encoding="utf-8")
    (draft / "inner" / "file").chmod(0o400)
    move_into_place(draft, target)
    assert (target / "inner" / "file").read_text(encoding="utf-8") == "text"
    assert not draft.exists()
