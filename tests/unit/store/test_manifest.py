"""The manifest: written in one step, and never trusted blindly."""

from __future__ import annotations

from pathlib import Path

import pytest

from codecontext.core.errors import StoreError
from codecontext.store.manifest import FileStamp, Manifest, SkippedFile, read_manifest, write_manifest


def test_it_comes_back_as_written(tmp_path: Path) -> None:
    manifest = Manifest(
        folder="x",
        index_version="r",
        spaces=["a", "b"],
        files={"a.py": FileStamp(size=1, changed_ns=2, digest="d", chunks=3)},
        skipped=[SkippedFile(path="b.bin", reason="binary")],
        notices=["n"],
    )
    write_manifest(tmp_path, manifest)
    assert read_manifest(tmp_path) == manifest
    assert [file.name for file in tmp_path.iterdir()] == ["manifest.json"]


@pytest.mark.parametrize("content", ["", "{", '{"files": 7}', "[]"])
def test_one_that_cannot_be_read_counts_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_text(content, encoding="utf-8")
    assert read_manifest(tmp_path) is None


def test_one_without_an_index_version_is_read_and_is_of_another_version(tmp_path: Path) -> None:
    """As releases before the first one wrote it; the run rebuilds such an index."""
    (tmp_path / "manifest.json").write_text('{"folder": "x", "recipe": "r"}', encoding="utf-8")
    assert read_manifest(tmp_path) == Manifest(folder="x", index_version="")


def test_the_latest_spaces_are_kept() -> None:
    manifest = Manifest()
    for space in ("a", "b", "c", "a", "d"):
        manifest.use_space(space, keep=3)
    assert manifest.spaces == ["d", "a", "c"]


def test_one_that_the_system_refuses_is_said(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").mkdir()
    with pytest.raises(StoreError, match=r"manifest\.json cannot be read: Is a directory"):
        read_manifest(tmp_path)
    with pytest.raises(StoreError, match=r"manifest\.json cannot be written: Is a directory"):
        write_manifest(tmp_path, Manifest())
    assert [entry.name for entry in tmp_path.iterdir()] == ["manifest.json"]
