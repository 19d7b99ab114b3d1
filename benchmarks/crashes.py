"""What random kills cost: the engine's process is killed while it indexes, again and again.

    python -m benchmarks.crashes [--kills 100] [--seed N]

Files are written, changed and deleted all the time, so that there is always work. Each engine is killed with SIGKILL
at a random moment of one phase of it; the next one finds what is left. At the end the index is compared with one that
is made of the same files from nothing, row by row and vector by vector. Exit status 1 says that they differ.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codecontext.config import load_settings
from codecontext.core.paths import index_directory
from codecontext.engine.engine import Engine
from codecontext.engine.folder_state import FolderState
from codecontext.rpc.client import EngineClient
from codecontext.rpc.messages import FolderSetup
from codecontext.store.index_store import IndexStore
from codecontext.store.snapshot import take_snapshot

_MODULES = 40
_CHANGED_AT_ONCE = 12
_PHASES = ("starting", "scanning", "reading", "loading", "embedding")
_LONGEST_JITTER = 0.4
"""Seconds from the sight of a phase to the kill; a step of the work takes less."""
_PATIENCE = 120.0

Rows = list[tuple[Any, ...]]
Vectors = dict[str, NDArray[np.float32]]


class Crashes:
    """Kills engines that index one folder. Works in the CodeContext home of the environment."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._changed = asyncio.Event()
        self._names = [f"pkg/module_{number}.py" for number in range(_MODULES)]
        self.kills = 0
        self.during: Counter[str] = Counter()
        """In which phase the engines were."""
        self.differences: list[str] = []

    async def run(self, kills: int, on_kill: Callable[[int], None] = lambda _number: None) -> Crashes:
        """Kill so many engines, let one finish, and compare."""
        with tempfile.TemporaryDirectory(prefix="crashes-") as place:
            folder = Path(place)
            self._write(folder, self._names)
            for number in range(kills):
                await self._kill_one(folder)
                on_kill(number + 1)
            report = await self._finish(folder)
            self.differences = compare_with_fresh(folder, report.space)
        return self

    async def _kill_one(self, folder: Path) -> None:
        self._write(folder, self._random.sample(self._names, _CHANGED_AT_ONCE))
        phase = self._random.choice(_PHASES)
        client = EngineClient(self._changed.set)
        serving = asyncio.create_task(client.configure([FolderSetup(folder=str(folder), trusted=True)]))
        report = await self._until(client, folder, lambda report: _is_in(phase, report, client))
        await asyncio.sleep(self._random.uniform(0, _LONGEST_JITTER))
        report = client.states.get(str(folder), report)
        self.during[_name_of(report, client)] += 1
        if client.pid is not None:
            os.kill(client.pid, 9)
            self.kills += 1
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        await client.stop()

    async def _finish(self, folder: Path) -> FolderState:
        client = EngineClient(self._changed.set)
        await client.configure([FolderSetup(folder=str(folder), trusted=True)])
        report = await self._until(client, folder, _is_complete)
        await client.stop()
        return report

    async def _until(self, client: EngineClient, folder: Path, condition: Callable[[FolderState], bool]) -> FolderState:
        """The first report that fits, or that says that all is done."""
        async with asyncio.timeout(_PATIENCE):
            while True:
                report = client.states.get(str(folder)) or FolderState(folder=str(folder), queued=True)
                if condition(report) or _is_complete(report):
                    return report
                self._changed.clear()
                await self._changed.wait()

    def _write(self, folder: Path, names: list[str]) -> None:
        """Write these modules anew, or delete some of them."""
        for name in names:
            file = folder / name
            file.parent.mkdir(exist_ok=True)
            if file.exists() and self._random.random() < 0.1:
                file.unlink()
            else:
                file.write_text(self._module(), encoding="utf-8")

    def _module(self) -> str:
        number = self._random.randrange(10**9)
        return "\n\n".join(
            f'def task_{number}_{letter}(items):\n    """Do {letter} to {number}."""\n    return items[{number}:]'
            for letter in "abcdefgh"[: self._random.randint(1, 8)]
        )


