"""The adapter that the settings name answers as soon as it can, whatever happens to its files; and never half of it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codecontext.adapters import AdapterSide, adapter_fingerprint
from codecontext.engine.folder_state import FolderState, Health
from codecontext.rpc.messages import FilesChanged
from codecontext.training.config import TrainingConfig
from codecontext.training.evaluation.results import MAIN_METRIC, Comparison, Interval
from codecontext.training.release.artifact import Course, DataCounts, Metrics, TrainingRecord, write_record

from .conftest import Served, assert_as_if_made_anew, codebase, state_of, write_files

pytestmark = pytest.mark.asyncio(loop_scope="module")

MakeAdapter = Callable[..., Path]
CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


@pytest.fixture(scope="module")
def adapters(make_adapter: MakeAdapter) -> list[Path]:
    """Three adapters that change documents."""
    return [make_adapter(seed=seed, alpha=alpha) for seed, alpha in ((1, 16), (2, 32), (3, 8))]


@pytest.fixture(scope="module")
def query_adapter(make_adapter: MakeAdapter) -> Path:
    return make_adapter(seed=9, side="query")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where the settings say that the adapter is."""
    return tmp_path / "adapter"


@pytest.fixture
def code(project: Path) -> dict[str, str]:
    """Code that no other test has, so that no vector is known."""
    files = codebase(4, about=f"part{abs(hash(project)) % 10**8}")
    write_files(project, files)
    return files


def setting(path: Path | None) -> dict[str, Any]:
    return {"embeddings": {"huggingface": {"lora_adapter_path": path and str(path)}}}


async def serve(served: Served, project: Path, path: Path | None) -> None:
    await served.serve(project, editor=setting(path))


def touch(served: Served, project: Path) -> None:
    served.client.adapter_touched(str(project))


async def using(served: Served, project: Path, adapter: Path | None) -> FolderState:
    """The report when just this content answers, for all of the code and without a fault."""
    wanted = adapter and adapter_fingerprint(adapter)

    def is_used() -> FolderState | None:
        report = served.report(project)
        found = report.adapter.fingerprint if report.adapter else None
        done = served.is_settled(project) and report.coverage == 1 and report.health is Health.OK
        return report if done and found == wanted else None

    report = await served.until(is_used, f"{adapter}")
    state = state_of(await served.ask("handle"), str(project))
    assert (state.fingerprint, state.space, state.coverage, state.degraded) == (wanted, report.space, 1, None)
    return report


async def faulty(served: Served, project: Path, words: str) -> FolderState:
    """The report when it says what is wrong, at rest."""

    def is_said() -> FolderState | None:
        report = served.report(project)
        return report if words in report.message and served.is_settled(project) else None

    return await served.until(is_said, words)


def embedded_since(served: Served, project: Path) -> int:
    """Most texts that a step of embedding had to do since ``served.history`` was cleared."""
    return max(
        (reports[str(project)].total for _, reports in served.history if reports[str(project)].phase == "embedding"),
        default=0,
    )


async def test_it_answers_once_its_space_is_covered(
    shared: Served, project: Path, code: dict[str, str], adapters: list[Path]
) -> None:
    await serve(shared, project, None)
    base = await using(shared, project, None)
    shared.history.clear()
    await serve(shared, project, adapters[0])
    report = await using(shared, project, adapters[0])
    assert report.space != base.space
    assert (report.current_adapter_path, report.wanted_adapter_path) == (str(adapters[0]), str(adapters[0]))
    assert report.adapter is not None
    assert (report.adapter.rank, report.adapter.alpha, report.adapter.side) == (8, 16, "both")
    # Until then the base model answered for all of the code.
    reports = [reports[str(project)] for _, reports in shared.history]
    pending = [report for report in reports if report.pending_adapter is not None]
    assert {(report.space, report.pending_adapter) for report in pending} == {(base.space, str(adapters[0]))}
    assert {report.coverage for report in reports} == {1}
    assert embedded_since(shared, project) == base.chunks


async def test_the_way_back_to_a_known_space_embeds_nothing(
    shared: Served, project: Path, code: dict[str, str], adapters: list[Path]
) -> None:
    await serve(shared, project, adapters[0])
    first = await using(shared, project, adapters[0])
    await serve(shared, project, None)
    base = await using(shared, project, None)
    shared.history.clear()
    await serve(shared, project, adapters[0])
    assert (await using(shared, project, adapters[0])).space == first.space
    await serve(shared, project, None)
    assert (await using(shared, project, None)).space == base.space
    assert embedded_since(shared, project) == 0


