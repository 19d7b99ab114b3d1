"""What happens to adapter folders on a real disk is noticed, and nothing else is."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codecontext.watching.adapters import AdapterWatcher

DEADLINE = 20.0
SAFETY_NET_OFF = 3600.0

FILES = ("adapter_config.json", "adapter_model.safetensors", "codecontext.json")


class Calls:
    """Remembers the calls of a watcher, with what the caller would have seen on disk."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._seen: list[tuple[Path, str]] = []

    def __call__(self, path: Path) -> None:
        with self._changed:
            self._seen.append((path, content_of(path)))
            self._changed.notify_all()

    def wait_for(self, path: Path, content: str) -> None:
        """Wait for a call for ``path`` that found ``content`` there."""
        with self._changed:
            if not self._changed.wait_for(lambda: (path, content) in self._seen, DEADLINE):
                pytest.fail(f"no call saw {content!r} at {path}, only {self._seen}")

    def paths(self) -> set[Path]:
        with self._changed:
            return {path for path, _content in self._seen}

    def forget(self) -> None:
        with self._changed:
            self._seen.clear()

    def __len__(self) -> int:
        return len(self._seen)


def content_of(path: Path) -> str:
    """First letter of each adapter file; ``-`` for one that is not there."""
    letters = ""
    for name in FILES:
        try:
            letters += (path / name).read_text(encoding="utf-8")[:1] or "."
        except OSError:
            letters += "-"
    return letters


