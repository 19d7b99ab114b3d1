"""Adapters come, change and go while the server runs: what answers is always one of them, whole, and says which."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from codecontext.adapters import inspect_adapter
from codecontext.adapters.files import CONFIG_FILE, WEIGHTS_FILE
from codecontext.lsp.protocol import Method
from lsp.client import Editor, Json, is_settled, opened, write

pytestmark = pytest.mark.asyncio(loop_scope="module")

FILES = {
    f"module_{n}.py": f'def step_{n}(value):\n    """Turns {word} into money."""\n    return value * {n}\n'
    for n, word in enumerate(["time", "gold", "wheat", "labour", "trust", "sand", "noise", "light"])
}


class Swaps:
    """A server whose adapter is changed, and all that it said meanwhile."""

    def __init__(self, editor: Editor) -> None:
        self.editor = editor

    @property
    def folder(self) -> Json:
        """The folder's last status."""
        folder: Json = self.editor.statuses[-1]["folders"][0]
        return folder

    async def use(self, path: Path | None) -> int:
        """Let the settings name an adapter; the number of the last status before."""
        seen = len(self.editor.statuses)
        said = {"embeddings": {"huggingface": {"loraAdapterPath": str(path)}}} if path else {"search": {"limit": 10}}
        self.editor.configure(said)
        return seen

    async def serving(self, wanted: Path | str | None, *, after: int) -> Json:
        """Wait until an adapter, or with None the base model, answers for everything and nothing is wrong.

        Where that was so before, no new status comes.
        """
        fingerprint = fingerprint_of(wanted) if isinstance(wanted, Path) else wanted
        status = await self.editor.status_that(
            lambda status: (
                is_settled(status)
                and status["health"] == "ok"
                and answering(status["folders"][0]) == fingerprint
                and status["folders"][0]["pendingAdapter"] is None
            ),
            after=max(0, after - 1),
        )
        (state,) = (await self.editor.search("turn gold into money"))["states"]
        folder = status["folders"][0]
        assert (state["fingerprint"], state["space"]) == (fingerprint, folder["space"])
        assert (state["adapter"], state["degraded"]) == (folder["currentAdapterPath"], None)
        return status

    def only(self, fingerprints: set[str | None], *, after: int) -> None:
        """Nothing but these ever answered."""
        said = {answering(status["folders"][0]) for status in self.editor.statuses[after:]}
        assert said <= fingerprints


def answering(folder: Json) -> str | None:
    """Fingerprint of the adapter that answers; None for the base model."""
    adapter = folder["adapter"]
    return adapter["fingerprint"] if adapter else None


def fingerprint_of(path: Path) -> str:
    return inspect_adapter(path).fingerprint


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Editor]:
    async with opened(write(tmp_path_factory.mktemp("swap") / "project", FILES)) as editor:
        await editor.settled()
        yield editor


@pytest_asyncio.fixture(loop_scope="module")
async def swaps(server: Editor) -> AsyncIterator[Swaps]:
    """A server that goes by the base model before and after each test."""
    swaps = Swaps(server)
    yield swaps
    await swaps.serving(None, after=await swaps.use(None))


@pytest.fixture(scope="module")
def first(make_adapter: Callable[..., Path]) -> Path:
    return make_adapter(seed=1, alpha=16)


@pytest.fixture(scope="module")
def second(make_adapter: Callable[..., Path]) -> Path:
    return make_adapter(seed=2, alpha=24)


@pytest.fixture
def place(first: Path, tmp_path: Path) -> Path:
    """A place of one's own with a copy of the first adapter."""
    return Path(shutil.copytree(first, tmp_path / "team"))


def replace(source: Path, target: Path, name: str) -> None:
    """Put one file in the place of another, in one step."""
    shutil.copyfile(source / name, target / f"{name}.new")
    (target / f"{name}.new").replace(target / name)


async def test_an_adapter_is_loaded_and_let_go(swaps: Swaps, first: Path) -> None:
    base = swaps.folder["space"]
    status = await swaps.serving(first, after=await swaps.use(first))
    folder = status["folders"][0]
    assert folder["space"] != base
    assert folder["currentAdapterPath"] == folder["wantedAdapterPath"] == str(first)
    assert (folder["adapter"]["rank"], folder["adapter"]["alpha"]) == (8, 16)
    again = await swaps.serving(None, after=await swaps.use(None))
    assert again["folders"][0]["space"] == base


