"""What an installation takes on disk, by package, and what importing costs.

    python -m benchmarks.footprint [--before CHECKOUT]

Prints Markdown for docs/performance.md. Sizes are those of the files that pip installed for the packages that the
dependencies in pyproject.toml lead to, in the environment that this runs in; nothing is downloaded. An older checkout
is measured with the interpreter of its own environment, if it has one in .venv.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benchmarks.common import MEGABYTE

ROOT = Path(__file__).parents[1]
_EXTRAS = ("openvino", "lora")
# What only a GPU needs; the CPU build of torch comes without.
_GPU = ("nvidia-", "cuda-", "triton")
_LARGEST = 14
_RUNS = 5
IMPORTS = {
    "the language server": "codecontext.lsp.server",
    "`from codecontext import Engine`": "codecontext.engine.engine",
    "what `codecontext search` imports": "codecontext.engine.engine, codecontext.cli.search, codecontext.cli.session",
    "the service": "codecontext.service.service",
}
_TIMED = "import resource; {work}; u = resource.getrusage(resource.RUSAGE_SELF); print(u.ru_utime + u.ru_stime)"


@dataclass(frozen=True, slots=True)
class Installed:
    """Bytes of each package, the largest first, and the packages that are not there to be measured."""

    sizes: dict[str, int]
    missing: list[str]

    def total(self, *, without_torch: bool) -> int:
        """Bytes of all of them; ``without_torch`` also leaves out what only torch's GPU build needs."""
        return sum(size for name, size in self.sizes.items() if not (without_torch and _is_torch(name)))


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.footprint", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--before", type=Path, metavar="CHECKOUT", help="an older version to compare with")
    parser.add_argument("--as-json", type=Path, metavar="CHECKOUT", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.as_json:
        print(json.dumps(asdict(installed(options.as_json))))
        return
    checkouts = {"now": ROOT} if options.before is None else {"before": options.before.resolve(), "now": ROOT}
    print(_sizes_table({name: _measured(root) for name, root in checkouts.items()}))
    print(
        _imports_table(
            {
                name: {what: import_seconds(root, module) for what, module in IMPORTS.items()}
                for name, root in checkouts.items()
            }
        )
    )


def installed(checkout: Path) -> Installed:
    """The packages that ``checkout`` needs with its extras for use, and their sizes here."""
    project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"]]
    for extra in _EXTRAS:
        wanted += project["optional-dependencies"].get(extra, [])
    sizes: dict[str, int] = {}
    missing: set[str] = set()
    queue = [Requirement(text) for text in wanted]
    while queue:
        requirement = queue.pop()
        name = canonicalize_name(requirement.name)
        if name in sizes or not _applies(requirement):
            continue
        try:
            found = distribution(name)
        except PackageNotFoundError:
            missing.add(name)
            continue
        sizes[name] = _bytes_of(found)
        queue += [inner for text in found.requires or () if _is_needed(inner := Requirement(text), requirement.extras)]
    return Installed(dict(sorted(sizes.items(), key=lambda item: -item[1])), sorted(missing))


def import_seconds(checkout: Path, modules: str) -> float:
    """Median CPU seconds of a new interpreter that imports ``modules``, less those of one that imports nothing."""
    return _cpu_seconds(checkout, f"import {modules}") - _cpu_seconds(checkout, "pass")


def _measured(checkout: Path) -> Installed:
    command = [_python(checkout), "-m", "benchmarks.footprint", "--as-json", str(checkout)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(checkout / "server")])}
    process = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return Installed(**json.loads(process.stdout))


def _cpu_seconds(checkout: Path, work: str) -> float:
    environment = os.environ | {"PYTHONPATH": str(checkout / "server")}
    command = [_python(checkout), "-P", "-c", _TIMED.format(work=work)]
    runs = [
        float(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
        for _ in range(_RUNS + 1)
    ]
    return statistics.median(runs[1:])


def _python(checkout: Path) -> str:
    own = checkout / ".venv" / "bin" / "python"
    return str(own) if own.is_file() else sys.executable


def _applies(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})


def _is_needed(inner: Requirement, extras: set[str]) -> bool:
    if inner.marker is None:
        return True
    return any(inner.marker.evaluate({"extra": extra}) for extra in ("", *extras))


def _bytes_of(found: Distribution) -> int:
    files = (Path(str(file.locate())) for file in found.files or ())
    return sum(file.stat().st_size for file in files if file.is_file())


def _is_torch(name: str) -> bool:
    return name == "torch" or name.startswith(_GPU)


def _sizes_table(columns: dict[str, Installed]) -> str:
    names = sorted(
        {name for found in columns.values() for name in found.sizes if not _is_torch(name)},
        key=lambda name: -max(found.sizes.get(name, 0) for found in columns.values()),
    )
    lines = [f"| MB installed | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
    lines += [_row(name, [found.sizes.get(name) for found in columns.values()]) for name in names[:_LARGEST]]
    rest = [sum(found.sizes.get(name, 0) for name in names[_LARGEST:]) for found in columns.values()]
    lines.append(_row(f"{len(names) - _LARGEST} smaller ones", rest))
    for label, without_torch in (("all without torch", True), ("all, with torch", False)):
        lines.append(_row(f"**{label}**", [found.total(without_torch=without_torch) for found in columns.values()]))
    missing = {name: found.missing for name, found in columns.items() if found.missing}
    notes = [f"Not installed here, so not counted ({name}): {', '.join(names)}." for name, names in missing.items()]
    return "\n".join([*lines, "", *notes])


def _imports_table(columns: dict[str, dict[str, float]]) -> str:
    lines = [f"| CPU seconds to import | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
    lines += [f"| {what} | {' | '.join(f'{found[what]:.2f}' for found in columns.values())} |" for what in IMPORTS]
    return "\n".join([*lines, ""])


def _row(name: str, sizes: Sequence[int | None]) -> str:
    return f"| {name} | {' | '.join('' if size is None else f'{size / MEGABYTE:,.1f}' for size in sizes)} |"


if __name__ == "__main__":
    main()
