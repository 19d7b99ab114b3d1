"""What the speed benchmarks share: their circumstances, processes of their own, memory and percentiles."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

MEGABYTE = 1_000_000
# Linux counts the memory of a process in KiB, macOS in bytes.
_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True)
class Context:
    """The code to index, a folder to work in, what runs the model, and whether small sizes will do.

    For the budgets also the ``sizes`` of indexes in chunks (the usual ones where there are none), an earlier version's
    checkout (``before``), a large ``tree`` of code, and the file to ``plot`` growth into.
    """

    folder: Path
    work: Path
    backends: tuple[str, ...]
    quick: bool = False
    sizes: tuple[int, ...] = ()
    before: Path | None = None
    tree: Path | None = None
    plot: Path | None = None

    @property
    def home(self) -> Path:
        """The ``CODECONTEXT_HOME`` of all benchmarks, so that the code is embedded once for all of them."""
        return self.work / "home"

    def environment(self, threads: int | None = None) -> dict[str, str]:
        """Variables for a process that is measured; ``threads`` bounds what every library may use."""
        variables = {
            "CODECONTEXT_HOME": str(self.home),
            "CODECONTEXT_EMBEDDINGS__HUGGINGFACE__BACKEND": (self.backends[0] if len(self.backends) == 1 else "auto"),
            "HF_HUB_OFFLINE": "1",
            "TOKENIZERS_PARALLELISM": "true",  # what users get, whatever the calling shell says
        }
        if threads is not None:
            variables |= dict.fromkeys(
                ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"),
                str(threads),
            )
        return variables

    def fresh_folder(self, name: str) -> Path:
        """An empty folder below the work folder."""
        return empty_folder(self.work / name)


@dataclass(frozen=True, slots=True)
class CommandRun:
    """One run of ``codecontext``: seconds by the clock and of CPU, peak memory in bytes, what it printed."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    output: Any


def in_fresh_process(
    environment: dict[str, str],
    function: Callable[Arguments, Answer],
    /,
    *arguments: Arguments.args,
    **named: Arguments.kwargs,
) -> Answer:
    """Call ``function`` in a new interpreter, so that no benchmark sees what another loaded or cached."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn, _set_environment, (environment,)) as pool:
        return pool.submit(function, *arguments, **named).result()


def run_codecontext(context: Context, *arguments: str | Path) -> CommandRun:
    """Run ``codecontext`` with ``--json`` as people start it. It must succeed."""
    return in_fresh_process(context.environment(), _run_codecontext, [*map(str, arguments), "--json"])


def peak_memory() -> int:
    """Most resident memory that this process ever had, in bytes.

    Linux counts what the parent had when it started the process, too, so parents must be small.
    """
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _PEAK_UNIT


def empty_folder(folder: Path) -> Path:
    """Make ``folder``, without whatever was there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def disk_bytes(folder: Path) -> int:
    """Size of all files below ``folder``."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that ``percent`` % of ``values`` do not exceed, between neighbours by interpolation."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def milliseconds(
    action: Callable[Arguments, object], /, *arguments: Arguments.args, **named: Arguments.kwargs
) -> float:
    """How long a call of ``action`` takes."""
    started = time.perf_counter()
    action(*arguments, **named)
    return (time.perf_counter() - started) * 1000


def _set_environment(variables: dict[str, str]) -> None:
    os.environ.update(variables)


def _run_codecontext(arguments: list[str]) -> CommandRun:
    """Runs in a process with no other children, so that what its children used is what this one used."""
    started = time.perf_counter()
    process = subprocess.run(
        [sys.executable, "-m", "codecontext.cli", *arguments], capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - started
    if process.returncode:
        raise RuntimeError(f"codecontext {' '.join(arguments)} failed:\n{process.stderr}")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return CommandRun(
        seconds=seconds,
        cpu_seconds=used.ru_utime + used.ru_stime,
        peak_bytes=used.ru_maxrss * _PEAK_UNIT,
        output=json.loads(process.stdout),
    )
