"""What CodeContext keeps is its owner's alone, whatever the umask says."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codecontext.config import load_settings
from codecontext.core.paths import search_log_file
from codecontext.core.private import close_loose, make_private, tighten
from codecontext.engine.engine import Engine
from codecontext.store.index_store import IndexStore
from indexes import file_rows

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes"),
]

SOURCE = "def pay(cart):\n    return cart.total\n"


@pytest.fixture(autouse=True)
def _no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def home() -> Path:
    return Path(os.environ["CODECONTEXT_HOME"])


def loose(place: Path) -> list[str]:
    """What others may do anything with, by path."""
    entries = [place, *place.rglob("*")]
    return [f"{entry} {entry.lstat().st_mode:o}" for entry in entries if entry.lstat().st_mode & 0o077]


def test_all_that_indexing_and_searching_write_is_private(project: Path, write: Callable[..., None]) -> None:
    write({"pay.py": SOURCE})
    settings = load_settings(project).settings
    kept = settings.model_copy(update={"search": settings.search.model_copy(update={"keep_log": True})})
    with Engine(project, kept) as engine:  # a model of its own
        engine.index()
        assert engine.search("pay").hits
        assert engine.record_opened("pay", "pay.py", 1, 2)
        write({"pay.py": SOURCE.replace("total", "sum")})
        engine.index()
    assert any((home() / "cache").iterdir())
    assert search_log_file(project).is_file()
    assert loose(home()) == []


def test_what_an_earlier_version_left_open_is_closed_by_the_next_use(
    project: Path, write: Callable[..., None], engine_for: Callable[[Path], Engine]
) -> None:
    write({"pay.py": SOURCE})
    engine_for(project).index()
    places = [home() / "indexes", home() / "cache"]
    for place in places:
        for entry in (place, *place.rglob("*")):
            entry.chmod(0o777 if entry.is_dir() else 0o666)
    again = engine_for(project)
    assert again.search("pay").hits
    assert loose(home() / "indexes") == []
    again.index(force=True)
    assert loose(home() / "cache") == []


def test_the_home_of_somebody_else_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    monkeypatch.setenv("CODECONTEXT_HOME", str(shared))
    make_private(shared / "indexes" / "a")
    assert stat.S_IMODE(shared.stat().st_mode) == 0o755
    assert loose(shared / "indexes") == []


def test_nothing_outside_is_touched_through_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODECONTEXT_HOME", str(tmp_path / "home"))
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o755)
    (outside / "file").touch(mode=0o644)
    place = tmp_path / "home" / "indexes" / "a"
    make_private(place)
    (place / "folder").symlink_to(outside)
    (place / "link").symlink_to(outside / "file")
    tighten(place)
    close_loose(place / "folder")
    assert stat.S_IMODE(outside.stat().st_mode) == 0o755
    assert stat.S_IMODE((outside / "file").stat().st_mode) == 0o644


def test_a_table_is_out_of_reach_from_the_first_moment(tmp_path: Path) -> None:
    store = IndexStore(tmp_path / "new" / "index")
    store.replace_files([file_rows("pay.py", SOURCE)])
    folders = [tmp_path / "new", *(place for place in (tmp_path / "new").rglob("*") if place.is_dir())]
    assert [place for place in folders if place.lstat().st_mode & 0o077] == []
    assert len(folders) == 3