async def test_the_base_answers_until_everything_is_embedded(swaps: Swaps, make_adapter: Callable[..., Path]) -> None:
    new = make_adapter(seed=77)
    seen = await swaps.use(new)
    await swaps.serving(new, after=seen)
    swaps.only({None, fingerprint_of(new)}, after=seen)
    for status in swaps.editor.statuses[seen:]:
        assert status["folders"][0]["coverage"] == 1, "What answered lacked vectors for a while."


async def test_the_way_back_embeds_nothing(swaps: Swaps, first: Path) -> None:
    await swaps.serving(first, after=await swaps.use(first))
    await swaps.serving(None, after=await swaps.use(None))
    seen = await swaps.use(first)
    await swaps.serving(first, after=seen)
    for status in swaps.editor.statuses[seen:]:
        assert status["folders"][0]["pendingAdapter"] is None
        assert status["folders"][0]["coverage"] == 1


@pytest.mark.parametrize(
    "order", [(CONFIG_FILE, WEIGHTS_FILE), (WEIGHTS_FILE, CONFIG_FILE)], ids=lambda order: order[0]
)
async def test_files_replaced_in_place(
    swaps: Swaps, place: Path, first: Path, second: Path, order: tuple[str, str]
) -> None:
    await swaps.serving(fingerprint_of(first), after=await swaps.use(place))
    seen = len(swaps.editor.statuses)
    for name in order:
        shutil.copyfile(second / name, place / name)
    await swaps.serving(fingerprint_of(second), after=seen)
    swaps.only({fingerprint_of(first), fingerprint_of(second)}, after=seen)


async def test_files_replaced_slowly(swaps: Swaps, place: Path, first: Path, second: Path) -> None:
    await swaps.serving(fingerprint_of(first), after=await swaps.use(place))
    seen = len(swaps.editor.statuses)
    shutil.copyfile(second / CONFIG_FILE, place / CONFIG_FILE)
    await asyncio.sleep(2)  # the one who writes is slow
    shutil.copyfile(second / WEIGHTS_FILE, place / WEIGHTS_FILE)
    await swaps.serving(fingerprint_of(second), after=seen)
    swaps.only({fingerprint_of(first), fingerprint_of(second)}, after=seen)


async def test_the_folder_renamed_in_one_step(swaps: Swaps, place: Path, second: Path) -> None:
    await swaps.serving(fingerprint_of(place), after=await swaps.use(place))
    old = fingerprint_of(place)
    seen = len(swaps.editor.statuses)
    new = Path(shutil.copytree(second, place.with_name("new")))
    place.rename(place.with_name("old"))
    new.rename(place)
    await swaps.serving(fingerprint_of(second), after=seen)
    swaps.only({old, fingerprint_of(second)}, after=seen)


async def test_a_link_pointed_elsewhere(swaps: Swaps, tmp_path: Path, first: Path, second: Path) -> None:
    link = tmp_path / "current"
    link.symlink_to(first)
    await swaps.serving(fingerprint_of(first), after=await swaps.use(link))
    seen = len(swaps.editor.statuses)
    (tmp_path / "next").symlink_to(second)
    (tmp_path / "next").replace(link)
    status = await swaps.serving(fingerprint_of(second), after=seen)
    assert status["folders"][0]["wantedAdapterPath"] == str(link)
    swaps.only({fingerprint_of(first), fingerprint_of(second)}, after=seen)


async def test_a_folder_deleted_and_brought_back(swaps: Swaps, place: Path) -> None:
    fingerprint = fingerprint_of(place)
    await swaps.serving(fingerprint, after=await swaps.use(place))
    seen = len(swaps.editor.statuses)
    place.rename(place.with_name("away"))
    gone = await swaps.editor.status_that(lambda status: status["health"] == "warning", after=seen)
    assert str(place) in gone["message"]
    assert answering(gone["folders"][0]) == fingerprint
    (state,) = (await swaps.editor.search("gold"))["states"]
    assert state["fingerprint"] == fingerprint
    assert str(place) in state["degraded"]
    seen = len(swaps.editor.statuses)
    place.with_name("away").rename(place)
    await swaps.serving(fingerprint, after=seen)


