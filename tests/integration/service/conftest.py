"""The real engine process behind ``EngineClient``, and what tests wait for.

Tests of a module share a home, and may share a process: each serves a folder of its own in it.
"""

from __future__ import annotations

import asyncio
import sys
import textwrap
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np
import psutil
import pytest
import pytest_asyncio

from codecontext.config import load_settings
from codecontext.core.paths import index_directory
from codecontext.embeddings import EmbeddingProvider
from codecontext.engine.engine import Engine
from codecontext.engine.folder_state import FolderState
from codecontext.rpc.client import COMMAND, EngineClient
from codecontext.rpc.messages import EngineState, FolderSetup, Search
from codecontext.search.results import SearchResponse, SearchState
from codecontext.store.index_store import IndexStore
from indexes import chunks_of, vectors_of

Found = TypeVar("Found")
Files = Mapping[str, str]
SECONDS = 120.0
"""Much more than anything takes; the machine may be busy with other things."""


class Served:
    """An engine process that serves folders; whatever it reports wakes those who wait."""

    def __init__(self, command: tuple[str, ...] = COMMAND) -> None:
        self._news = asyncio.Event()
        self.history: list[tuple[EngineState, dict[str, FolderState]]] = []
        self.client = EngineClient(self._note, command=command)

    def _note(self) -> None:
        self.history.append((self.client.state, dict(self.client.states)))
        self._news.set()

    async def until(self, condition: Callable[[], Found], what: str = "") -> Found:
        """The first true value of ``condition``, looked at whenever something was reported."""
        try:
            async with asyncio.timeout(SECONDS):
                while not (found := condition()):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(
                f"{what or 'it'} did not come: {self.client.state} {self.client.message} {dict(self.client.states)}"
            ) from None
        return found

    async def serve(self, *folders: Path, **setup: Any) -> None:
        """Serve exactly these folders."""
        setup = {"trusted": True} | setup
        await self.client.configure([FolderSetup(folder=str(folder), **setup) for folder in folders])

    def report(self, folder: Path) -> FolderState:
        """The last report of a folder; an empty one before the first."""
        return self.client.states.get(str(folder)) or FolderState(folder=str(folder), queued=True)

    async def settled(self, folder: Path) -> FolderState:
        """The report when nothing is to be done any more."""
        return await self.until(lambda: self.report(folder) if self.is_settled(folder) else None, "rest")

    async def indexed(self, folder: Path) -> FolderState:
        """The report when every chunk has its vector in the space that answers."""
        return await self.until(
            lambda: self.report(folder) if self.is_settled(folder) and self.report(folder).coverage == 1 else None,
            "a complete index",
        )

    def is_settled(self, folder: Path) -> bool:
        report = self.report(folder)
        return report.ready and not report.queued and report.phase == "idle" and report.pending_adapter is None

    async def ask(self, query: str, **more: Any) -> SearchResponse:
        return await self.client.search(Search(query=query, **more))

    async def paths(self, query: str, **more: Any) -> list[str]:
        """Paths of the hits, best first."""
        return [item.path for item in (await self.ask(query, **more)).hits]

    async def until_found(self, query: str, path: str) -> None:
        """Ask until the best hit is in ``path``; each report is a reason to ask again."""
        async with asyncio.timeout(SECONDS):
            while (await self.paths(query))[:1] != [path]:
                self._news.clear()
                await self._news.wait()


def state_of(response: SearchResponse, folder: str) -> SearchState:
    """What the results of one folder rest on."""
    (state,) = [state for state in response.states if state.folder == folder]
    return state


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="module")
def engine_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of all engines of a module."""
    return tmp_path_factory.mktemp("engine") / "codecontext"


@pytest.fixture(autouse=True)
def _own_home(_shared_home: None, engine_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of a home for each test: the one of the module."""
    monkeypatch.setenv("CODECONTEXT_HOME", str(engine_home))


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shared() -> AsyncIterator[Served]:
    """One process for the tests of a module."""
    served = Served()
    yield served
    await served.client.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def start() -> AsyncIterator[Callable[..., Served]]:
    """Make engines that end with the test."""
    started: list[Served] = []

    def make(*command: str) -> Served:
        started.append(Served(command or COMMAND))
        return started[-1]

    yield make
    for served in started:
        await served.client.stop()


@pytest.fixture(autouse=True)
def _nothing_is_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """No process outlives a test, but for the one that a module shares."""
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    yield
    if "shared" not in request.fixturenames:
        left = [each for each in psutil.Process().children(recursive=True) if each.pid not in before]
        _, alive = psutil.wait_procs(left, timeout=10)
        assert not [each for each in alive if "resource_tracker" not in " ".join(each.cmdline())]


def command_that(prelude: str) -> tuple[str, ...]:
    """The engine's process, after some lines of Python."""
    script = f"{textwrap.dedent(prelude)}\nfrom codecontext.service.process import main\nmain()\n"
    return (sys.executable, "-P", "-c", script)


def codebase(modules: int, functions: int = 5, *, about: str = "task") -> dict[str, str]:
    """Python modules of several functions, each with words of its own."""
    return {
        f"pkg/{about}_{number}.py": "\n\n".join(
            f'def {about}_{number}_{letter}(items):\n    """Handle {about} {letter} of part {number}."""\n'
            f"    return [item.{about}_{letter}({number}) for item in items]"
            for letter in "abcdefghij"[:functions]
        )
        for number in range(modules)
    }


def write_files(folder: Path, files: Files) -> None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


def assert_as_if_made_anew(folder: Path, report: FolderState, provider: EmbeddingProvider) -> None:
    """The index of ``folder`` holds what indexing the same files from nothing gives: rows and vectors."""
    found = _content(folder, report.space)
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as home:
        patch.setenv("CODECONTEXT_HOME", home)
        with Engine(folder, load_settings(folder).settings, provider=provider) as engine:
            assert engine.index().coverage == 1
            expected = _content(folder, report.space)
    assert found[0] == expected[0]
    assert found[1] == expected[1]
    np.testing.assert_allclose((found[2] * expected[2]).sum(axis=1), 1, atol=2e-3)


def _content(folder: Path, space: str) -> tuple[list[tuple[Any, ...]], list[str], Any]:
    """Everything that decides answers: chunks, content hashes, their vectors."""
    store = IndexStore(index_directory(folder))
    vectors = vectors_of(store, space)
    hashes = sorted(vectors)
    return chunks_of(store), hashes, np.stack([vectors[value] for value in hashes])
