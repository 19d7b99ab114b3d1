"""A folder is kept indexed in the background, whatever happens to its files, its index or its settings."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from codecontext.core.errors import ConfigError, IndexCorrupt, QueryError
from codecontext.core.paths import index_directory
from codecontext.embeddings import EmbeddingProvider
from codecontext.engine.folder_state import Health, Phase, Stage
from codecontext.rpc.messages import EngineState, FilesChanged, Pause, Reindex, Similar
from codecontext.store.index_store import IndexStore
from codecontext.store.lock import writer_lock
from indexes import index_files

from .conftest import SECONDS, Served, assert_as_if_made_anew, codebase, command_that, state_of, write_files

Start = Callable[..., Served]

pytestmark = pytest.mark.asyncio(loop_scope="module")

NEW = {"new.py": "def brand_new():\n    return 'unheard of'\n"}


def changed(served: Served, folder: Path, *paths: str) -> None:
    served.client.files_changed(FilesChanged(folder=str(folder), paths=paths))


@pytest.fixture
def code(project: Path) -> dict[str, str]:
    """Code that no other test has, so that no vector is known."""
    return codebase(3, about=f"job{abs(hash(project)) % 10**8}")


async def test_saved_moved_and_deleted_files(
    shared: Served, project: Path, code: dict[str, str], provider: EmbeddingProvider
) -> None:
    write_files(project, code)
    await shared.serve(project)
    await shared.indexed(project)
    write_files(project, NEW)
    changed(shared, project, "new.py")
    await shared.until_found("brand_new", "new.py")
    (project / "new.py").rename(project / "moved.py")
    changed(shared, project, "new.py", "moved.py")
    await shared.until_found("brand_new", "moved.py")
    shutil.rmtree(project / "pkg")
    changed(shared, project, "pkg")
    await shared.until(lambda: shared.report(project).files == 1)
    assert_as_if_made_anew(project, await shared.indexed(project), provider)


async def test_an_ignored_file_leaves_the_index_and_is_listed(shared: Served, project: Path) -> None:
    write_files(project, {**NEW, "other.py": "def other():\n    return 2\n"})
    await shared.serve(project)
    await shared.until(lambda: shared.report(project).files == 2)
    write_files(project, {".codecontextignore": "new.py\n"})
    changed(shared, project, ".codecontextignore")
    await shared.until(lambda: shared.report(project).skipped == 1)
    (entry,) = await shared.client.skipped(str(project))
    assert (entry.path, entry.reason) == ("new.py", "ignored_by_codecontext")
    assert "new.py" not in await shared.paths("brand_new")


async def test_a_folder_without_code_has_an_index_that_lacks_nothing(shared: Served, project: Path) -> None:
    await shared.serve(project)
    state = await shared.indexed(project)
    assert (state.indexed, state.chunks, state.coverage, state.stage) == (True, 0, 1, Stage.EMPTY)


async def test_paused_work_stops_and_goes_on_where_it_was(shared: Served, project: Path, code: dict[str, str]) -> None:
    write_files(project, codebase(12, about=next(iter(code)).split("/")[1][:12]))
    await shared.serve(project)
    await shared.until(lambda: 0 < shared.report(project).done < shared.report(project).total)
    await shared.client.pause(Pause(folder=str(project), paused=True))
    paused = await shared.settled(project)
    assert (paused.paused, paused.health, paused.phase) == (True, Health.OK, Phase.IDLE)
    assert 0 < paused.coverage < 1
    assert shared.client.state is EngineState.READY
    answer = await shared.ask("handle part 2")
    assert answer.hits
    assert "% embedded" in (state_of(answer, str(project)).degraded or "")
    write_files(project, NEW)
    changed(shared, project, "new.py")
    shared.history.clear()
    await shared.client.pause(Pause(folder=str(project), paused=False))
    report = await shared.indexed(project)
    assert (report.files, report.paused) == (13, False)
    totals = [
        reports[str(project)].total for _, reports in shared.history if reports[str(project)].phase == "embedding"
    ]
    assert max(totals) < 61  # what was embedded before was kept


async def test_two_folders_and_one_of_them_goes(
    shared: Served, project: Path, tmp_path: Path, code: dict[str, str]
) -> None:
    other = tmp_path / "other"
    write_files(project, code)
    write_files(other, NEW)
    await shared.serve(project, other)
    await shared.indexed(project)
    await shared.indexed(other)
    answer = await shared.ask("brand_new")
    assert (answer.hits[0].folder, answer.hits[0].path) == (str(other), "new.py")
    assert {state.folder for state in answer.states} == {str(project), str(other)}
    assert {item.folder for item in (await shared.ask("brand_new", folders=(str(project),))).hits} <= {str(project)}
    await shared.serve(project)
    assert set(shared.client.states) == {str(project)}
    with pytest.raises(ConfigError, match="is not a folder of this workspace"):
        await shared.ask("brand_new", folders=(str(other),))


async def test_a_folder_that_comes_back_is_reported_again(shared: Served, project: Path) -> None:
    """Paused, so that there is nothing new to say of it."""
    write_files(project, NEW)
    for _ in range(2):
        await shared.serve(project, paused=True)
        assert (await shared.settled(project)).paused
        await shared.serve()
        assert dict(shared.client.states) == {}


async def test_bad_questions_keep_their_error(shared: Served, project: Path) -> None:
    write_files(project, NEW)
    await shared.serve(project)
    await shared.until(lambda: shared.report(project).files == 1)
    with pytest.raises(QueryError, match="not in the index"):
        await shared.client.similar(Similar(folder=str(project), path="nowhere.py", start_line=1, end_line=2))


async def test_code_like_this(shared: Served, project: Path, code: dict[str, str]) -> None:
    write_files(project, code)
    await shared.serve(project)
    await shared.indexed(project)
    path = next(iter(code))
    inside = await shared.client.similar(Similar(folder=str(project), path=path, start_line=1, end_line=3))
    text = code[path].split("\n\n")[0]
    given = await shared.client.similar(Similar(folder=str(project), path=path, start_line=1, end_line=3, text=text))
    assert inside.hits
    assert given.hits
    assert (path, 1) not in {(item.path, item.start_line) for item in (*inside.hits, *given.hits)}


async def test_bad_settings_leave_the_last_good_ones_in_force(
    shared: Served, project: Path, code: dict[str, str]
) -> None:
    write_files(project, {**code, ".codecontext.toml": "[search]\nlimit = 2\n"})
    await shared.serve(project)
    await shared.indexed(project)
    write_files(project, {".codecontext.toml": "[search]\nlimit = 'some'\n"})
    changed(shared, project, ".codecontext.toml")
    bad = await shared.until(lambda: report if (report := shared.report(project)).message else None)
    assert bad.health is Health.ERROR
    assert "search.limit" in bad.message
    assert "last good settings" in bad.message
    assert len((await shared.ask("handle")).hits) == 2
    assert shared.client.state is EngineState.DEGRADED
    write_files(project, {".codecontext.toml": "[search]\nlimit = 3\n"})
    changed(shared, project, ".codecontext.toml")
    await shared.until(lambda: shared.report(project).health is Health.OK)
    assert len((await shared.ask("handle")).hits) == 3


async def test_indexing_begins_when_the_user_allows_it(shared: Served, project: Path) -> None:
    write_files(project, NEW)
    off, on = ({"engine": {"auto_index": value}} for value in (False, True))
    await shared.serve(project, editor=off)
    assert (await shared.settled(project)).files == 0
    changed(shared, project, "new.py")
    assert "engine.auto_index is off" in (await shared.ask("brand_new")).message
    await shared.serve(project, editor=on)
    assert (await shared.indexed(project)).files == 1


async def test_asking_for_an_index_is_enough(shared: Served, project: Path) -> None:
    write_files(project, NEW)
    await shared.serve(project, editor={"engine": {"auto_index": False}})
    await shared.settled(project)
    await shared.client.reindex(Reindex(folder=str(project)))
    await shared.until(lambda: shared.report(project).files == 1)


async def test_a_forced_index_is_made_anew_from_known_vectors(
    shared: Served, project: Path, code: dict[str, str]
) -> None:
    write_files(project, code)
    await shared.serve(project)
    await shared.indexed(project)
    store = IndexStore(index_directory(project))
    store.set_facts(notices=["old"])
    await shared.client.reindex(Reindex(folder=str(project), force=True))
    async with asyncio.timeout(SECONDS):
        while (found := store.state()).notices or not found.files:
            await shared.ask("anything at all")  # answered, whatever becomes of the index meanwhile
    assert (await shared.indexed(project)).files == len(code)


@pytest.mark.parametrize("when", ["before it is opened", "while it is served"])
@pytest.mark.parametrize("part", ["index", "words", "vectors"])
async def test_damage_is_repaired_and_said(
    shared: Served, project: Path, code: dict[str, str], part: str, when: str
) -> None:
    write_files(project, code)
    await shared.serve(project)
    before = await shared.indexed(project)
    if when == "before it is opened":
        await shared.serve()
    for file in index_files(index_directory(project), part):
        damaged = file.with_name("damaged")
        damaged.write_bytes(b"damaged" * 1000)
        damaged.replace(file)  # what is open already would go on from what it has in memory
    await shared.serve(project)
    write_files(project, {"pkg/noticed.py": "def noticed():\n    return 1\n"})
    changed(shared, project, "pkg/noticed.py")
    await shared.until(lambda: any("damaged" in notice for notice in shared.report(project).notices))
    await shared.until(lambda: shared.report(project).chunks == before.chunks + 1)
    report = await shared.indexed(project)
    assert (report.health, report.message) == (Health.OK, "")
    await shared.until_found("noticed", "pkg/noticed.py")


async def test_a_folder_that_cannot_answer_leaves_it_to_the_others(
    shared: Served, project: Path, tmp_path: Path, code: dict[str, str]
) -> None:
    other = tmp_path / "other"
    write_files(project, code)
    write_files(other, NEW)
    await shared.serve(project, other)
    await shared.indexed(project)
    await shared.indexed(other)
    await shared.serve(project, other, paused=True)  # so that nobody repairs it
    for file in index_files(index_directory(project), "words"):
        file.write_bytes(b"")
    answer = await shared.ask("brand_new")
    assert [item.folder for item in answer.hits] == [str(other)]
    assert "cannot be read" in (state_of(answer, str(project)).degraded or "")
    with pytest.raises(IndexCorrupt, match="cannot be read"):
        await shared.ask("handle", folders=(str(project),))


async def test_a_folder_that_is_away_is_not_taken_for_an_empty_one(
    shared: Served, project: Path, code: dict[str, str], tmp_path: Path
) -> None:
    write_files(project, code)
    await shared.serve(project)
    await shared.indexed(project)
    project.rename(tmp_path / "away")
    changed(shared, project, ".")
    report = await shared.until(lambda: shared.report(project) if shared.report(project).message else None)
    assert report.health is Health.ERROR
    assert "Cannot list the folder" in report.message
    assert report.files == len(code)
    (tmp_path / "away").rename(project)
    changed(shared, project, ".")
    await shared.until(lambda: shared.report(project).health is Health.OK)
    assert (await shared.indexed(project)).files == len(code)


async def test_a_folder_that_is_not_there_does_not_keep_others_from_being_served(
    shared: Served, project: Path, tmp_path: Path
) -> None:
    missing, broken = tmp_path / "missing", tmp_path / "broken"
    write_files(project, NEW)
    write_files(broken, NEW)
    (index_directory(broken) / "index.sqlite").mkdir(parents=True)
    await shared.serve(missing, broken, project)
    await shared.indexed(project)
    await shared.until(lambda: shared.report(missing).health is Health.ERROR)
    assert "is not a folder" in shared.report(missing).message
    await shared.until(lambda: shared.report(broken).health is Health.ERROR)
    assert "index.sqlite" in shared.report(broken).message
    write_files(missing, NEW)
    (index_directory(broken) / "index.sqlite").rmdir()
    await shared.serve(missing, broken, project)
    await shared.indexed(missing)
    await shared.indexed(broken)


async def test_while_another_process_writes_it_waits_and_then_goes_on(shared: Served, project: Path) -> None:
    write_files(project, NEW)
    index_directory(project).mkdir(parents=True)
    with writer_lock(index_directory(project)):
        await shared.serve(project)
        await shared.until(lambda: shared.report(project).phase is Phase.WAITING)
        assert shared.client.state is EngineState.BUSY
        await shared.client.pause(Pause(folder=str(project), paused=True))
        await shared.until(lambda: shared.report(project).phase is Phase.IDLE)
        await shared.client.pause(Pause(folder=str(project), paused=False))
        await shared.until(lambda: shared.report(project).phase is Phase.WAITING)
    assert (await shared.indexed(project)).files == 1


async def test_what_no_event_told_is_found_from_time_to_time(shared: Served, project: Path) -> None:
    write_files(project, {"old.py": "def old():\n    return 1\n"})
    await shared.serve(project, editor={"engine": {"reconcile_minutes": 0.1}})
    await shared.indexed(project)
    write_files(project, NEW)
    await shared.until(lambda: shared.report(project).files == 2)


async def test_a_file_that_ends_its_reader_is_skipped_and_listed(start: Start, project: Path) -> None:
    """Reading it takes more memory than the reader may have."""
    write_files(project, {**NEW, "hungry.ts": "a<b,\n" * 20_000})
    served = start(
        *command_that(
            """
            from codecontext.indexing.reader_pool import ReaderPool
            init = ReaderPool.__init__
            ReaderPool.__init__ = lambda self: init(self, memory_bytes=150_000_000)
            """
        )
    )
    await served.serve(project)
    report = await served.indexed(project)
    assert (report.files, report.skipped, report.health) == (1, 1, Health.OK)
    (entry,) = await served.client.skipped(str(project))
    assert (entry.path, entry.reason) == ("hungry.ts", "quarantined")
    assert "memory" in entry.detail
    assert served.client.restarts == 0


async def test_faults_that_nobody_foresaw_are_said_and_cost_no_work(
    start: Start, project: Path, tmp_path: Path
) -> None:
    """As long as there is a file, each step of indexing fails, and loading a model does."""
    write_files(project, NEW)
    broken = tmp_path / "broken"
    broken.touch()
    served = start(
        *command_that(
            f"""
            import pathlib
            from codecontext.service import background_index
            from codecontext.service.models import Models
            from codecontext.indexing.run import IndexRun
            def failing(real):
                def call(*args, **more):
                    if pathlib.Path({str(broken)!r}).exists():
                        raise ZeroDivisionError("nobody foresaw this")
                    return real(*args, **more)
                return call
            background_index._FAULT_SECONDS = 0.2
            IndexRun.update_text = failing(IndexRun.update_text)
            Models.base = failing(Models.base)
            """
        )
    )
    await served.serve(project)
    report = await served.until(
        lambda: report if "Indexing stopped" in (report := served.report(project)).message else None
    )
    assert (report.health, served.client.state) == (Health.ERROR, EngineState.DEGRADED)
    assert "ZeroDivisionError: nobody foresaw this" in report.message
    changed(served, project, "new.py")
    broken.unlink()
    report = await served.until(lambda: report if (report := served.report(project)).files else None)
    assert "Loading failed: ZeroDivisionError" in report.message
    await served.client.reload_adapter(str(project))
    assert (await served.indexed(project)).health is Health.OK


async def test_a_folder_in_which_there_is_nothing_to_find_says_why(shared: Served, project: Path) -> None:
    async def says(words: str) -> None:
        report = await shared.until(
            lambda: report if words in (report := shared.report(project)).message else None, words
        )
        assert (report.health, report.files, report.queued) == (Health.OK, 0, False)

    write_files(project, {"image.png": "\0\0"})
    await shared.serve(project, editor={"engine": {"auto_index": False}})
    await says("engine.auto_index is off")
    await shared.serve(project, paused=True)
    await says("background work is paused")
    await shared.serve(project)
    await says("list of skipped files says why")
    (project / "image.png").unlink()
    changed(shared, project, ".")
    await says("contains no files")
    write_files(project, {"real.py": "def real(x):\n    return x\n"})
    changed(shared, project, "real.py")
    await shared.until(lambda: shared.report(project).files == 1)
    assert (await shared.indexed(project)).message == ""
