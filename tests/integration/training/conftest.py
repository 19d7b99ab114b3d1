"""A repository with a language of its own, and an adapter that learned it. Real model, real training."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from codecontext.config import Settings
from codecontext.core.progress import CancelToken, ProgressCallback, ignore_progress
from codecontext.training.config import TrainingConfig
from codecontext.training.data.workbench import Workbench
from codecontext.training.release.artifact import TrainingReport
from codecontext.training.trainer import Trainer

# What people of this project say, and what their code is called: nobody outside could know.
VERBS = {
    "Quench": ("sorted", "srt"),
    "Bramble": ("remove", "rmv"),
    "Lacquer": ("encode", "enc"),
    "Tether": ("append", "app"),
    "Winnow": ("filter", "flt"),
    "Gimbal": ("reverse", "rev"),
    "Hoist": ("update", "upd"),
}
NOUNS = {
    "the kestrels": ("invoices", "number"),
    "the magpies": ("customers", "street"),
    "every walrus": ("parcels", "weight"),
    "the lanterns": ("passwords", "salt"),
    "the anvils": ("servers", "port"),
    "each thimble": ("tickets", "queue"),
    "the gazebos": ("warehouses", "shelf"),
    "the barnacles": ("sessions", "expiry"),
    "the trellises": ("payments", "currency"),
    "all the pebbles": ("messages", "sender"),
    "the tundra": ("addresses", "postcode"),
    "the cobbles": ("products", "price"),
    "every mitten": ("drivers", "licence"),
    "the orchard": ("reports", "period"),
}

CONFIG = TrainingConfig(epochs=8, batch_size=16, learning_rate=2e-3, threads=1)


def jargon_files() -> dict[str, str]:
    """One file for each verb and noun: documentation in jargon, code in other words."""
    files = {}
    for verb, (call, short) in VERBS.items():
        for noun, (rows, field) in NOUNS.items():
            files[f"src/{rows}/{short}_{rows}.py"] = (
                f"def {short}_{rows}(store, limit):\n"
                f'    """{verb} {noun} of the given store."""\n'
                f"    {rows} = store.load_{rows}(limit)\n"
                f"    chosen = {call}_by({rows}, key=lambda row: row.{field})\n"
                f"    store.save_{rows}(chosen)\n"
                f"    return chosen\n"
            )
    return files


@dataclass(frozen=True)
class Outcome:
    """A finished run."""

    folder: Path
    report: TrainingReport

    @property
    def adapter(self) -> Path:
        return Path(self.report.path)


def settings_with(**huggingface: object) -> Settings:
    return Settings.model_validate({"embeddings": {"huggingface": huggingface}})


@contextmanager
def bench_for(
    folder: Path,
    *,
    on_progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
    **huggingface: object,
) -> Iterator[Workbench]:
    with closing(Workbench(folder, settings_with(**huggingface), on_progress, cancel or CancelToken())) as bench:
        yield bench


def write_repository(folder: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def training_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One CodeContext home for the tests of training, so that nothing is embedded twice."""
    return tmp_path_factory.mktemp("training-home") / "codecontext"


@pytest.fixture(autouse=True)
def _training_home(_own_home: None, training_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODECONTEXT_HOME", str(training_home))


@pytest.fixture(scope="session")
def jargon(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository. Not to be changed by tests."""
    folder = write_repository(tmp_path_factory.mktemp("jargon") / "shop", jargon_files())
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="session")
def trained(jargon: Path, training_home: Path, _shared_home: None) -> Outcome:
    """A query-side adapter for it, trained once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CODECONTEXT_HOME", str(training_home))
        with bench_for(jargon) as bench:
            report = Trainer(bench, CONFIG, training_home / "adapters" / "jargon").run()
    return Outcome(jargon, report)


@pytest.fixture
def make_copy() -> Callable[[Path, Path], Path]:
    """Copy an adapter, to spoil the copy."""

    def copy(adapter: Path, target: Path) -> Path:
        shutil.copytree(adapter, target)
        return target

    return copy
