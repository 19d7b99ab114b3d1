"""Where the time of a save, a question and a first index goes, by room and by function.

    python -m benchmarks.profiles [--chunks 222000] [--django DIR] [--work DIR]

Prints Markdown for docs/performance.md. Python's profiler sees the threads that Python starts, not those of libraries,
and slows Python code more than libraries, so shares are rough. The CPU time in each heading is that of all threads; of
saves and questions it is measured without the profiler.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.common import Context, empty_folder, in_fresh_process
from benchmarks.corpus import obtain_django
from benchmarks.probe import cpu_seconds
from benchmarks.questions import QUESTIONS
from benchmarks.synthetic import build_index
from codecontext.chunking import CHUNK_FORMAT
from codecontext.config import load_settings
from codecontext.embeddings.huggingface import HuggingFaceEmbeddingProvider
from codecontext.engine.engine import Engine

_SAVES = 10
_LARGEST = 12
_LEAST_SHARE = 0.01
_WHOLE = 0.9
"""A step with more than this share says nothing."""

Function = tuple[str, int, str]


@dataclass(slots=True)
class Profile:
    """What one kind of work took: CPU seconds each time, and seconds by room and function, as the profiler saw them."""

    times: int
    cpu_s: float
    rooms: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    functions: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    steps: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Functions of ours with all that they call."""


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.profiles", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--chunks", type=int, default=222_000, help="size of the index (222000)")
    parser.add_argument("--django", type=Path, help="folder of code to use instead of downloading Django")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "codecontext-bench")
    options = parser.parse_args()
    code = options.django.resolve() if options.django else obtain_django(options.work.resolve())
    context = Context(code, options.work.resolve(), ("openvino", "torch"))
    folder = empty_folder(context.work / "profiled")
    in_fresh_process(context.environment(), _build, code, folder, options.chunks)
    print(_as_markdown(f"A query at {options.chunks:,} chunks", _profile(context, profile_questions, folder)))
    print(_as_markdown(f"A save at {options.chunks:,} chunks", _profile(context, profile_saves, folder)))
    young = context.environment() | {"CODECONTEXT_HOME": str(_young_home(context))}
    text, vectors = in_fresh_process(young, profile_first_index, folder)
    print(_as_markdown(f"A first index of {options.chunks:,} chunks: words", text))
    print(_as_markdown(f"A first index of {options.chunks:,} chunks: vectors, all from the cache", vectors))


def profile_questions(folder: Path) -> Profile:
    """Runs in a process of its own."""
    with _engine(folder) as (engine, _):
        for text in QUESTIONS:
            engine.search(text)
        return _measure(len(QUESTIONS), lambda: [engine.search(text) for text in QUESTIONS])


def profile_saves(folder: Path) -> Profile:
    """Runs in a process of its own. Each save appends a function to a file."""
    files = sorted(path for path in folder.rglob("*.py") if 2_000 < path.stat().st_size < 30_000)[:_SAVES]
    with _engine(folder) as (engine, provider):
        engine.search(QUESTIONS[0])
        number = iter(range(10**6))

        def save() -> None:
            for file in files:
                with file.open("a", encoding="utf-8") as text:
                    text.write(f"\n\ndef quokka_{os.getpid()}_{next(number)}():\n    return 1\n")
                engine.indexer(provider).update([file.relative_to(folder).as_posix()])
                engine.refresh()

        save()
        return _measure(len(files), save)


def profile_first_index(folder: Path) -> tuple[Profile, Profile]:
    """Runs in a process of its own, in a home without indexes. Files are read in this process, to be seen."""
    with _engine(folder) as (engine, provider):
        indexer = engine.indexer(provider)
        return (
            _measure(1, indexer.update_text, profiled_only=True),
            _measure(1, indexer.update_vectors, profiled_only=True),
        )


def _build(source: Path, folder: Path, chunks: int) -> None:
    with Engine(source, load_settings(source).settings) as engine:
        build_index(engine, folder, chunks)


