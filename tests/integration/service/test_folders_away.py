"""Folders that are missing, go away, come back or are replaced: the others answer, and nothing is deaf afterwards.

Nobody tells the engine of what happens here: it notices by itself.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from codecontext.core.errors import ConfigError
from codecontext.engine.folder_state import Health
from codecontext.rpc.messages import EngineState, FilesChanged, Pause, Reindex, Similar

from .conftest import Served, state_of, write_files

pytestmark = pytest.mark.asyncio(loop_scope="module")

LEFT = {"left.py": "def order_left(goods):\n    return sorted(goods)\n"}
RIGHT = {"right.py": "def order_right(goods):\n    return sorted(goods)\n"}


async def is_missing(shared: Served, folder: Path) -> str:
    """Wait until the report of a folder says that it is not there; what it says."""
    report = await shared.until(
        lambda: report if (report := shared.report(folder)).health is Health.ERROR else None, "a fault"
    )
    assert str(folder) in report.message
    return report.message


async def test_a_missing_folder_costs_the_others_nothing(shared: Served, project: Path, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    write_files(project, LEFT)
    await shared.serve(missing, project)
    await shared.indexed(project)
    assert shared.client.state is EngineState.DEGRADED
    reason = await is_missing(shared, missing)
    answer = await shared.ask("order goods", folders=(str(missing), str(project)))
    assert [item.path for item in answer.hits] == ["left.py"]
    assert state_of(answer, str(missing)).degraded == reason
    assert state_of(answer, str(project)).degraded is None
    assert (await shared.ask("order goods")).states == answer.states
    only = await shared.ask("order goods", folders=(str(missing),))
    assert (only.hits, only.message) == ([], reason)
    with pytest.raises(ConfigError, match="cannot be opened"):
        await shared.client.similar(Similar(folder=str(missing), path="x.py", start_line=1, end_line=1))
    with pytest.raises(ConfigError, match="not a folder of this workspace"):
        await shared.ask("order goods", folders=(str(tmp_path / "never opened"),))
    assert await shared.client.skipped(str(missing)) == []
    assert await shared.client.adapters(str(missing)) == []
    # Orders to all folders reach those that are there.
    await shared.client.reload_adapter(str(missing))
    await shared.client.reindex(Reindex(folder=str(missing)))
    shared.client.files_changed(FilesChanged(folder=str(missing), paths=("x.py",)))
    await shared.client.pause(Pause(folder=str(missing), paused=True))
    await shared.until(lambda: shared.report(missing).paused)
    await shared.client.pause(Pause(folder=str(missing), paused=False))
    write_files(missing, RIGHT)
    await shared.indexed(missing)
    assert shared.report(missing).health is Health.OK
    assert set(await shared.paths("order goods")) == {"left.py", "right.py"}


async def test_a_folder_that_goes_away_and_comes_back(shared: Served, project: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    write_files(project, LEFT)
    write_files(other, RIGHT)
    await shared.serve(project, other)
    await shared.indexed(project)
    await shared.indexed(other)
    project.rename(tmp_path / "away")
    reason = await is_missing(shared, project)
    assert "kept" in reason
    answer = await shared.ask("order goods")
    assert [item.path for item in answer.hits] == ["right.py"]
    assert state_of(answer, str(project)).degraded == reason
    assert shared.report(project).files == 1
    write_files(tmp_path / "away", {"new.py": "def order_new(goods):\n    return goods\n"})
    (tmp_path / "away").rename(project)
    await shared.until(lambda: shared.report(project).files == 2)
    assert (await shared.indexed(project)).health is Health.OK


async def test_a_folder_replaced_by_another_of_its_name(shared: Served, project: Path, tmp_path: Path) -> None:
    write_files(project, LEFT)
    write_files(tmp_path / "next", RIGHT)
    await shared.serve(project)
    await shared.indexed(project)
    project.rename(tmp_path / "before")
    (tmp_path / "next").rename(project)
    await shared.until_found("order goods", "right.py")


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
async def test_a_link_pointed_to_another_folder(shared: Served, tmp_path: Path) -> None:
    write_files(tmp_path / "one", LEFT)
    write_files(tmp_path / "two", RIGHT)
    link, new = tmp_path / "link", tmp_path / "new"
    link.symlink_to(tmp_path / "one")
    await shared.serve(link)
    await shared.indexed(link)
    new.symlink_to(tmp_path / "two")
    new.replace(link)
    await shared.until_found("order goods", "right.py")
    assert await shared.paths("order goods") == ["right.py"]


async def test_a_fault_of_one_folder_that_nobody_foresaw(shared: Served, project: Path, tmp_path: Path) -> None:
    """A path that no system takes."""
    write_files(project, LEFT)
    await shared.serve(project, Path("/no\0folder"))
    await shared.indexed(project)
    await shared.until(lambda: shared.report(Path("/no\0folder")).health is Health.ERROR)
    assert await shared.paths("order goods") == ["left.py"]
