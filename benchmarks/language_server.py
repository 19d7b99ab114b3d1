"""What people feel behind an editor: start, answers while the model works, saves, adapters, memory."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

from benchmarks.adapter import make_adapters
from benchmarks.common import MEGABYTE, Context, in_fresh_process, percentile
from benchmarks.corpus import copy_part
from benchmarks.editor import Editor, editor, folder_of, is_covered
from benchmarks.questions import QUESTIONS
from benchmarks.results import Figure, Result, at_most
from codecontext.core import content_digest
from codecontext.lsp.protocol import Method

INITIALIZE = at_most(1)
FIRST_WORDS = at_most(5)
PING = at_most(50)
QUERY = at_most(250)
SAVED = at_most(1)
SWAP = at_most(1)
LOADED = at_most(800)
UNLOADED = at_most(0)

_STARTS = 5
_SECONDS = 30.0
_PING_EVERY = 0.02
_ASK_EVERY = 0.2
_SAVES = 10
_PART_FILES = 60
_IDLE_MINUTES = 0.05


def run(context: Context) -> Result:
    """Measure one server process after the other."""
    return asyncio.run(_run(context))


async def _run(context: Context) -> Result:
    small = context.fresh_folder("small")
    copy_part(context.folder, small, _PART_FILES)
    environment = context.environment()
    seconds = 5.0 if context.quick else _SECONDS
    figures: list[Figure] = []
    details: dict[str, Any] = {}
    details["initialize"] = [await _initialize(small, environment) for _ in range(2 if context.quick else _STARTS)]
    figures.append(
        Figure("initialize answered, new process", statistics.median(details["initialize"]), "s", INITIALIZE)
    )
    figures += await _while_indexing(context, seconds, details)
    figures += await _at_rest(context, small, details)
    figures += await _swaps(context, small, details)
    return Result(
        title="Language server",
        figures=figures,
        notes=[
            f"{len(details['initialize'])} starts; {seconds:.0f} s of questions in each case, one in {_ASK_EVERY} s.",
            "Foreign load: a process on each core (or on one) that computes without end at normal priority.",
        ],
        details=details,
    )


async def _initialize(folder: Path, environment: dict[str, str]) -> float:
    session = Editor(folder, {"engine": {"auto_index": False}})
    seconds = await session.open(environment)
    await session.close()
    return seconds


async def _while_indexing(context: Context, seconds: float, details: dict[str, Any]) -> list[Figure]:
    """A home where nothing is embedded yet."""
    home = context.fresh_folder("young-home")
    environment = context.environment() | {"CODECONTEXT_HOME": str(home)}
    async with editor(context.folder, environment) as session:
        first = await _first_words(session)
        await session.until(lambda status: folder_of(status)["phase"] == "embedding")
        pings, alone = await _ask(session, seconds)
        with _foreign_load(1):
            _, one_core = await _ask(session, seconds)
        with _foreign_load(2):
            _, both_cores = await _ask(session, seconds)
        details["while indexing"] = {"pings": pings, "alone": alone, "one core": one_core, "both cores": both_cores}
        return [
            Figure("first words of the folder found, new process and empty index", first, "s", FIRST_WORDS),
            Figure("ping while indexing, p99", percentile(pings, 99), "ms", PING),
            Figure("query while indexing, p95", percentile(alone["queries"], 95), "ms", QUERY),
            Figure(
                "query while indexing, foreign load on all cores, p95",
                percentile(both_cores["queries"], 95),
                "ms",
                QUERY,
            ),
            Figure("indexing beside these questions", alone["rate"], "chunks/s"),
            Figure("the same with a foreign load on one core", _share(one_core, alone), "x"),
            Figure("the same with a foreign load on all cores", _share(both_cores, alone), "x"),
        ]


async def _first_words(session: Editor) -> float:
    """Seconds from the start of the process until a question finds something."""
    questions = cycle(QUESTIONS)
    while not (await session.search(next(questions)))["hits"]:
        await asyncio.sleep(0.05)
    return time.perf_counter() - session.started_at


async def _ask(session: Editor, seconds: float) -> tuple[list[float], dict[str, Any]]:
    """Pings and questions side by side; how many chunks were embedded in a second meanwhile."""
    before, started = folder_of(session.status)["done"], time.perf_counter()
    until = started + seconds
    questions = cycle(QUESTIONS)
    pings, queries = await asyncio.gather(
        _repeat(until, _PING_EVERY, lambda: session.request(Method.STATUS)),
        _repeat(until, _ASK_EVERY, lambda: session.search(next(questions))),
    )
    embedded = folder_of(session.status)["done"] - before
    return pings, {"queries": queries, "rate": embedded / (time.perf_counter() - started)}


def _share(busy: dict[str, Any], alone: dict[str, Any]) -> float:
    """How much of the rate is left; 0 where the code was too little to measure one."""
    return busy["rate"] / alone["rate"] if alone["rate"] else 0.0


async def _repeat(until: float, pause: float, ask: Callable[[], Awaitable[object]]) -> list[float]:
    """Milliseconds of each answer."""
    taken = []
    while time.perf_counter() < until:
        started = time.perf_counter()
        await ask()
        taken.append((time.perf_counter() - started) * 1000)
        await asyncio.sleep(pause)
    return taken


@contextmanager
def _foreign_load(processes: int) -> Iterator[None]:
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


async def _at_rest(context: Context, small: Path, details: dict[str, Any]) -> list[Figure]:
    """Saves and memory, with all of the code indexed."""
    code = small if context.quick else context.folder
    settings = {"engine": {"idle_minutes": _IDLE_MINUTES}}
    async with editor(code, context.environment()) as session:
        await session.until(is_covered)
        saves = [await _save(session, code / f"zz_saved_{number}.py", number) for number in range(_SAVES)]
        loaded = (await session.request(Method.STATUS))["engine"]["memoryBytes"]
        session.configure(settings)
        await session.until(lambda status: status["engine"]["state"] == "idle")
        unloaded = session.status["engine"]["memoryBytes"] or 0
        started = time.perf_counter()
        await session.search(QUESTIONS[0])
        awake = time.perf_counter() - started
    details["saves"] = saves
    return [
        Figure("saved file found, median", statistics.median(saves), "s", SAVED),
        Figure("saved file found, longest", max(saves), "s", SAVED),
        Figure("engine with its reader, all indexed", loaded / MEGABYTE, "MB", LOADED),
        Figure("engine, idle", unloaded / MEGABYTE, "MB", UNLOADED),
        Figure("first answer after idling", awake, "s"),
    ]


async def _save(session: Editor, file: Path, number: int) -> float:
    """Seconds from a save until a question finds the file."""
    word = f"quokka{content_digest(str(number))[:8]}"
    file.write_text(f'def {word}():\n    """Say what nobody said."""\n    return {number}\n', encoding="utf-8")
    change = {"uri": file.as_uri(), "type": 1}
    started = time.perf_counter()
    session.protocol.notify("workspace/didChangeWatchedFiles", {"changes": [change]})
    while file.name not in {Path(hit["path"]).name for hit in (await session.search(word))["hits"]}:
        await asyncio.sleep(0.01)
    seconds = time.perf_counter() - started
    file.unlink()
    session.protocol.notify("workspace/didChangeWatchedFiles", {"changes": [change | {"type": 3}]})
    return seconds


async def _swaps(context: Context, small: Path, details: dict[str, Any]) -> list[Figure]:
    """From the change of the setting until the status names the adapter, each the second time it is loaded."""
    places = context.fresh_folder("swapped")
    query_side, both_sides = in_fresh_process(context.environment(), make_adapters, places, 2)
    (query_side / "codecontext.json").write_text('{"side": "query"}', encoding="utf-8")
    taken: dict[str, list[float]] = {}
    async with editor(small, context.environment()) as session:
        await session.until(is_covered)
        for _round in range(2 if context.quick else 4):
            for name, path in (("query side", query_side), ("both sides", both_sides), ("base", None)):
                taken.setdefault(name, []).append(await _swap(session, path))
                await session.until(is_covered)
    details["swaps"] = taken
    return [
        Figure("swap to a query-side adapter", statistics.median(taken["query side"][1:]), "s", SWAP),
        Figure("swap to a known space", statistics.median(taken["both sides"][1:]), "s", SWAP),
        Figure("swap back to the base model", statistics.median(taken["base"][1:]), "s", SWAP),
        Figure("swap to a new space (small folder embedded)", taken["both sides"][0], "s"),
    ]


async def _swap(session: Editor, path: Path | None) -> float:
    wanted = str(path) if path else None
    started = time.perf_counter()
    session.configure({"embeddings": {"huggingface": {"lora_adapter_path": wanted}}})
    await session.until(lambda status: folder_of(status)["currentAdapterPath"] == wanted)
    return time.perf_counter() - started
