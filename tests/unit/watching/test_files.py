"""Changes below real folders are reported, those in folders that do not count are not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from codecontext.watching.files import FolderWatcher

DEADLINE = 20.0

# Watchdog's recursion on Linux warns where it meets a new folder both by listing and by event; harmless.
native_on_linux = pytest.mark.filterwarnings("ignore:Callback with id:RuntimeWarning")
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="watches each folder by itself, as only Linux does")


class Batches:
    """Remembers what a watcher delivered."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.delivered: list[tuple[Path, frozenset[str]]] = []

    def __call__(self, folder: Path, paths: frozenset[str]) -> None:
        with self._changed:
            self.delivered.append((folder, paths))
            self._changed.notify_all()

    def paths(self, folder: Path) -> set[str]:
        return {path for of, paths in self.delivered for path in paths if of == folder}

    def wait_for(self, folder: Path, *paths: str) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: set(paths) <= self.paths(folder), DEADLINE):
                pytest.fail(f"{paths} were not reported for {folder}, only {self.delivered}")

    def forget(self) -> None:
        with self._changed:
            self.delivered.clear()


@pytest.fixture
def batches() -> Batches:
    return Batches()


@pytest.fixture(
    params=[
        pytest.param(False, marks=linux_only, id="by folder"),
        pytest.param(True, marks=native_on_linux, id="native"),
    ]
)
def native_recursion(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def watcher(batches: Batches, native_recursion: bool) -> Iterator[FolderWatcher]:
    """No thread of it is left behind."""
    threads = set(threading.enumerate())
    watcher = FolderWatcher(batches, native_recursion=native_recursion)
    yield watcher
    watcher.close()
    assert set(threading.enumerate()) <= threads


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with one file in a subfolder, and one in a folder that does not count."""
    root = tmp_path / "root"
    save(root / "src" / "main.py")
    save(root / "node_modules" / "left-pad" / "index.js")
    return root


def save(file: Path, text: str = "text") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_files_created_written_moved_and_deleted(watcher: FolderWatcher, batches: Batches, root: Path) -> None:
    watcher.watch([root])
    save(root / "src" / "main.py", "other")
    save(root / "new.py")
    batches.wait_for(root, "src/main.py", "new.py")
    batches.forget()
    (root / "new.py").rename(root / "src" / "moved.py")
    batches.wait_for(root, "new.py", "src/moved.py")
    batches.forget()
    (root / "src" / "moved.py").unlink()
    batches.wait_for(root, "src/moved.py")


def test_a_file_renamed_into_place(watcher: FolderWatcher, batches: Batches, root: Path, tmp_path: Path) -> None:
    watcher.watch([root])
    save(tmp_path / "draft").replace(root / "src" / "main.py")
    batches.wait_for(root, "src/main.py")


def test_a_new_tree_is_watched_too(watcher: FolderWatcher, batches: Batches, root: Path) -> None:
    watcher.watch([root])
    save(root / "a" / "b" / "c" / "deep.py")
    batches.wait_for(root, "a")
    save(root / "a" / "b" / "c" / "deep.py", "other")
    batches.wait_for(root, "a/b/c/deep.py")
    batches.forget()
    shutil.rmtree(root / "a")
    batches.wait_for(root, "a")
    batches.forget()
    save(root / "a" / "b" / "again.py")
    batches.wait_for(root, "a")
    batches.forget()
    save(root / "a" / "b" / "again.py", "other")
    batches.wait_for(root, "a/b/again.py")


def test_folders_moved_in_and_around_and_out(
    watcher: FolderWatcher, batches: Batches, root: Path, tmp_path: Path
) -> None:
    save(tmp_path / "outside" / "lib" / "x.py")
    watcher.watch([root])
    (tmp_path / "outside").rename(root / "inside")
    batches.wait_for(root, "inside")
    (root / "inside").rename(root / "renamed")
    batches.wait_for(root, "inside", "renamed")
    save(root / "renamed" / "lib" / "x.py", "other")
    batches.wait_for(root, "renamed/lib/x.py")
    batches.forget()
    (root / "renamed").rename(tmp_path / "outside")
    batches.wait_for(root, "renamed")


def test_a_folder_moved_out_is_no_longer_watched(batches: Batches, root: Path, tmp_path: Path) -> None:
    watcher = FolderWatcher(batches)
    watcher.watch([root])
    (root / "src").rename(tmp_path / "out")
    batches.wait_for(root, "src")
    batches.forget()
    save(tmp_path / "out" / "unseen.py")
    save(root / "seen.py")
    batches.wait_for(root, "seen.py")
    watcher.close()
    assert batches.paths(root) == {"seen.py"}


def test_folders_that_do_not_count_are_silent(
    watcher: FolderWatcher, batches: Batches, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = root / "tools" / "codecontext"
    monkeypatch.setenv("CODECONTEXT_HOME", str(home))
    save(home / "config.yaml")
    (root / ".git" / "info").mkdir(parents=True)
    watcher.watch([root])
    for unwatched in ("node_modules/left-pad", "src/__pycache__", ".venv/lib", ".hg", ".git/objects", ".git/info"):
        save(root / unwatched / "file")
    save(home / "cache" / "vectors.sqlite")
    save(root / ".git" / "index")
    save(root / "tools" / "last.py")
    batches.wait_for(root, "tools/last.py")
    assert batches.paths(root) == {"tools/last.py"}


def test_names_that_are_not_utf8_are_silent(batches: Batches, root: Path, watcher: FolderWatcher) -> None:
    try:
        (root / os.fsdecode(b"old-\xff.py")).touch()
    except OSError:
        pytest.skip("the file system only takes UTF-8")
    watcher.watch([root])
    (root / os.fsdecode(b"\xff.py")).touch()
    (root / os.fsdecode(b"\xff")).mkdir()
    save(root / "last.py")
    batches.wait_for(root, "last.py")
    assert batches.paths(root) == {"last.py"}


def test_a_branch_switch_is_few_calls_and_reports_the_head(
    watcher: FolderWatcher, batches: Batches, root: Path
) -> None:
    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)

    git("init", "--quiet", "--initial-branch=main")
    git("add", "src")
    git("commit", "--quiet", "--message", "one")
    git("switch", "--quiet", "--create", "other")
    files = [f"pkg{number % 20}/file{number}.py" for number in range(2000)]
    for file in files:
        save(root / file)
    git("add", "--all", "pkg*")
    git("commit", "--quiet", "--message", "two")
    watcher.watch([root])
    git("switch", "--quiet", "main")
    batches.wait_for(root, ".git/HEAD", *files)
    git("switch", "--quiet", "other")
    batches.wait_for(root, *(f"pkg{number}" for number in range(20)))
    assert len(batches.delivered) < 20
    save(root / ".git" / "info" / "exclude", "*.log")
    batches.wait_for(root, ".git/info/exclude")
    assert {path for path in batches.paths(root) if ".git" in path} == {".git/HEAD", ".git/info/exclude"}


def test_a_repository_that_appears_is_another_head(watcher: FolderWatcher, batches: Batches, root: Path) -> None:
    watcher.watch([root])
    save(root / "nested" / "file.py")
    batches.wait_for(root, "nested")
    (root / "nested" / ".git").mkdir()
    batches.wait_for(root, "nested/.git/HEAD")


def test_links_are_not_followed(watcher: FolderWatcher, batches: Batches, root: Path, tmp_path: Path) -> None:
    outside = save(tmp_path / "outside" / "x.py")
    (root / "loop").symlink_to(root)
    (root / "link").symlink_to(outside.parent)
    watcher.watch([root])
    outside.write_text("other", encoding="utf-8")
    save(root / "last.py")
    batches.wait_for(root, "last.py")
    assert batches.paths(root) == {"last.py"}


def test_several_folders_one_inside_the_other_and_by_a_link(
    watcher: FolderWatcher, batches: Batches, root: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(root)
    watcher.watch([root, root / "src", link])
    save(root / "src" / "main.py", "other")
    batches.wait_for(root, "src/main.py")
    batches.wait_for(root / "src", "main.py")
    batches.wait_for(link, "src/main.py")


def test_watching_other_folders_ends_watching_the_first(
    watcher: FolderWatcher, batches: Batches, root: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    watcher.watch([root])
    watcher.watch([root])
    watcher.watch([other])
    save(root / "unseen.py")
    save(other / "seen.py")
    batches.wait_for(other, "seen.py")
    assert batches.paths(root) == set()


def test_a_folder_that_is_missing_is_logged_and_watched_by_a_later_call(
    watcher: FolderWatcher, batches: Batches, root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    missing = tmp_path / "missing"
    watcher.watch([root, missing])
    assert str(missing) in caplog.text
    missing.mkdir()
    watcher.watch([root, missing])
    save(missing / "x.py")
    save(root / "x.py")
    batches.wait_for(missing, "x.py")
    batches.wait_for(root, "x.py")


def test_a_folder_deleted_and_made_again_is_watched_by_a_later_call(
    watcher: FolderWatcher, batches: Batches, root: Path
) -> None:
    watcher.watch([root])
    shutil.rmtree(root)
    batches.wait_for(root, "src")
    save(root / "src" / "main.py")
    batches.forget()
    watch_until_reported(watcher, batches, root)


class Faults:
    """Waits for what a watcher says is wrong."""

    def __init__(self, batches: Batches, native_recursion: bool) -> None:
        self._changed = threading.Condition()
        self.watcher = FolderWatcher(batches, self._note, check=0.02, retry=0.1, native_recursion=native_recursion)

    def _note(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def wait_for(self, folder: Path, words: str) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: words in self.watcher.problems.get(folder, ""), DEADLINE):
                pytest.fail(f"{words!r} was not said of {folder}, only {self.watcher.problems}")

    def wait_for_none(self) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: not self.watcher.problems, DEADLINE):
                pytest.fail(f"There are still {self.watcher.problems}")


@pytest.fixture
def faults(batches: Batches, native_recursion: bool) -> Iterator[Faults]:
    """A watcher that looks often whether its folders are still there; nobody tells it to watch again."""
    faults = Faults(batches, native_recursion)
    yield faults
    faults.watcher.close()


def test_a_folder_that_was_missing_is_watched_as_soon_as_it_is_there(
    faults: Faults, batches: Batches, root: Path, tmp_path: Path
) -> None:
    missing = tmp_path / "missing"
    faults.watcher.watch([root, missing])
    faults.wait_for(missing, "does not exist")
    assert root not in faults.watcher.problems
    missing.mkdir()
    faults.wait_for_none()
    batches.wait_for(missing, ".")
    save(missing / "x.py")
    batches.wait_for(missing, "x.py")


def test_a_folder_deleted_and_made_again_is_watched_again(faults: Faults, batches: Batches, root: Path) -> None:
    faults.watcher.watch([root])
    for _again in range(3):
        shutil.rmtree(root)
        faults.wait_for(root, "does not exist")
        save(root / "src" / "main.py")
        faults.wait_for_none()
        batches.forget()
        save(root / "src" / "main.py", "other")
        batches.wait_for(root, "src/main.py")


def test_a_folder_moved_away_and_replaced_is_watched_again(
    faults: Faults, batches: Batches, root: Path, tmp_path: Path
) -> None:
    faults.watcher.watch([root])
    save(tmp_path / "next" / "src" / "main.py")
    root.rename(tmp_path / "before")
    (tmp_path / "next").rename(root)
    batches.wait_for(root, ".")
    batches.forget()
    save(root / "src" / "main.py", "other")
    batches.wait_for(root, "src/main.py")
    save(tmp_path / "before" / "unseen.py")
    save(root / "last.py")
    batches.wait_for(root, "last.py")
    assert "unseen.py" not in batches.paths(root)


def test_a_folder_whose_parent_was_renamed_is_watched_when_it_is_back(
    faults: Faults, batches: Batches, tmp_path: Path
) -> None:
    folder = tmp_path / "parent" / "folder"
    save(folder / "x.py")
    faults.watcher.watch([folder])
    (tmp_path / "parent").rename(tmp_path / "elsewhere")
    faults.wait_for(folder, "does not exist")
    (tmp_path / "elsewhere").rename(tmp_path / "parent")
    faults.wait_for_none()
    batches.forget()
    save(folder / "x.py", "other")
    batches.wait_for(folder, "x.py")


def test_a_path_of_no_system_is_a_fault_like_others(faults: Faults, batches: Batches, root: Path) -> None:
    impossible = Path("/no\0folder")
    faults.watcher.watch([impossible, root])
    faults.wait_for(impossible, "null")
    save(root / "x.py")
    batches.wait_for(root, "x.py")


def watch_until_reported(watcher: FolderWatcher, batches: Batches, root: Path) -> None:
    """The end of the old watch may be noticed a moment after the last event in it."""
    for number in range(100):
        watcher.watch([root])
        save(root / f"{number}.py")
        with batches._changed:
            if batches._changed.wait_for(lambda: batches.paths(root), 0.5):
                return
    pytest.fail("the new folder was never watched")


def test_a_callback_that_fails_is_logged_and_called_again(
    batches: Batches, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail_after_noting(folder: Path, paths: frozenset[str]) -> None:
        batches(folder, paths)
        raise RuntimeError("no engine")

    watcher = FolderWatcher(fail_after_noting)
    watcher.watch([root])
    for name in ("one.py", "two.py"):
        save(root / name)
        batches.wait_for(root, name)
    watcher.close()
    assert "no engine" in caplog.text


def test_changes_that_never_pause_are_delivered_all_the_same(batches: Batches, root: Path) -> None:
    watcher = FolderWatcher(batches, quiet=3600, longest=0.2)
    watcher.watch([root])
    save(root / "one.py")
    batches.wait_for(root, "one.py")
    watcher.close()


WATCH_WITH_FEW_WATCHES = """
import logging, sys, threading
from pathlib import Path
from codecontext.watching.files import FolderWatcher

logging.basicConfig(level=logging.WARNING, stream=sys.stdout, format="%(message)s")
root, called = Path(sys.argv[1]), threading.Event()
watcher = FolderWatcher(lambda folder, paths: called.set())
watcher.watch([root])
if sys.argv[2] == "max_inotify_watches":
    (root / "new").mkdir()
    assert called.wait(20)
watcher.close()
"""


@pytest.mark.parametrize("limit", ["max_inotify_instances", "max_inotify_watches"])
def test_where_the_system_has_too_few_watches_it_is_said_once(root: Path, limit: str) -> None:
    for number in range(5):
        (root / f"folder{number}").mkdir()
    namespace = ("unshare", "--user", "--map-root-user", "sh", "-c")
    lower = f'echo {int(limit == "max_inotify_watches")} > /proc/sys/user/{limit} && exec "$@"'
    if shutil.which("unshare") is None or subprocess.run([*namespace, lower, "sh", "true"], check=False).returncode:
        pytest.skip("limits can only be lowered in a user namespace of Linux")
    script = [sys.executable, "-c", WATCH_WITH_FEW_WATCHES, str(root), limit]
    run = subprocess.run([*namespace, lower, "sh", *script], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.count(f"Cannot watch all of {root} ") == 1
    assert "fs.inotify.max_user_watches" in run.stdout


WATCH_WITHOUT_INSTANCES = """
import logging, sys, threading
from pathlib import Path
from codecontext.watching.adapters import AdapterWatcher
from codecontext.watching.files import FolderWatcher
from codecontext.watching.single_file import FileWatcher
from inotify_simple import INotify

taken = []
try:
    while True:  # all that this user may have
        taken.append(INotify())
except OSError:
    pass
print(len(taken))

root, news, faults = Path(sys.argv[1]), threading.Condition(), []
def changed(*what):
    with news:
        faults.append(what)
        news.notify_all()
def wait_for(condition):
    with news:
        assert news.wait_for(condition, 20), (faults, watcher.problems)
watcher = FolderWatcher(changed, changed, check=0.02, retry=0.1)
watcher.watch([root])
assert "max_user_instances" in watcher.problems[root], watcher.problems
settings = FileWatcher(root / "config.yaml", lambda: changed("settings"))
adapters = AdapterWatcher(lambda path: changed("adapter"))
adapters.watch([root / "adapter"])
(root / "config.yaml").write_text("a: 1")  # seen by looking
(root / "adapter").mkdir()
(root / "adapter" / "adapter_config.json").write_text("{}")
wait_for(lambda: {("settings",), ("adapter",)} <= set(faults))
for instance in taken:
    instance.close()
wait_for(lambda: not watcher.problems)
(root / "new.py").write_text("x")
wait_for(lambda: any("new.py" in what[1] for what in faults if len(what) == 2))
for each in (watcher, settings, adapters):
    each.close()
print("done")
"""


@linux_only
def test_where_all_instances_are_taken_it_is_said_and_tried_again(root: Path) -> None:
    """The real limit of the system, reached by one process; a low one of a user namespace where that is allowed."""
    script = [sys.executable, "-c", WATCH_WITHOUT_INSTANCES, str(root)]
    namespace = ["unshare", "--user", "--map-root-user", "sh", "-c"]
    lower = 'echo 8 > /proc/sys/user/max_inotify_instances && exec "$@"'
    if shutil.which("unshare") is None or subprocess.run([*namespace, lower, "sh", "true"], check=False).returncode:
        pytest.skip("taking every instance of the user would disturb other programs")
    run = subprocess.run([*namespace, lower, "sh", *script], capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == ["8", "done"]


@linux_only
def test_events_that_the_kernel_lost_are_everything(batches: Batches, root: Path) -> None:
    """The callback thread holds nothing up; only a reader that is kept from reading overflows the kernel's queue."""
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text(encoding="ascii"))
    if limit > 100_000:
        pytest.skip("the queue is too long to fill")
    watcher = FolderWatcher(batches)
    watcher.watch([root])
    with watcher._changed:
        for number in range(limit // 2 + 10_000):
            (root / "src" / f"file{number % 100}.py").touch()
            (root / "src" / f"file{number % 100}.py").unlink()
    batches.wait_for(root, ".")
    save(root / "after.py")
    batches.wait_for(root, "after.py")
    watcher.close()
