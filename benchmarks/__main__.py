"""Speed, memory and disk, side by side with peers or an earlier version in one run.

    python -m benchmarks [NAME]... [--django DIR] [--backend NAME] [--quick] [--json FILE]
    python -m benchmarks budgets [--sizes N,N | --full] [--before CHECKOUT] [--tree DIR] [--plot FILE]

Without a name it measures budgets and manners; 'all' stands for every benchmark. Each prints a table with the budget
beside the figure, and writes benchmarks/results/NAME.json. benchmarks/README.md says what each one measures. Retrieval
quality: python -m benchmarks.quality.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter
from rich.console import Console

from benchmarks import (
    adapter,
    budgets,
    incremental,
    indexing,
    language_server,
    manners,
    model,
    startup,
    throughput,
    vector_search,
)
from benchmarks.common import Context, empty_folder
from benchmarks.corpus import copy_part, obtain_django
from benchmarks.machine import Machine, describe_machine
from benchmarks.results import Record, Result, as_table
from codecontext.embeddings.openvino.library import OPENVINO_AVAILABLE

BENCHMARKS: dict[str, Callable[[Context], Result]] = {
    "budgets": budgets.run,
    "throughput": throughput.run,
    "indexing": indexing.run,
    "incremental": incremental.run,
    "model": model.run,
    "adapter": adapter.run,
    "startup": startup.run,
    "vector-search": vector_search.run,
    "language-server": language_server.run,
    "manners": manners.run,
}
RESULTS = Path(__file__).parent / "results"
_QUICK_FILES = 16
_ALL = "all"
_USUAL = ("budgets", "manners")


def main() -> None:
    """Run from the command line."""
    options = _arguments()
    console = Console(width=140)
    code = _code(options)
    if options.quick:
        copy_part(code, empty_folder(options.work / "part"), _QUICK_FILES)
    context = Context(
        folder=options.work / "part" if options.quick else code,
        work=options.work,
        backends=(options.backend,) if options.backend else _installed_backends(),
        quick=options.quick,
        sizes=options.sizes,
        before=options.before,
        tree=options.tree,
        plot=options.plot,
    )
    machine = describe_machine()
    records = []
    for name in _chosen(options.names):
        print(f"{name} ...", file=sys.stderr, flush=True)
        records.append(_measure(name, context, code.name, machine))
        console.print(as_table(records[-1]))
        _write(records, options.json)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "names",
        nargs="*",
        type=_name,
        metavar="NAME",
        help=f"{', '.join(BENCHMARKS)}, or '{_ALL}'; by default {' and '.join(_USUAL)}",
    )
    parser.add_argument("--django", type=Path, help="folder of code to use instead of downloading Django")
    parser.add_argument(
        "--backend", choices=["torch", "openvino"], help="only this backend instead of all that are installed"
    )
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that everything runs")
    parser.add_argument(
        "--json", type=Path, help="write all results into this file instead of one each in benchmarks/results"
    )
    parser.add_argument(
        "--work",
        type=Path,
        default=Path(tempfile.gettempdir()) / "codecontext-bench",
        help="where Django, indexes and vectors are kept between runs",
    )
    budget = parser.add_argument_group("budgets")
    size = budget.add_mutually_exclusive_group()
    size.add_argument("--sizes", type=_sizes, default=(), metavar="N,N", help="indexes of so many chunks")
    size.add_argument(
        "--full", action="store_const", dest="sizes", const=budgets.ALL_SIZES, help="the largest size, too"
    )
    budget.add_argument(
        "--before",
        type=_folder,
        metavar="CHECKOUT",
        help="measure an older version in the same run, and keep its figures",
    )
    budget.add_argument("--tree", type=_folder, metavar="DIR", help="a large tree of code to index by words")
    budget.add_argument("--plot", type=Path, metavar="FILE", help="draw growth into this SVG")
    options = parser.parse_args()
    options.work = options.work.resolve()
    return options


def _name(text: str) -> str:
    if text not in BENCHMARKS and text != _ALL:
        raise argparse.ArgumentTypeError(f"there is no '{text}'; there are {', '.join(BENCHMARKS)} and '{_ALL}'.")
    return text


def _sizes(text: str) -> tuple[int, ...]:
    sizes = tuple(int(part) for part in text.split(",") if part.strip().isdecimal() and int(part))
    if len(sizes) != text.count(",") + 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of sizes, such as 1000,42000.")
    return sizes


def _folder(text: str) -> Path:
    folder = Path(text).resolve()
    if not folder.is_dir():
        raise argparse.ArgumentTypeError(f"'{text}' is not a folder.")
    return folder


def _chosen(names: list[str]) -> list[str]:
    return list(BENCHMARKS) if _ALL in names else list(dict.fromkeys(names or _USUAL))


def _code(options: argparse.Namespace) -> Path:
    """The folder whose code is used."""
    if options.django is None:
        try:
            return obtain_django(options.work)
        except RuntimeError as error:
            sys.exit(str(error))
    if not options.django.is_dir():
        sys.exit(f"--django: '{options.django}' is not a folder.")
    return Path(options.django).resolve()


def _installed_backends() -> tuple[str, ...]:
    return ("torch", "openvino") if OPENVINO_AVAILABLE else ("torch",)


def _measure(name: str, context: Context, code: str, machine: Machine) -> Record:
    started, clock = datetime.now(UTC), time.perf_counter()
    result = BENCHMARKS[name](context)
    return Record(
        benchmark=name,
        quick=context.quick,
        code=code,
        started=started,
        seconds=round(time.perf_counter() - clock, 1),
        machine=machine,
        result=result,
    )


def _write(records: list[Record], file: Path | None) -> None:
    """Keep what there is after every benchmark, so that a later failure loses nothing."""
    target = file or RESULTS / f"{records[-1].benchmark}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    if file is None:
        target.write_text(records[-1].model_dump_json(indent=1), encoding="utf-8")
    else:
        target.write_bytes(TypeAdapter(list[Record]).dump_json(records, indent=1))


if __name__ == "__main__":
    main()
