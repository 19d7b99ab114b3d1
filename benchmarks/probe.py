"""Measures one thing in the process that it is started in, of whatever checkout is first on PYTHONPATH.

    python -P benchmarks/probe.py NAME ARGUMENTS-AS-JSON

The last line of the output is the answer, as JSON: numbers in seconds, milliseconds or bytes, as their names say.
``benchmarks.budgets`` starts it, for this checkout and for an older one, so that both are measured by the same code. It
therefore uses only what both have: ``Engine``, ``Indexer``, the provider, the command line, and of the checkout's own
benchmarks what builds indexes and adapters and plays the editor.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from itertools import cycle
from pathlib import Path
from typing import Any

if "--one-core" in sys.argv and hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # before a library counts the cores

import psutil

from benchmarks.questions import QUESTIONS
from codecontext.chunking import CHUNK_FORMAT
from codecontext.config import Settings, load_settings
from codecontext.core.paths import index_directory
from codecontext.embeddings.huggingface import HuggingFaceEmbeddingProvider
from codecontext.engine.engine import Engine

Answer = dict[str, float]

_LINUX_STATUS = Path("/proc/self/status")
_SAMPLE_SECONDS = 0.5
_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024


class Used:
    """What a ``with`` block took: seconds by the clock, and of CPU with all threads and children that have ended."""

    def __enter__(self) -> Used:
        self._started, self._cpu = time.perf_counter(), cpu_seconds()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall_s = time.perf_counter() - self._started
        self.cpu_s = cpu_seconds() - self._cpu


def cpu_seconds() -> float:
    """CPU seconds of this process and of its children that have ended, user and system."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def memory() -> Answer:
    """Bytes of this process: without pages that files are mapped to, all that is resident, and the most ever.

    Only Linux tells them apart; elsewhere all three are the most that was ever resident.
    """
    if not _LINUX_STATUS.is_file():
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _PEAK_UNIT
        return {"anonymous_bytes": peak, "resident_bytes": peak, "peak_bytes": peak}
    lines = _LINUX_STATUS.read_text(encoding="ascii").splitlines()
    facts = {
        name: int(value.split()[0]) * 1024 for name, value in (line.split(":", 1) for line in lines if " kB" in line)
    }
    return {"anonymous_bytes": facts["RssAnon"], "resident_bytes": facts["VmRSS"], "peak_bytes": facts["VmHWM"]}


@contextmanager
def sampled_memory() -> Iterator[list[int]]:
    """Most bytes that this process and all its children had at once beside mapped pages, as the only item of a list."""
    peak, is_over = [0], threading.Event()

    def sample() -> None:
        while not is_over.wait(_SAMPLE_SECONDS):
            peak[0] = max(peak[0], _anonymous_bytes_of_all())

    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    try:
        yield peak
    finally:
        is_over.set()
        sampler.join()


def _anonymous_bytes_of_all() -> int:
    process, held = psutil.Process(), 0
    for one in (process, *process.children(recursive=True)):
        with suppress(psutil.Error):
            used = one.memory_info()
            held += used.rss - getattr(used, "shared", 0)
    return held


def build(source: str, folder: str, chunks: int) -> Answer:
    """Write a synthetic index of ``chunks`` chunks for ``folder`` from the project in ``source``."""
    from benchmarks.synthetic import build_index

    Path(folder).mkdir(parents=True, exist_ok=True)
    with Used() as used, Engine(source, _settings(source)) as engine:
        built = build_index(engine, Path(folder), chunks)
    return {
        "chunks": built.chunks,
        "real": built.real,
        "disk_bytes": _disk_bytes(built.index),
        "cpu_s": used.cpu_s,
        "wall_s": used.wall_s,
    }


def question(folder: str, rounds: int) -> Answer:
    """Warm questions, each embedded anew and read from disk; memory after the first round of them."""
    with _engine(folder) as (engine, _):
        for text in QUESTIONS:
            state = engine.search(text).state
            if state.coverage < 1 or state.degraded:
                raise RuntimeError(f"The index of {folder} is incomplete: {state}")
        held = memory()
        walls, started = [], time.process_time()
        for _round in range(rounds):
            for text in QUESTIONS:
                with Used() as used:
                    engine.search(text)
                walls.append(used.wall_s * 1000)
        cpu_s = time.process_time() - started
    p95 = statistics.quantiles(walls, n=20, method="inclusive")[-1]
    return {"cpu_ms": cpu_s * 1000 / len(walls), "wall_p50_ms": statistics.median(walls), "wall_p95_ms": p95, **held}


def save(folder: str, rounds: int) -> Answer:
    """From a saved file until a search would see it, without the search; the first one is not counted."""
    with _engine(folder) as (engine, provider):
        engine.search(QUESTIONS[0])
        cpu, wall = [], []
        for number, path in enumerate(_python_files(Path(folder), rounds + 1)):
            word = f"quokka{number}x{os.getpid()}"
            with (Path(folder) / path).open("a", encoding="utf-8") as file:
                file.write(f'\n\ndef {word}():\n    """Say what nobody said."""\n    return {number}\n')
            with Used() as used:
                engine.indexer(provider).update([path])  # one for each job, as the service has it
                engine.refresh()
            cpu.append(used.cpu_s)
            wall.append(used.wall_s)
            if path not in {hit.path for hit in engine.search(word).hits}:
                raise RuntimeError(f"{path} was saved and indexed, but a search for {word} does not find it.")
        held = memory()
    return {"cpu_s": statistics.median(cpu[1:]), "wall_s": statistics.median(wall[1:]), **held}