def _profile(context: Context, function: Callable[[Path], Profile], folder: Path) -> Profile:
    return in_fresh_process(context.environment(), function, folder)


def _young_home(context: Context) -> Path:
    """What was embedded and prepared is there, no index is."""
    home = empty_folder(context.work / "young-home")
    (home / "cache").symlink_to(context.home / "cache", target_is_directory=True)
    return home


@contextmanager
def _engine(folder: Path) -> Iterator[tuple[Engine, HuggingFaceEmbeddingProvider]]:
    settings = load_settings(folder).settings
    config = settings.embeddings.huggingface
    with (
        HuggingFaceEmbeddingProvider(config, chunk_format=CHUNK_FORMAT) as provider,
        Engine(folder, settings, provider=provider) as engine,
    ):
        yield engine, provider


def _measure(times: int, work: Callable[[], object], *, profiled_only: bool = False) -> Profile:
    """Do ``work`` twice, without the profiler and with it; once where it cannot be done again."""
    started = cpu_seconds()
    if not profiled_only:
        work()
        plain = cpu_seconds() - started
    stats = _profiled(work)
    if profiled_only:
        plain = cpu_seconds() - started
    profile = Profile(times, plain / times)
    for function, (_, _, own, with_called, callers) in stats.stats.items():  # type: ignore[attr-defined]
        if "codecontext" in Path(function[0]).parts:
            profile.steps[_name(function)] += with_called / times
        if function[0] == "~" and callers:
            for caller, (_, _, part, _) in callers.items():
                _add(profile, caller, f"{_name(function)}, called by {_name(caller)}", part)
        else:
            _add(profile, function, _name(function), own)
    return profile


def _profiled(work: Callable[[], object]) -> pstats.Stats:
    """What the profiler sees of ``work`` in this thread and in those that begin meanwhile."""
    profilers: list[cProfile.Profile] = []

    def begin(*_: object) -> None:
        profilers.append(cProfile.Profile(time.thread_time))
        profilers[-1].enable()

    threading.setprofile(begin)
    begin()
    try:
        work()
    finally:
        profilers[0].disable()
        threading.setprofile(None)
    return pstats.Stats(*profilers)


def _add(profile: Profile, place: Function, name: str, seconds: float) -> None:
    profile.rooms[_room(place)] += seconds / profile.times
    profile.functions[name] += seconds / profile.times


def _room(function: Function) -> str:
    """Room of ours, or the library."""
    parts = Path(function[0]).parts
    if "codecontext" in parts:
        inside = parts[len(parts) - parts[::-1].index("codecontext") :]
        return f"`{inside[0]}/`" if len(inside) > 1 else "codecontext"
    if "site-packages" in parts:
        return parts[parts.index("site-packages") + 1].removesuffix(".py")
    return "Python"


def _name(function: Function) -> str:
    path, _, name = function
    if path == "~":
        return f"`{name.strip('<>')}`"
    return f"`{Path(path).stem}.{name}`"


def _as_markdown(title: str, profile: Profile) -> str:
    seen = sum(profile.rooms.values())
    lines = [f"### {title}: {_time(profile.cpu_s)} of CPU", "", "| room or library | share |", "|---|---|"]
    lines += _shares(profile.rooms, seen)
    steps = {name: value for name, value in profile.steps.items() if value < _WHOLE * seen}
    lines += ["", "| largest steps, with all that they call | share |", "|---|---|", *_shares(steps, seen)[:_LARGEST]]
    lines += ["", "| largest functions, without what they call | share |", "|---|---|"]
    lines += _shares(profile.functions, seen)[:_LARGEST]
    return "\n".join([*lines, ""])


def _shares(seconds: dict[str, float], of: float) -> list[str]:
    """Rows of a table, the largest first."""
    ordered = sorted(seconds.items(), key=lambda item: -item[1])
    return [f"| {name} | {value / of:.0%} |" for name, value in ordered if value / of >= _LEAST_SHARE]


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"


if __name__ == "__main__":
    main()