@pytest.mark.parametrize("fault", ["missing", "a file", "no adapter", "damaged"])
async def test_a_setting_that_names_none_and_back(swaps: Swaps, tmp_path: Path, first: Path, fault: str) -> None:
    bad = tmp_path / "bad"
    if fault == "a file":
        bad.write_text("not a folder", encoding="utf-8")
    elif fault == "no adapter":
        bad.mkdir()
    elif fault == "damaged":
        shutil.copytree(first, bad)
        (bad / WEIGHTS_FILE).write_bytes((bad / WEIGHTS_FILE).read_bytes()[:1000])
    await swaps.serving(first, after=await swaps.use(first))
    seen = await swaps.use(bad)
    status = await swaps.editor.status_that(
        lambda status: status["health"] == "warning" and status["quiescent"], after=seen
    )
    folder = status["folders"][0]
    assert str(bad) in status["message"]
    assert (folder["currentAdapterPath"], folder["wantedAdapterPath"]) == (str(first), str(bad))
    (state,) = (await swaps.editor.search("gold"))["states"]
    assert state["fingerprint"] == fingerprint_of(first)
    assert str(bad) in state["degraded"]
    await swaps.serving(first, after=await swaps.use(first))
    swaps.only({fingerprint_of(first)}, after=seen)


async def test_the_same_name_with_other_weights(swaps: Swaps, place: Path, tmp_path: Path, second: Path) -> None:
    other = Path(shutil.copytree(second, tmp_path / "elsewhere" / place.name))
    before = await swaps.serving(place, after=await swaps.use(place))
    after = await swaps.serving(other, after=await swaps.use(other))
    assert before["folders"][0]["adapter"]["name"] == after["folders"][0]["adapter"]["name"]
    assert before["folders"][0]["space"] != after["folders"][0]["space"]


async def test_two_swaps_in_a_row_while_indexing(swaps: Swaps, first: Path, second: Path) -> None:
    seen = len(swaps.editor.statuses)
    await swaps.editor.ask(Method.REINDEX, {"force": True})
    await swaps.use(first)
    await swaps.use(second)
    await swaps.serving(second, after=seen)
    swaps.only({None, fingerprint_of(first), fingerprint_of(second)}, after=seen)


async def test_reload_adapter_looks_at_the_files_again(swaps: Swaps, first: Path) -> None:
    await swaps.serving(first, after=await swaps.use(first))
    seen = len(swaps.editor.statuses)
    assert (await swaps.editor.ask(Method.RELOAD_ADAPTER))["message"]
    await swaps.editor.command("reloadAdapter")
    await swaps.serving(first, after=seen)
    swaps.only({fingerprint_of(first)}, after=seen)


async def test_every_answer_of_a_storm_belongs_to_one_space(swaps: Swaps, first: Path, second: Path) -> None:
    """Each answer names a space, and its scores are exactly those of that space."""
    query = "turn gold into money"
    scores: dict[str, dict[str, float]] = {}
    for adapter in (first, second):
        await swaps.serving(adapter, after=await swaps.use(adapter))
        answer = await swaps.editor.search(query, limit=50)
        scores[answer["states"][0]["fingerprint"]] = semantic_scores(answer)
    assert scores[fingerprint_of(first)] != pytest.approx(scores[fingerprint_of(second)], abs=1e-3)

    answers: list[Json] = []
    swapped = asyncio.Event()

    async def ask() -> None:
        while not swapped.is_set():
            answers.append(await swaps.editor.search(query, limit=50))

    async with asyncio.TaskGroup() as storm:
        askers = [storm.create_task(ask()) for _ in range(4)]
        for adapter in (first, second, first):
            await swaps.serving(adapter, after=await swaps.use(adapter))
        swapped.set()
        await asyncio.gather(*askers)
    said = {answer["states"][0]["fingerprint"] for answer in answers}
    assert said == scores.keys()
    spaces = {(answer["states"][0]["fingerprint"], answer["states"][0]["space"]) for answer in answers}
    assert len(spaces) == 2
    for answer in answers:
        assert semantic_scores(answer) == pytest.approx(scores[answer["states"][0]["fingerprint"]], abs=1e-3)


def semantic_scores(answer: Json) -> dict[str, float]:
    """Cosine of each hit by its path."""
    return {hit["path"]: hit["evidence"]["semanticScore"] for hit in answer["hits"]}