def compare_with_fresh(folder: Path, space_id: str) -> list[str]:
    """How the index of ``folder`` differs from one that is made from nothing, in sentences; none if it does not."""
    found_rows, found_vectors = _content(folder, space_id)
    with _empty_home(), Engine(folder, load_settings(folder).settings) as engine:
        fresh_space = engine.index().space_id
        rows, vectors = _content(folder, fresh_space)
    differences = []
    if space_id != fresh_space:
        differences.append(f"The space is {space_id} instead of {fresh_space}.")
    if found_rows != rows:
        wrong = set(found_rows).symmetric_difference(rows)
        places = sorted({f"{row[0]}:{row[3]}" for row in wrong})[:5]
        differences.append(f"{len(found_rows)} rows instead of {len(rows)}; others at {places}.")
    if found_vectors.keys() != vectors.keys():
        differences.append(f"{len(found_vectors)} vectors instead of {len(vectors)}, or of other texts.")
    far = [key for key in found_vectors.keys() & vectors.keys() if not _is_close(found_vectors[key], vectors[key])]
    if far:
        differences.append(f"{len(far)} vectors are others.")
    return differences


def _content(folder: Path, space_id: str) -> tuple[Rows, Vectors]:
    """All that decides results: the chunks and the vectors by content, also those that no chunk has any more."""
    store = IndexStore(index_directory(folder))
    digests = {path: stamp.digest for path, stamp in store.stamps().items()}
    snapshot = take_snapshot(store, space_id)
    chunks = store.chunks(snapshot.keys(range(len(snapshot))))
    hashes = store.hashes(snapshot.slots().tolist())
    rows = [
        (*astuple(chunk), hashes[slot], digests[chunk.path])
        for slot, chunk in zip(snapshot.slots().tolist(), chunks.values(), strict=True)
    ]
    stored = store.vectors(space_id)
    if stored is None:
        return rows, {}
    slots = np.flatnonzero(stored.has(np.arange(len(stored))))
    vectors = zip(slots.tolist(), stored.vectors(slots), strict=True)
    return rows, {hashes.get(slot, f"slot {slot}, of no chunk"): vector for slot, vector in vectors}


def _is_close(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    # Sums come out a little different in batches of other shapes.
    return bool(np.dot(one, other) > 0.998)


@contextmanager
def _empty_home() -> Iterator[None]:
    """A home without indexes and vectors."""
    before = os.environ.get("CODECONTEXT_HOME")
    with tempfile.TemporaryDirectory(prefix="fresh-") as home:
        os.environ["CODECONTEXT_HOME"] = home
        try:
            yield
        finally:
            if before is None:
                del os.environ["CODECONTEXT_HOME"]
            else:
                os.environ["CODECONTEXT_HOME"] = before


def _is_complete(report: FolderState) -> bool:
    return report.ready and not report.queued and report.phase == "idle" and report.coverage == 1 and report.files > 0


def _is_in(phase: str, report: FolderState, client: EngineClient) -> bool:
    if phase == "starting":
        return client.pid is not None
    if phase == "loading":
        return report.files > 0 and not report.ready
    return report.phase == phase


def _name_of(report: FolderState, client: EngineClient) -> str:
    if client.state == "starting":
        return "starting"
    return str(report.phase) if report.phase != "idle" or not report.queued else "loading"


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100, help="how many engines are killed (100)")
    parser.add_argument("--seed", type=int, default=1, help="decides files, phases and moments (1)")
    options = parser.parse_args()
    started = time.perf_counter()

    def tell(number: int) -> None:
        print(f"\r{number} of {options.kills} killed", end="", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="crashes-home-") as home:
        os.environ["CODECONTEXT_HOME"] = home
        crashes = asyncio.run(_run(options.seed, options.kills, tell))
    print(file=sys.stderr)
    phases = ", ".join(f"{name} {count}" for name, count in crashes.during.most_common())
    print(f"{crashes.kills} kills in {time.perf_counter() - started:.0f} s: {phases}.")
    print("\n".join(crashes.differences) or "The index is like a fresh one.")
    sys.exit(bool(crashes.differences))


async def _run(seed: int, kills: int, tell: Callable[[int], None]) -> Crashes:
    return await Crashes(seed).run(kills, tell)


if __name__ == "__main__":
    main()