def words(folder: str) -> Answer:
    """Keyword search over the whole of ``folder``, complete, with readers as ``codecontext index`` has them."""
    provider = _provider(folder)  # needs no model
    with (
        Engine(folder, _settings(folder), provider=provider) as engine,
        Used() as used,
        sampled_memory() as peak,
        closing(_reader()) as reader,
    ):
        report = engine.indexer(provider, reader=reader).update_text()
    return {
        "cpu_s": used.cpu_s,
        "wall_s": used.wall_s,
        "first_s": report.first_seconds or 0,
        "files": report.files,
        "chunks": report.chunks,
        "written": report.files_written,
        "disk_bytes": _disk_bytes(index_directory(Path(folder))),
        "all_peak_bytes": peak[0],
        **memory(),
    }


def command(arguments: list[str], runs: int) -> Answer:
    """``codecontext`` with these arguments in new processes: medians."""
    cpu, wall = [], []
    for _ in range(runs):
        with Used() as used:
            process = subprocess.run(
                [sys.executable, "-P", "-m", "codecontext.cli", *arguments, "--json"],
                capture_output=True,
                text=True,
                check=False,
            )
        if process.returncode:
            raise RuntimeError(f"codecontext {' '.join(arguments)} failed:\n{process.stderr}")
        cpu.append(used.cpu_s)
        wall.append(used.wall_s)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * _PEAK_UNIT
    return {"cpu_s": statistics.median(cpu), "wall_s": statistics.median(wall), "peak_bytes": peak}


def first_question(folder: str) -> Answer:
    """From the start of a language server until a question finds something, in an index that is empty."""
    with Used() as used:
        seconds = asyncio.run(_first_question(Path(folder)))
    return {"wall_s": seconds, "cpu_s": used.cpu_s}


async def _first_question(folder: Path) -> float:
    from benchmarks.editor import editor

    async with editor(folder, dict(os.environ)) as session:
        for text in cycle(QUESTIONS):
            if (await session.search(text))["hits"]:
                break
            await asyncio.sleep(0.05)
        return time.perf_counter() - session.started_at


def first_load(folder: str) -> Answer:
    """The bundled model loaded in a home that has never seen it, imports included; and how much memory that added."""
    before = memory()["anonymous_bytes"]
    with Used() as used:
        provider = _provider(folder)
        provider.initialize()
        provider.embed_text(QUESTIONS[0], _query())
    answer = {"cpu_s": used.cpu_s, "wall_s": used.wall_s, "added_bytes": memory()["anonymous_bytes"] - before}
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * _PEAK_UNIT
    provider.close()
    return answer | {"largest_child_bytes": children}


def adapters(folder: str) -> Answer:
    """Make two adapters below ``folder``."""
    from benchmarks.adapter import make_adapters

    make_adapters(Path(folder), 2)
    return {}


def adapter_load(folder: str, adapter: str) -> Answer:
    """An adapter that this machine has never seen, loaded beside the base model."""
    with _provider(folder) as provider:
        provider.embed_text(QUESTIONS[0], _query())
        before = memory()["anonymous_bytes"]
        with Used() as used:
            provider.reload_adapter(adapter)
            provider.embed_text(QUESTIONS[0], _query())
        return {"cpu_s": used.cpu_s, "wall_s": used.wall_s, "added_bytes": memory()["anonymous_bytes"] - before}


@contextmanager
def _engine(folder: str) -> Iterator[tuple[Engine, HuggingFaceEmbeddingProvider]]:
    with _provider(folder) as provider, Engine(folder, _settings(folder), provider=provider) as engine:
        yield engine, provider


def _provider(folder: str) -> HuggingFaceEmbeddingProvider:
    return HuggingFaceEmbeddingProvider(_settings(folder).embeddings.huggingface, chunk_format=CHUNK_FORMAT)


def _reader() -> Any:
    try:
        from codecontext.indexing.reader_pool import ReaderPool
    except ImportError:  # one process read everything then
        from codecontext.indexing.reader_process import ReaderProcess

        return ReaderProcess()
    return ReaderPool()


def _settings(folder: str) -> Settings:
    return load_settings(Path(folder)).settings


def _query() -> Any:
    from codecontext.embeddings.base import InstructionType

    return InstructionType.NL2CODE_QUERY


def _python_files(folder: Path, count: int) -> list[str]:
    """``count`` Python files of ordinary size, spread over the folder, none of them a copy."""
    found = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.py")
        if "copies" not in path.relative_to(folder).parts and 200 < path.stat().st_size < 30_000
    )
    if len(found) < count:
        raise RuntimeError(f"'{folder}' has fewer than {count} Python files of ordinary size.")
    return found[:: len(found) // count][:count]


def _disk_bytes(folder: Path) -> int:
    """What the files below ``folder`` take on disk."""
    return sum(file.stat().st_blocks * 512 for file in folder.rglob("*") if file.is_file())


PROBES: dict[str, Callable[..., Answer]] = {
    function.__name__: function
    for function in (build, question, save, words, command, first_question, first_load, adapters, adapter_load)
}


if __name__ == "__main__":
    print(json.dumps(PROBES[sys.argv[1]](**json.loads(sys.argv[2]))))
