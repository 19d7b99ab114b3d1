"""An adapter is taken when its files are sound, belong together and rest; with a real disk and short times."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from codecontext.adapters import AdapterInfo, inspect_adapter
from codecontext.adapters.files import AdapterStamp, stamp_of
from codecontext.adapters.settle import inspect_when_settled
from codecontext.core import CancelToken
from codecontext.core.errors import AdapterError, OperationCancelled

AdapterWriter = Callable[..., Path]
CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
FOREVER = 3600.0
DEADLINE = 20.0


def settled(path: Path, previous: AdapterStamp | None = None, **times: float) -> AdapterInfo:
    """Settle with short times; those of a test that must not end by themselves are ``FOREVER``."""
    return inspect_when_settled(
        path, previous, cancel=CancelToken(), **({"quiet": 0.1, "lone": 0.3, "patience": 5.0} | times)
    )


@pytest.fixture
def two(write_adapter: AdapterWriter) -> tuple[Path, Path]:
    """Two sound adapters of the same shape, written long ago: clocks of file systems are coarse."""
    folders = write_adapter("one", lora_alpha=8), write_adapter("two", lora_alpha=32)
    for folder in folders:
        for file in folder.iterdir():
            os.utime(file, (1e9, 1e9))
    return folders


class Settling:
    """A call of ``inspect_when_settled`` in another thread, that never gives up by itself."""

    def __init__(self, path: Path, previous: AdapterStamp | None, **times: float) -> None:
        self.cancel = CancelToken()
        self._pool = ThreadPoolExecutor(1)
        self._future: Future[AdapterInfo] = self._pool.submit(
            inspect_when_settled,
            path,
            previous,
            cancel=self.cancel,
            **({"quiet": 0.1, "lone": FOREVER, "patience": FOREVER} | times),
        )

    def result(self) -> AdapterInfo:
        with self._pool:
            return self._future.result(DEADLINE)

    def is_waiting(self) -> bool:
        """Whether it still waits after much longer than ``quiet``."""
        return not self.cancel.wait(0.5) and not self._future.done()


def test_a_sound_adapter_at_rest(write_adapter: AdapterWriter) -> None:
    path = write_adapter()
    assert settled(path) == inspect_adapter(path)


def test_a_stamp_changes_with_each_file_and_with_the_folder(two: tuple[Path, Path], tmp_path: Path) -> None:
    one, _ = two
    stamps = [stamp_of(one)]
    for name in (CONFIG, WEIGHTS, "codecontext.json"):
        (one / name).touch()
        os.utime(one / name, ns=(1, 1))
        stamps.append(stamp_of(one))
    copy = shutil.copytree(one, tmp_path / "copy")
    stamps += [stamp_of(copy), stamp_of(tmp_path / "missing")]
    assert len(set(stamps)) == len(stamps)
    assert stamp_of(tmp_path / "missing").weights is None


def test_a_stamp_does_not_depend_on_the_name_of_the_path(two: tuple[Path, Path], tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(two[0])
    assert stamp_of(link) == stamp_of(two[0])


@pytest.mark.parametrize(("first", "second"), [(CONFIG, WEIGHTS), (WEIGHTS, CONFIG)])
def test_one_replaced_file_waits_for_the_other(two: tuple[Path, Path], first: str, second: str) -> None:
    one, other = two
    before = stamp_of(one)
    shutil.copyfile(other / first, one / first)
    settling = Settling(one, before)
    assert settling.is_waiting()
    shutil.copyfile(other / second, one / second)
    assert settling.result().fingerprint == inspect_adapter(other).fingerprint


def test_one_replaced_file_is_taken_when_the_other_does_not_come(two: tuple[Path, Path]) -> None:
    one, other = two
    before = stamp_of(one)
    shutil.copyfile(other / CONFIG, one / CONFIG)
    assert settled(one, before).alpha == 32


def test_both_replaced_files_do_not_wait(two: tuple[Path, Path]) -> None:
    one, other = two
    before = stamp_of(one)
    for name in (CONFIG, WEIGHTS):
        (one / name).unlink()
        shutil.copyfile(other / name, one / name)
    assert settled(one, before, lone=FOREVER, patience=FOREVER).alpha == 32


def test_another_manifest_alone_does_not_wait(two: tuple[Path, Path]) -> None:
    one, _ = two
    before = stamp_of(one)
    (one / "codecontext.json").write_text(json.dumps({"name": "named"}), encoding="utf-8")
    assert settled(one, before, lone=FOREVER, patience=FOREVER).name == "named"


def test_a_link_pointed_elsewhere_does_not_wait(two: tuple[Path, Path], tmp_path: Path) -> None:
    one, other = two
    shutil.copyfile(one / WEIGHTS, other / WEIGHTS)
    link = tmp_path / "link"
    link.symlink_to(one)
    before = stamp_of(link)
    link.unlink()
    link.symlink_to(other)
    info = settled(link, before, lone=FOREVER, patience=FOREVER)
    assert (info.path, info.alpha) == (link, 32)


def test_a_copy_in_progress_is_waited_for(two: tuple[Path, Path], tmp_path: Path) -> None:
    """Configuration first, weights in pieces, each time still for longer than ``quiet``."""
    one, _ = two
    copy = tmp_path / "copy"
    settling = Settling(copy, None)
    assert settling.is_waiting()
    copy.mkdir()
    shutil.copyfile(one / CONFIG, copy / CONFIG)
    assert settling.is_waiting()
    weights = (one / WEIGHTS).read_bytes()
    with (copy / WEIGHTS).open("wb") as file:
        for piece in (weights[:4], weights[4:100], weights[100:-1]):
            file.write(piece)
            file.flush()
            assert settling.is_waiting()
        file.write(weights[-1:])
    assert settling.result().fingerprint == inspect_adapter(one).fingerprint


@pytest.mark.parametrize(("removed", "said"), [(WEIGHTS, "has no weights"), (CONFIG, "missing adapter_config.json")])
def test_what_stays_unsound_is_said(two: tuple[Path, Path], removed: str, said: str) -> None:
    one, _ = two
    (one / removed).unlink()
    with pytest.raises(AdapterError, match=said):
        settled(one, patience=FOREVER)


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="path does not exist"):
        settled(tmp_path / "missing", patience=FOREVER)


def test_patience_ends_with_the_last_fault(two: tuple[Path, Path]) -> None:
    one, _ = two
    (one / WEIGHTS).write_bytes(b"damaged")
    with pytest.raises(AdapterError, match="damaged or incomplete"):
        settled(one, lone=FOREVER, patience=0.5)


def test_patience_ends_with_files_that_never_rest(two: tuple[Path, Path]) -> None:
    with pytest.raises(AdapterError, match="keep changing"):
        settled(two[0], quiet=FOREVER, lone=FOREVER, patience=0.2)


def test_a_cancelled_wait_ends(two: tuple[Path, Path]) -> None:
    settling = Settling(two[0], None, quiet=FOREVER)
    assert settling.is_waiting()
    settling.cancel.cancel()
    with pytest.raises(OperationCancelled):
        settling.result()