async def test_an_adapter_for_queries_embeds_nothing(
    shared: Served, project: Path, code: dict[str, str], query_adapter: Path
) -> None:
    await serve(shared, project, None)
    base = await using(shared, project, None)
    shared.history.clear()
    await serve(shared, project, query_adapter)
    report = await using(shared, project, query_adapter)
    assert report.space == base.space
    assert report.adapter is not None
    assert report.adapter.side == "query"
    assert embedded_since(shared, project) == 0
    assert not [reports for _, reports in shared.history if reports[str(project)].pending_adapter is not None]


@pytest.mark.parametrize("order", [(CONFIG, WEIGHTS), (WEIGHTS, CONFIG)])
async def test_files_replaced_in_place_slowly(
    shared: Served, project: Path, code: dict[str, str], adapters: list[Path], place: Path, order: tuple[str, str]
) -> None:
    """Much time passes between the files; meanwhile a file is saved, and nobody loads the mixture."""
    shutil.copytree(adapters[0], place)
    await serve(shared, project, place)
    before = await using(shared, project, adapters[0])
    shared.history.clear()
    first, second = order
    shutil.copyfile(adapters[1] / first, place / first)
    touch(shared, project)
    write_files(project, {"saved.py": "def saved_meanwhile():\n    return 1\n"})
    shared.client.files_changed(FilesChanged(folder=str(project), paths=("saved.py",)))
    await shared.until_found("saved_meanwhile", "saved.py")
    await asyncio.sleep(1)  # not to wait for anything: this is how slow the copy is
    state = state_of(await shared.ask("handle"), str(project))
    assert state.space == before.space
    shutil.copyfile(adapters[1] / second, place / second)
    touch(shared, project)
    await using(shared, project, adapters[1])
    spaces = {reports[str(project)].space for _, reports in shared.history}
    assert spaces == {before.space, shared.report(project).space}
    assert not [reports for _, reports in shared.history if reports[str(project)].health is Health.ERROR]


async def test_an_atomic_rename(
    shared: Served, project: Path, code: dict[str, str], adapters: list[Path], place: Path
) -> None:
    shutil.copytree(adapters[0], place)
    await serve(shared, project, place)
    await using(shared, project, adapters[0])
    shutil.copytree(adapters[1], place.with_name("new"))
    place.rename(place.with_name("old"))
    place.with_name("new").rename(place)
    touch(shared, project)
    await using(shared, project, adapters[1])


async def test_a_link_pointed_elsewhere_and_back(
    shared: Served, project: Path, code: dict[str, str], adapters: list[Path], place: Path
) -> None:
    place.symlink_to(adapters[0])
    await serve(shared, project, place)
    await using(shared, project, adapters[0])
    for target in (adapters[1], adapters[0]):
        link = place.with_name("link")
        link.symlink_to(target)
        link.replace(place)
        touch(shared, project)
        report = await using(shared, project, target)
        assert report.current_adapter_path == str(place)


async def test_a_deleted_folder_that_comes_back(
    shared: Served, project: Path, code: dict[str, str], adapters: list[Path], place: Path
) -> None:
    """What is in memory answers on; also while files are saved and embedded."""
    shutil.copytree(adapters[0], place)
    await serve(shared, project, place)
    before = await using(shared, project, adapters[0])
    shutil.rmtree(place)
    touch(shared, project)
    report = await faulty(shared, project, "instead of the adapter")
    assert (report.health, report.space) == (Health.WARNING, before.space)
    state = state_of(await shared.ask("handle"), str(project))
    assert state.fingerprint == adapter_fingerprint(adapters[0])
    assert str(place) in (state.degraded or "")
    write_files(project, {"saved.py": "def saved_meanwhile():\n    return 1\n"})
    shared.client.files_changed(FilesChanged(folder=str(project), paths=("saved.py",)))
    await shared.until_found("saved_meanwhile", "saved.py")
    report = await shared.indexed(project)
    assert (report.health, report.space) == (Health.WARNING, before.space)
    shutil.copytree(adapters[0], place)
    touch(shared, project)
    shared.history.clear()
    await using(shared, project, adapters[0])
    assert embedded_since(shared, project) == 0


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda place: place.joinpath(WEIGHTS).write_bytes(b"\x00" * 100), "damaged or incomplete"),
        (lambda place: place.joinpath(WEIGHTS).rename(place / "adapter_model.bin"), "safetensors"),
    ],
)
async def test_a_damaged_adapter_never_serves(
    shared: Served,
    project: Path,
    code: dict[str, str],
    adapters: list[Path],
    place: Path,
    damage: Callable[[Path], None],
    words: str,
) -> None:
    shutil.copytree(adapters[0], place)
    await serve(shared, project, place)
    before = await using(shared, project, adapters[0])
    damage(place)
    touch(shared, project)
    report = await faulty(shared, project, words)
    assert (report.health, report.space) == (Health.WARNING, before.space)