def write(folder: Path, letter: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        (folder / name).write_text(letter * 10, encoding="utf-8")
    return folder


WatcherFor = Callable[..., AdapterWatcher]


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
def watching(calls: Calls, tmp_path: Path) -> Iterator[WatcherFor]:
    """Starts a watcher whose watches are in place, by events alone; no thread of it is left behind."""
    threads = set(threading.enumerate())
    watchers: list[AdapterWatcher] = []

    def start(*paths: Path, interval: float = SAFETY_NET_OFF) -> AdapterWatcher:
        ready = tmp_path / "ready"
        watcher = AdapterWatcher(calls, interval=interval)
        watchers.append(watcher)
        watcher.watch([*paths, ready])
        write(ready, "r")
        calls.wait_for(ready, "rrr")
        watcher.watch(paths)
        calls.forget()
        return watcher

    yield start
    for watcher in watchers:
        watcher.close()
    assert set(threading.enumerate()) <= threads


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    return write(tmp_path / "models" / "adapter", "a")


@pytest.mark.parametrize("name", FILES)
def test_a_file_written_in_place(watching: WatcherFor, calls: Calls, adapter: Path, name: str) -> None:
    watching(adapter)
    (adapter / name).write_text("bbb", encoding="utf-8")
    calls.wait_for(adapter, "".join("b" if name == file else "a" for file in FILES))


def test_files_written_piece_by_piece_end_with_a_call_that_sees_the_end(
    watching: WatcherFor, calls: Calls, adapter: Path
) -> None:
    watching(adapter)
    with (adapter / FILES[1]).open("w", encoding="utf-8") as file:
        for _piece in range(2000):
            file.write("b" * 1000)
            file.flush()
    (adapter / FILES[0]).write_text("c", encoding="utf-8")
    calls.wait_for(adapter, "cba")
    assert len(calls) < 50


def test_a_file_renamed_into_place(watching: WatcherFor, calls: Calls, adapter: Path, tmp_path: Path) -> None:
    watching(adapter)
    for name, source in zip(FILES, (tmp_path, adapter, adapter), strict=True):
        (source / f"{name}.new").write_text("b", encoding="utf-8")
        (source / f"{name}.new").replace(adapter / name)
    calls.wait_for(adapter, "bbb")


def test_a_file_deleted_and_made_again(watching: WatcherFor, calls: Calls, adapter: Path) -> None:
    watching(adapter)
    (adapter / FILES[1]).unlink()
    calls.wait_for(adapter, "a-a")
    (adapter / FILES[1]).write_text("b", encoding="utf-8")
    calls.wait_for(adapter, "aba")


def test_the_folder_deleted_and_brought_back(watching: WatcherFor, calls: Calls, adapter: Path) -> None:
    watching(adapter)
    for letter in "bcd":
        shutil.rmtree(adapter)
        calls.wait_for(adapter, "---")
        write(adapter, letter)
        calls.wait_for(adapter, letter * 3)
        (adapter / FILES[0]).write_text("x", encoding="utf-8")
        calls.wait_for(adapter, f"x{letter}{letter}")
        calls.forget()


def test_the_folder_deleted_and_made_again_at_once(watching: WatcherFor, calls: Calls, adapter: Path) -> None:
    watching(adapter)
    for letter in "bcdefgh":
        shutil.rmtree(adapter)
        write(adapter, letter)
    calls.wait_for(adapter, "hhh")
    (adapter / FILES[0]).write_text("x", encoding="utf-8")
    calls.wait_for(adapter, "xhh")


def test_the_folder_renamed_away_and_back(watching: WatcherFor, calls: Calls, adapter: Path, tmp_path: Path) -> None:
    watching(adapter)
    elsewhere = adapter.rename(tmp_path / "elsewhere")
    calls.wait_for(adapter, "---")
    calls.forget()
    (elsewhere / FILES[0]).write_text("b", encoding="utf-8")
    elsewhere.rename(adapter)
    calls.wait_for(adapter, "baa")
    (adapter / FILES[1]).write_text("c", encoding="utf-8")
    calls.wait_for(adapter, "bca")


def test_the_folder_swapped_for_another(watching: WatcherFor, calls: Calls, adapter: Path) -> None:
    watching(adapter)
    replacement = write(adapter.with_name("adapter.new"), "b")
    adapter.rename(adapter.with_name("adapter.old"))
    replacement.rename(adapter)
    calls.wait_for(adapter, "bbb")
    (adapter / FILES[1]).write_text("c", encoding="utf-8")
    calls.wait_for(adapter, "bcb")


def test_a_link_pointed_elsewhere_by_unlinking(watching: WatcherFor, calls: Calls, adapter: Path) -> None:
    other = write(adapter.with_name("other"), "b")
    link = adapter.with_name("current")
    link.symlink_to(adapter)
    watching(link)
    link.unlink()
    link.symlink_to(other)
    calls.wait_for(link, "bbb")
    (other / FILES[0]).write_text("c", encoding="utf-8")
    calls.wait_for(link, "cbb")


def test_a_link_pointed_elsewhere_by_renaming(watching: WatcherFor, calls: Calls, adapter: Path) -> None:
    write(adapter.with_name("other"), "b")
    link = adapter.with_name("current")
    link.symlink_to(adapter.name)
    watching(link)
    new_link = adapter.with_name("current.new")
    new_link.symlink_to("other")
    new_link.replace(link)
    calls.wait_for(link, "bbb")


def test_the_target_of_a_link_changes_and_is_replaced(
    watching: WatcherFor, calls: Calls, adapter: Path, tmp_path: Path
) -> None:
    link = tmp_path / "links" / "current"
    link.parent.mkdir()
    link.symlink_to(adapter)
    watching(link)
    (adapter / FILES[1]).write_text("b", encoding="utf-8")
    calls.wait_for(link, "aba")
    shutil.rmtree(adapter)
    calls.wait_for(link, "---")
    write(adapter, "c")
    calls.wait_for(link, "ccc")


def test_any_link_of_a_chain(watching: WatcherFor, calls: Calls, adapter: Path, tmp_path: Path) -> None:
    """path → links/b → ../middle, a link → models, a link in the middle of the way."""
    other = write(tmp_path / "other models" / "adapter", "b")
    links = tmp_path / "links"
    links.mkdir()
    middle, path = tmp_path / "middle", tmp_path / "adapter"
    middle.symlink_to(adapter.parent)
    (links / "b").symlink_to("../middle/adapter")
    path.symlink_to(links / "b")
    watching(path)
    (adapter / FILES[0]).write_text("x", encoding="utf-8")
    calls.wait_for(path, "xaa")
    middle.unlink()
    middle.symlink_to(other.parent)
    calls.wait_for(path, "bbb")
    (other / FILES[0]).write_text("y", encoding="utf-8")
    calls.wait_for(path, "ybb")
    (links / "b").unlink()
    calls.wait_for(path, "---")
    (links / "b").symlink_to(adapter)
    calls.wait_for(path, "xaa")


def test_a_link_to_itself_leads_nowhere_until_it_is_replaced(watching: WatcherFor, calls: Calls, adapter: Path) -> None:
    loop = adapter.with_name("loop")
    loop.symlink_to("loop")
    watching(loop)
    loop.unlink()
    loop.symlink_to(adapter)
    calls.wait_for(loop, "aaa")


def test_a_path_whose_parents_do_not_exist_yet(watching: WatcherFor, calls: Calls, tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c" / "adapter"
    watching(path)
    write(path, "a")
    calls.wait_for(path, "aaa")
    shutil.rmtree(tmp_path / "a")
    calls.wait_for(path, "---")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").mkdir()
    write(path, "b")
    calls.wait_for(path, "bbb")
    (path / FILES[0]).write_text("c", encoding="utf-8")
    calls.wait_for(path, "cbb")


def test_a_parent_renamed_away_and_another_in_its_place(watching: WatcherFor, calls: Calls, tmp_path: Path) -> None:
    path = write(tmp_path / "a" / "b" / "adapter", "a")
    write(tmp_path / "new" / "b" / "adapter", "b")
    watching(path)
    (tmp_path / "a").rename(tmp_path / "old")
    calls.wait_for(path, "---")
    (tmp_path / "new").rename(tmp_path / "a")
    calls.wait_for(path, "bbb")
    (path / FILES[0]).write_text("c", encoding="utf-8")
    calls.wait_for(path, "cbb")


def test_a_file_in_the_place_of_the_folder(watching: WatcherFor, calls: Calls, adapter: Path) -> None:
    watching(adapter)
    shutil.rmtree(adapter)
    adapter.write_text("not a folder", encoding="utf-8")
    calls.wait_for(adapter, "---")
    adapter.unlink()
    write(adapter, "b")
    calls.wait_for(adapter, "bbb")


def test_other_files_and_folders_are_nobody_s_business(
    watching: WatcherFor, calls: Calls, adapter: Path, tmp_path: Path
) -> None:
    sentinel = tmp_path / "models" / "sentinel"
    watching(adapter, sentinel)
    write(tmp_path / "models" / "unrelated", "u")
    (tmp_path / "models" / "log.txt").write_text("log", encoding="utf-8")
    (adapter / "README.md").write_text("about", encoding="utf-8")
    (adapter / "checkpoint-1").mkdir()
    write(sentinel, "s")
    calls.wait_for(sentinel, "sss")
    assert calls.paths() == {sentinel}


def test_two_paths_of_one_folder_are_both_told(watching: WatcherFor, calls: Calls, adapter: Path) -> None:
    link = adapter.with_name("current")
    link.symlink_to(adapter)
    watching(adapter, link)
    (adapter / FILES[0]).write_text("b", encoding="utf-8")
    calls.wait_for(adapter, "baa")
    calls.wait_for(link, "baa")


def test_watching_other_paths_ends_watching_the_first(watching: WatcherFor, calls: Calls, adapter: Path) -> None:
    other = write(adapter.with_name("other"), "o")
    watcher = watching(adapter)
    watcher.watch([other])
    (adapter / FILES[0]).write_text("b", encoding="utf-8")
    (other / FILES[0]).write_text("b", encoding="utf-8")
    calls.wait_for(other, "boo")
    assert calls.paths() == {other}
    watcher.watch([adapter, other])
    watcher.watch([adapter, other])
    (adapter / FILES[0]).write_text("c", encoding="utf-8")
    calls.wait_for(adapter, "caa")


def test_a_change_right_after_the_call_to_watch_is_not_missed(calls: Calls, adapter: Path) -> None:
    watcher = AdapterWatcher(calls, interval=SAFETY_NET_OFF)
    watcher.watch([adapter])
    (adapter / FILES[0]).write_text("b", encoding="utf-8")
    calls.wait_for(adapter, "baa")
    watcher.close()


def test_changes_without_events_are_found_by_looking(watching: WatcherFor, calls: Calls, adapter: Path) -> None:
    """A file that is a link: nothing in the folder changes when its target is written."""
    blob = adapter.parent / "blobs" / "weights"
    blob.parent.mkdir()
    (adapter / FILES[1]).rename(blob)
    (adapter / FILES[1]).symlink_to(blob)
    watching(adapter, interval=0.1)
    blob.write_text("bb", encoding="utf-8")
    calls.wait_for(adapter, "aba")


def test_a_callback_that_fails_is_logged_and_called_again(
    calls: Calls, adapter: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail_after_noting(path: Path) -> None:
        calls(path)
        raise RuntimeError("no engine")

    watcher = AdapterWatcher(fail_after_noting, interval=SAFETY_NET_OFF)
    watcher.watch([adapter])
    for letter in "bc":
        (adapter / FILES[0]).write_text(letter, encoding="utf-8")
        calls.wait_for(adapter, f"{letter}aa")
    watcher.close()
    assert "no engine" in caplog.text


def test_a_closed_watcher_calls_nobody(watching: WatcherFor, calls: Calls, adapter: Path) -> None:
    watcher = watching(adapter)
    watcher.close()
    (adapter / FILES[0]).write_text("b", encoding="utf-8")
    assert len(calls) == 0


WATCH_WITHOUT_EVENTS = """
import logging, sys, threading
from pathlib import Path
from codecontext.watching.adapters import AdapterWatcher

logging.basicConfig(level=logging.WARNING, stream=sys.stdout, format="%(message)s")
adapter, called = Path(sys.argv[1]), threading.Event()
watcher = AdapterWatcher(lambda path: called.set())
watcher.watch([adapter])
for letter in "bc":
    (adapter / "adapter_config.json").write_text(letter * 3)
    assert called.wait(20)
    called.clear()
watcher.close()
"""


@pytest.mark.parametrize("limit", ["max_inotify_instances", "max_inotify_watches"])
def test_where_the_system_has_no_watches_left_it_is_said_once_and_adapters_are_polled(
    adapter: Path, limit: str
) -> None:
    namespace = ("unshare", "--user", "--map-root-user", "sh", "-c")
    lower = f'echo 0 > /proc/sys/user/{limit} && exec "$@"'
    if shutil.which("unshare") is None or subprocess.run([*namespace, lower, "sh", "true"], check=False).returncode:
        pytest.skip("limits can only be lowered in a user namespace of Linux")
    script = [sys.executable, "-c", WATCH_WITHOUT_EVENTS, str(adapter)]
    run = subprocess.run([*namespace, lower, "sh", *script], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.count(f"Cannot watch {adapter} ") == 1
