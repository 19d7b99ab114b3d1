"""Names that stand for something else than a file, and files that become so between two looks."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from codecontext.core import reading
from codecontext.core.reading import FileTooLarge, NotRegularFile, read_file, read_file_inside, read_text_file

pytestmark = [
    pytest.mark.timeout(20),
    pytest.mark.skipif(sys.platform == "win32", reason="no FIFOs and devices in the file system"),
]


@pytest.fixture(params=[True, False], ids=["by descriptor", "by real path"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to reach a file below a folder: of systems that open relative to a folder, and of the others."""
    monkeypatch.setattr(reading, "_OPENS_BELOW", request.param)


def test_a_file_is_read_whole_up_to_the_limit(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_bytes(b"x" * 3_000_000)
    assert read_file(file, max_bytes=3_000_000) == b"x" * 3_000_000
    with pytest.raises(FileTooLarge):
        read_file(file, max_bytes=2_999_999)


@pytest.mark.parametrize("follow_links", [True, False])
def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path, follow_links: bool) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "to-fifo").symlink_to("fifo")
    (tmp_path / "device").symlink_to("/dev/zero")
    (tmp_path / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        for name in ("fifo", "to-fifo", "device", "folder", "socket"):
            with pytest.raises(NotRegularFile):
                read_file(tmp_path / name, max_bytes=1_000, follow_links=follow_links)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc")
def test_a_file_that_hides_its_size_is_held_to_the_limit() -> None:
    assert Path("/proc/self/status").stat().st_size == 0
    with pytest.raises(FileTooLarge):
        read_file(Path("/proc/self/status"), max_bytes=100)


def test_links_are_followed_only_where_they_are_allowed(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("here", encoding="utf-8")
    (tmp_path / "b").symlink_to("a")
    assert read_file(tmp_path / "b", max_bytes=10) == b"here"
    with pytest.raises(NotRegularFile, match="symbolic link"):
        read_file(tmp_path / "b", max_bytes=10, follow_links=False)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    "path",
    ["link.py", "out/secret.py", "inner/out/secret.py", "../secret.py", "/etc/passwd", "", "src/../../secret.py"],
)
def test_nothing_outside_the_folder_is_read(tmp_path: Path, path: str) -> None:
    (tmp_path / "secret.py").write_text("token = 1\n", encoding="utf-8")
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    (folder / "src").mkdir()
    (folder / "link.py").symlink_to(tmp_path / "secret.py")
    (folder / "out").symlink_to(tmp_path)
    (folder / "inner" / "out").symlink_to(tmp_path)
    with pytest.raises(OSError, match=r"\w"):
        read_file_inside(folder, path, max_bytes=1_000)


@pytest.mark.usefixtures("way")
def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real" / "src").mkdir(parents=True)
    (tmp_path / "real" / "src" / "a.py").write_bytes(b"x = 1\n")
    (tmp_path / "link").symlink_to("real")
    assert read_file_inside(tmp_path / "link", "src/a.py", max_bytes=100) == b"x = 1\n"


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("no /proc")
    (tmp_path / "sub").mkdir()
    os.mkfifo(tmp_path / "sub" / "fifo")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for path in ("sub", "sub/fifo", "sub/nothing", "nothing/x"):
        with pytest.raises(OSError, match=r"\w"):
            read_file_inside(tmp_path, path, max_bytes=10)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_byte_order_mark_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbf[search]\n")
    assert read_text_file(tmp_path / "a.toml") == "[search]\n"