async def test_a_setting_to_a_bad_path_and_back(
    shared: Served, project: Path, code: dict[str, str], adapters: list[Path], tmp_path: Path
) -> None:
    await serve(shared, project, adapters[0])
    before = await using(shared, project, adapters[0])
    shared.history.clear()
    await serve(shared, project, tmp_path / "nowhere")
    report = await faulty(shared, project, "nowhere")
    assert (report.space, report.wanted_adapter_path) == (before.space, str(tmp_path / "nowhere"))
    await serve(shared, project, adapters[0])
    await using(shared, project, adapters[0])
    assert embedded_since(shared, project) == 0


async def test_a_fault_is_not_said_of_the_next_adapter(
    shared: Served, project: Path, code: dict[str, str], adapters: list[Path], tmp_path: Path
) -> None:
    await serve(shared, project, tmp_path / "nowhere")
    await faulty(shared, project, "nowhere")
    shared.history.clear()
    await serve(shared, project, adapters[0])
    await using(shared, project, adapters[0])
    reports = [reports[str(project)] for _, reports in shared.history]
    later = [report for report in reports if report.wanted_adapter_path == str(adapters[0])]
    assert later
    assert {report.message for report in later} == {""}


async def test_files_replaced_by_bad_ones_are_not_said_to_be_answered_by_themselves(
    shared: Served, project: Path, code: dict[str, str], adapters: list[Path], place: Path
) -> None:
    shutil.copytree(adapters[0], place)
    await serve(shared, project, place)
    before = await using(shared, project, adapters[0])
    for name in (CONFIG, WEIGHTS):
        place.joinpath(name).write_bytes(b"{" * 30)
    touch(shared, project)
    report = await faulty(shared, project, "cannot be read")
    assert report.message.startswith(f"Using what was loaded from {place} earlier instead of the adapter there now: ")
    assert (report.health, report.space) == (Health.WARNING, before.space)
    state = state_of(await shared.ask("handle"), str(project))
    assert state.fingerprint == adapter_fingerprint(adapters[0])


async def test_a_bad_path_from_the_beginning(
    shared: Served, project: Path, code: dict[str, str], adapters: list[Path], place: Path
) -> None:
    """The base model answers, which is said, and the adapter is taken when it comes."""
    await serve(shared, project, place)
    report = await faulty(shared, project, "Using the base model instead of the adapter")
    assert (report.ready, report.adapter) == (True, None)
    shutil.copytree(adapters[0], place)
    touch(shared, project)
    await using(shared, project, adapters[0])


async def test_the_same_name_with_other_weights(
    shared: Served, project: Path, code: dict[str, str], adapters: list[Path], place: Path
) -> None:
    shutil.copytree(adapters[0], place)
    await serve(shared, project, place)
    before = await using(shared, project, adapters[0])
    shutil.rmtree(place)
    shutil.copytree(adapters[1], place)
    touch(shared, project)
    after = await using(shared, project, adapters[1])
    assert before.adapter is not None
    assert after.adapter is not None
    assert (before.adapter.name, before.adapter.path) == (after.adapter.name, after.adapter.path)


async def test_two_swaps_in_a_row_while_indexing(shared: Served, project: Path, adapters: list[Path]) -> None:
    write_files(project, codebase(40, about=f"swap{abs(hash(project)) % 10**8}"))
    await serve(shared, project, None)
    await shared.until(lambda: 0 < shared.report(project).done < shared.report(project).total)
    await serve(shared, project, adapters[0])
    await shared.until(lambda: str(adapters[0]) in adapters_of(shared.report(project)))
    await serve(shared, project, adapters[1])
    report = await using(shared, project, adapters[1])
    assert report.chunks == 200


def adapters_of(report: FolderState) -> tuple[str | None, str | None]:
    """The adapter that is being prepared, and the one in use: on a fast machine it is there at once."""
    return report.pending_adapter, report.current_adapter_path


