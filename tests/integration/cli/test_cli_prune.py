"""``codecontext index --prune``: the indexes of folders that are gone, and only those."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from codecontext.core.paths import codecontext_home, index_directory, search_log_file
from codecontext.store.index_store import IndexStore
from codecontext.store.lock import writer_lock
from codecontext.training.data.corpus import workspace

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(autouse=True)
def _home_of_its_own(_own_streams_and_logging: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODECONTEXT_HOME", str(tmp_path / "home"))


@pytest.fixture
def indexed(tmp_path: Path) -> Callable[[str], Path]:
    """Make a folder that has an index, as far as it says what folder that is."""

    def make(name: str) -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True)
        directory = index_directory(folder)
        with closing(IndexStore(directory)) as store:
            store.set_facts(folder=str(folder.resolve()))
        return folder

    return make


def pruned(codecontext: Run, *options: str) -> dict[str, Any]:
    run = codecontext("index", "--prune", "--json", *options)
    assert run.returncode == 0, run.stderr
    report: dict[str, Any] = json.loads(run.stdout)
    return report


def test_an_index_goes_with_its_folder(codecontext: Run, indexed: Callable[[str], Path]) -> None:
    gone, kept = indexed("work/gone"), indexed("work/kept")
    place, log, training = index_directory(gone), search_log_file(gone), workspace(gone)
    log.parent.mkdir()
    log.write_text("{}\n", encoding="utf-8")
    training.mkdir(parents=True)
    (training / "checkpoint").write_bytes(b"x" * 500)
    shutil.rmtree(gone)
    looked = pruned(codecontext, "--dry-run")
    assert place.is_dir()
    report = pruned(codecontext)
    assert looked["indexes"] == report["indexes"]
    assert (looked["dry_run"], report["dry_run"]) == (True, False)
    assert [(item["folder"], item["verdict"]) for item in report["indexes"]] == [(str(gone), "removed")]
    assert report["bytes_freed"] > 1500
    assert report["kept"] == 1
    assert not any(left.exists() for left in (place, log, training))
    assert index_directory(kept).is_dir()
    assert pruned(codecontext)["indexes"] == []


def test_people_read_what_went_and_what_did_not(codecontext: Run, indexed: Callable[[str], Path]) -> None:
    gone, drive = indexed("work/gone"), indexed("mnt/usb/project")
    indexed("work/kept")
    shutil.rmtree(gone)
    shutil.rmtree(drive)
    run = codecontext("index", "--prune")
    assert run.stdout.startswith("Removed 1 index of deleted folders (")
    assert str(gone) in run.stdout
    assert f"Kept: {drive}: its drive may not be mounted. The index is in {index_directory(drive)}." in run.stderr


def test_an_index_of_an_earlier_version_goes_as_well(codecontext: Run, tmp_path: Path) -> None:
    gone = tmp_path / "work" / "gone"
    (tmp_path / "work" / "kept").mkdir(parents=True)
    directory = index_directory(gone)
    (directory / "chunks.lance").mkdir(parents=True)
    (directory / "manifest.json").write_text(json.dumps({"folder": str(gone)}), encoding="utf-8")
    assert [item["verdict"] for item in pruned(codecontext)["indexes"]] == ["removed"]
    assert not directory.exists()


@pytest.mark.parametrize("left", ["an empty folder to mount on", "nothing"])
def test_a_drive_that_is_not_mounted_costs_nothing(
    codecontext: Run, indexed: Callable[[str], Path], left: str, tmp_path: Path
) -> None:
    folder = indexed("mnt/usb/project")
    shutil.rmtree(folder if left != "nothing" else tmp_path / "mnt")
    (item,) = pruned(codecontext)["indexes"]
    assert item["verdict"] == "maybe_unmounted"
    assert index_directory(folder).is_dir()


def test_an_index_that_is_being_written_stays(codecontext: Run, indexed: Callable[[str], Path]) -> None:
    gone = indexed("work/gone")
    indexed("work/kept")
    shutil.rmtree(gone)
    with writer_lock(index_directory(gone)):
        (item,) = pruned(codecontext)["indexes"]
    assert item["verdict"] == "in_use"
    assert (index_directory(gone) / "index.sqlite").is_file()


def test_what_does_not_say_whose_it_is_stays(codecontext: Run, indexed: Callable[[str], Path], tmp_path: Path) -> None:
    home = codecontext_home()
    indexed("work/kept")
    (home / "indexes" / "nameless").mkdir()
    with closing(IndexStore(home / "indexes" / "other")) as store:
        store.set_facts(folder=str(tmp_path / "work" / "never"))
    (home / "indexes" / "link").symlink_to(tmp_path / "work")
    assert [item["verdict"] for item in pruned(codecontext)["indexes"]] == ["unknown", "unknown"]
    assert (tmp_path / "work" / "kept").is_dir()


@pytest.mark.parametrize("arguments", [("--prune", "src"), ("--prune", "--force"), ("--dry-run",)])
def test_what_makes_no_sense_together_is_refused(codecontext: Run, arguments: tuple[str, ...]) -> None:
    assert codecontext("index", *arguments).returncode == 2
