"""What takes long is computed once, and again as soon as that could give something else."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from codecontext.core.hashing import file_sha256
from codecontext.core.paths import codecontext_home
from codecontext.embeddings import remembered
from codecontext.embeddings.remembered import recall, remember, remembered_sha256

SIZE = 5_000_000

posix = pytest.mark.skipif(os.name != "posix", reason="no time of the last change")


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Each file that is hashed, as often as it is."""
    files: list[Path] = []

    def counted(file: Path) -> str:
        files.append(file)
        return file_sha256(file)

    monkeypatch.setattr(remembered, "file_sha256", counted)
    return files


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that were written just now have been there for long enough."""
    monkeypatch.setattr(remembered, "_STEP_NS", -1)


def large_file(file: Path, byte: bytes = b"a") -> Path:
    file.write_bytes(byte * SIZE)
    return file


def sha256(byte: bytes) -> str:
    return hashlib.sha256(byte * SIZE).hexdigest()


def test_recalls_what_was_remembered_under_the_same_key() -> None:
    remember("precision", "a", "bf16")

    assert [recall("precision", "a"), recall("precision", "b"), recall("digests", "a")] == ["bf16", "", ""]


@posix
def test_only_the_owner_may_read_it() -> None:
    remember("precision", "a", "bf16")

    [file] = (codecontext_home() / "cache" / "precision").iterdir()
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_what_cannot_be_kept_is_computed_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("CODECONTEXT_HOME", str(tmp_path / "file" / "home"))

    remember("precision", "a", "bf16")

    assert recall("precision", "a") == ""
    assert remembered_sha256(large_file(tmp_path / "weights")) == sha256(b"a")


@posix
@pytest.mark.usefixtures("settled")
def test_a_file_is_hashed_once(tmp_path: Path, hashed: list[Path]) -> None:
    file = large_file(tmp_path / "weights")

    assert [remembered_sha256(file), remembered_sha256(file)] == [sha256(b"a")] * 2
    assert hashed == [file]


@posix
@pytest.mark.usefixtures("settled")
def test_other_content_is_noticed_whatever_its_times_say(tmp_path: Path, hashed: list[Path]) -> None:
    file = large_file(tmp_path / "weights")
    times = file.stat()
    remembered_sha256(file)
    large_file(file, b"b")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))

    assert remembered_sha256(file) == sha256(b"b")
    large_file(tmp_path / "other", b"c").replace(file)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert remembered_sha256(file) == sha256(b"c")
    assert len(hashed) == 3


@posix
@pytest.mark.usefixtures("settled")
def test_a_link_is_what_it_leads_to(tmp_path: Path) -> None:
    first, second = large_file(tmp_path / "first", b"a"), large_file(tmp_path / "second", b"b")
    link = tmp_path / "weights"
    link.symlink_to(first)
    before = remembered_sha256(link)
    link.unlink()
    link.symlink_to(second)

    assert (before, remembered_sha256(link)) == (sha256(b"a"), sha256(b"b"))


@posix
@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("content", [b"", b"abc", b"\xff" * 64, b"z" * 64])
def test_a_damaged_digest_is_computed_again(tmp_path: Path, content: bytes) -> None:
    file = large_file(tmp_path / "weights")
    remembered_sha256(file)
    [note] = (codecontext_home() / "cache" / "digests").iterdir()
    note.write_bytes(content)

    assert remembered_sha256(file) == sha256(b"a")
    assert note.read_text(encoding="ascii") == sha256(b"a")


def test_a_file_that_was_just_written_is_hashed_each_time(tmp_path: Path, hashed: list[Path]) -> None:
    file = large_file(tmp_path / "weights")

    assert remembered_sha256(file) == remembered_sha256(file) == sha256(b"a")
    assert len(hashed) == 2


@pytest.mark.usefixtures("settled")
def test_nothing_is_kept_of_small_files(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(b"{}")

    assert remembered_sha256(tmp_path / "config.json") == hashlib.sha256(b"{}").hexdigest()
    assert not (codecontext_home() / "cache" / "digests").exists()


def test_a_file_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        remembered_sha256(tmp_path / "weights")