async def test_every_answer_of_a_storm_belongs_to_one_space(
    shared: Served, project: Path, adapters: list[Path], query_adapter: Path, provider: Any
) -> None:
    """Questions without a break while adapters come and go: each answer says one adapter and its very space."""
    write_files(project, codebase(6, about=f"storm{abs(hash(project)) % 10**8}"))
    await serve(shared, project, None)
    base = await using(shared, project, None)
    over = asyncio.Event()
    seen: list[tuple[str | None, str, float]] = []

    async def ask_on() -> None:
        while not over.is_set():
            answer = await shared.ask("handle part 3")
            state = state_of(answer, str(project))
            seen.append((state.fingerprint, state.space, state.coverage))
            assert answer.hits

    async with asyncio.TaskGroup() as storm:
        for _ in range(3):
            storm.create_task(ask_on())
        spaces = {None: base.space}
        for adapter in (adapters[0], query_adapter, adapters[1], None, adapters[0]):
            await serve(shared, project, adapter)
            report = await using(shared, project, adapter)
            spaces[adapter and adapter_fingerprint(adapter)] = report.space
        over.set()
    assert {(fingerprint, space) for fingerprint, space, _ in seen} == set(spaces.items())
    assert {coverage for _, _, coverage in seen} == {1}
    assert_as_if_made_anew(project, report, provider.beside(adapters[0]))


def trained(created: str, *, gain: float) -> TrainingRecord:
    """What training leaves beside an adapter whose whole search gained so much."""
    interval = Interval(mean=gain, low=gain, high=gain)
    measured = {MAIN_METRIC: Comparison(before=interval, after=interval, gain=interval)}
    return TrainingRecord(
        name="shelved",
        side=AdapterSide.BOTH,
        base_model="",
        base_fingerprint="",
        space_id="",
        created=created,
        folder="",
        data=DataCounts(train=0, validation=0, test=0, leaked=0, sources={}, chunks=0),
        settings=TrainingConfig(),
        course=Course(
            steps=0,
            losses=[],
            scores=[],
            base_score=0,
            best_validation=0,
            stopped_early=False,
            strength=1,
            seconds=0,
        ),
        metrics=Metrics(dense=measured, search=measured),
        versions={},
    )


async def test_what_could_be_used_is_listed_with_its_fault(
    shared: Served, project: Path, code: dict[str, str], adapters: list[Path], place: Path
) -> None:
    shutil.copytree(adapters[0], place)
    broken = shutil.copytree(adapters[1], project / ".codecontext" / "adapters" / "broken")
    (broken / WEIGHTS).unlink()
    shelved = shutil.copytree(adapters[1], project / "shelf" / "shelved")
    write_record(shelved, trained("2026-05-04T10:00:00+00:00", gain=0.05))
    write_files(project, {".codecontext.toml": '[adapters]\nfolders = ["shelf"]\n'})
    await serve(shared, project, place)
    await using(shared, project, adapters[0])
    found = {item.path: item for item in await shared.client.adapters(str(project))}
    assert (found[str(place)].active, found[str(place)].problem) == (True, "")
    assert not found[str(broken)].active
    assert "weights" in found[str(broken)].problem
    assert (found[str(shelved)].active, found[str(shelved)].problem) == (False, "")
    assert (found[str(shelved)].created[:10], found[str(shelved)].search_gain) == ("2026-05-04", 0.05)
    assert (found[str(place)].created, found[str(place)].search_gain) == ("", None)


async def test_reloading_reads_the_files_again(
    shared: Served, project: Path, code: dict[str, str], adapters: list[Path], place: Path
) -> None:
    shutil.copytree(adapters[0], place)
    await serve(shared, project, place)
    await using(shared, project, adapters[0])
    for name in (CONFIG, WEIGHTS):
        shutil.copyfile(adapters[1] / name, place / name)
    await shared.client.reload_adapter(str(project))
    await using(shared, project, adapters[1])


async def test_a_start_with_a_half_covered_adapter_answers_with_what_is_covered(
    shared: Served, project: Path, code: dict[str, str], adapters: list[Path]
) -> None:
    await serve(shared, project, None)
    base = await using(shared, project, None)
    await shared.serve()
    shared.history.clear()
    await serve(shared, project, adapters[2])
    await using(shared, project, adapters[2])
    reports = [reports[str(project)] for _, reports in shared.history if reports]
    assert {report.space for report in reports if report.pending_adapter} == {base.space}
