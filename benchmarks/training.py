"""Gain and cost of training an adapter, on repositories in three languages that no hyperparameter was tuned on.

    python -m benchmarks.training [--only networkx] [--work DIR] [--json FILE]

Each repository is fetched by the package client of its language, indexed, and given an adapter with the defaults of
``codecontext adapter train``. Figures are for held-out pairs, from files used neither for training nor for validation.
Leaving out comments by default was decided after seeing gRPC; nothing was decided after etcd.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.machine import describe_machine
from codecontext.adapters import AdapterSide
from codecontext.config import load_settings
from codecontext.core.progress import CancelToken, Progress
from codecontext.engine.engine import Engine
from codecontext.training.config import LEARNING_RATES, TrainingConfig
from codecontext.training.data.workbench import Workbench
from codecontext.training.evaluation.results import MAIN_METRIC, Comparison
from codecontext.training.release.artifact import TrainingReport
from codecontext.training.release.report.html import write_training_report
from codecontext.training.trainer import Trainer


@dataclass(frozen=True, slots=True)
class Source:
    """A repository: how it is fetched into a folder, and where in there its code is."""

    name: str
    language: str
    fetch: Callable[[Path], None]
    code: str


def main() -> None:
    """Run from the command line."""
    options = _arguments()
    options.work.mkdir(parents=True, exist_ok=True)
    os.environ["CODECONTEXT_HOME"] = str(options.work / "home")
    os.environ["HF_HUB_OFFLINE"] = "1"
    results: list[dict[str, Any]] = []
    for source in SOURCES:
        if not options.only or source.name in options.only:
            results.append(_measure(source, options))
            _print_table(results)
    if options.json:
        record = {"machine": describe_machine().model_dump(), "results": results}
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(record, indent=1), encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=[source.name for source in SOURCES], help="(repeatable)")
    parser.add_argument("--side", choices=[side.value for side in AdapterSide], default="query")
    parser.add_argument("--threads", type=int, help="CPU threads for training (all cores but one)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--work",
        type=Path,
        default=Path(tempfile.gettempdir()) / "codecontext-training",
        help="where repositories, vectors and adapters are kept between runs",
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser.parse_args()


def _measure(source: Source, options: argparse.Namespace) -> dict[str, Any]:
    folder = _obtain(source, options.work)
    settings = load_settings(folder).settings
    with Engine(folder, settings) as engine:
        report = engine.index(on_progress=_say)
    side = AdapterSide(options.side)
    config = TrainingConfig(side=side, learning_rate=LEARNING_RATES[side], threads=options.threads, seed=options.seed)
    target = options.work / "adapters" / f"{source.name}-{options.side}-{options.seed}"
    wall, cpu = time.perf_counter(), time.process_time()
    with closing(Workbench(folder, settings, _say, CancelToken())) as bench:
        trained = Trainer(bench, config, target, replace=True).run(fresh=True)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    write_training_report(trained)
    return {
        "repository": source.name,
        "language": source.language,
        "files": report.files,
        "chunks": report.chunks,
        "side": options.side,
        "seed": options.seed,
        "seconds": round(wall, 1),
        "cpu_seconds": round(cpu, 1),
        **_figures(trained),
    }


def _figures(trained: TrainingReport) -> dict[str, Any]:
    test = trained.test
    return {
        "pairs": trained.data.model_dump(),
        "strength": trained.course.strength,
        "queries": test.queries,
        "dense": {name: found.model_dump() for name, found in test.dense.items()},
        "search": {name: found.model_dump() for name, found in test.search.items()},
        "sources": [found.model_dump() for found in test.sources],
    }


def _print_table(results: list[dict[str, Any]]) -> None:
    table = Table(title="Query-side adapters on held-out pairs, MRR@10 (95 % interval of the gain)")
    for name in ("repository", "language", "chunks", "train / test pairs", "minutes (CPU)"):
        table.add_column(name)
    table.add_column("vectors alone")
    table.add_column("whole search")
    for row in results:
        table.add_row(
            row["repository"],
            row["language"],
            f"{row['chunks']:,}",
            f"{row['pairs']['train']:,} / {row['queries']:,}",
            f"{row['seconds'] / 60:.1f} ({row['cpu_seconds'] / 60:.1f})",
            _spelled(row["dense"][MAIN_METRIC]),
            _spelled(row["search"][MAIN_METRIC]),
        )
        for part in row["sources"]:
            table.add_row(
                "",
                f"  {part['source']}",
                "",
                f"{part['queries']:,}",
                "",
                _spelled(part["dense"]),
                _spelled(part["search"]),
                style="dim",
            )
    Console(width=170).print(table)


def _spelled(values: dict[str, Any]) -> str:
    found = Comparison.model_validate(values)
    gain = found.gain
    change = f"{found.before.mean:.3f} → {found.after.mean:.3f}"
    return f"{change}  {gain.mean:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})"


def _say(progress: Progress) -> None:
    if progress.total and progress.done in (1, progress.total):
        print(f"{progress.stage}: {progress.done}/{progress.total} {progress.detail}", file=sys.stderr, flush=True)


def _obtain(source: Source, work: Path) -> Path:
    """Folder of the code. Raises ``RuntimeError`` when it cannot be fetched."""
    folder = work / "repositories" / source.name
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
            source.fetch(Path(temporary))
            (Path(temporary) / source.code).rename(folder)
    return folder


def _from_pip(requirement: str) -> Callable[[Path], None]:
    def fetch(folder: Path) -> None:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
        _run([*command, "--no-build-isolation", requirement], folder)
        _unpack(next(folder.glob("*.tar.gz")), folder)

    return fetch


def _from_npm(package: str) -> Callable[[Path], None]:
    def fetch(folder: Path) -> None:
        _run(["npm", "pack", "--silent", package], folder)
        _unpack(next(folder.glob("*.tgz")), folder)

    return fetch


def _from_debian(package: str) -> Callable[[Path], None]:
    def fetch(folder: Path) -> None:
        _run(["apt-get", "download", "--quiet", package], folder)
        _run(["dpkg-deb", "--extract", next(folder.glob("*.deb")).name, "package"], folder)

    return fetch


def _run(command: list[str], folder: Path) -> None:
    try:
        process = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise RuntimeError(f"{command[0]} is not installed; it is needed to fetch one of the repositories.") from error
    if process.returncode:
        reason = (process.stderr.strip().splitlines() or ["no reason was given"])[-1]
        raise RuntimeError(f"{' '.join(command)} failed: {reason}")


def _unpack(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as file:
        file.extractall(folder, filter="data")


SOURCES = (
    Source("networkx", "Python", _from_pip("networkx==3.4.2"), "networkx-3.4.2"),
    Source("three", "JavaScript", _from_npm("three@0.187.0"), "package/src"),
    Source("etcd", "Go", _from_debian("golang-etcd-server-dev"), "package/usr/share/gocode/src/go.etcd.io/etcd"),
    Source("grpc", "Go", _from_debian("golang-google-grpc-dev"), "package/usr/share/gocode/src/google.golang.org/grpc"),
)


if __name__ == "__main__":
    main()
