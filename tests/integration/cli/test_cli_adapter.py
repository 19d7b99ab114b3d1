"""The adapter commands as their users meet them."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.integration.cli.conftest import COMMAND, Codecontext, environment, write_files
from tests.integration.training.conftest import jargon_files

pytestmark = pytest.mark.slow

TRAIN = ("--epochs", "2", "--batch-size", "16", "--threads", "1", "--json", "--progress", "json")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, cli_home: Path) -> Path:
    """An indexed repository with enough documentation to learn from. Not to be changed by tests."""
    folder = tmp_path_factory.mktemp("learned") / "shop"
    write_files(folder, jargon_files())
    subprocess.run([*COMMAND, "index"], cwd=folder, env=environment(cli_home), check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def training(shop: Path, cli_home: Path) -> subprocess.CompletedProcess[str]:
    """``codecontext adapter train`` as an editor runs it."""
    return subprocess.run(
        [*COMMAND, "adapter", "train", *TRAIN, "--name", "words"],
        cwd=shop,
        env=environment(cli_home),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def events(stderr: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in stderr.splitlines() if line.startswith("{")]


def test_training_prints_its_report_and_progress_as_json(training: subprocess.CompletedProcess[str]) -> None:
    assert training.returncode == 0, training.stderr
    report = json.loads(training.stdout)
    assert report["name"] == "words"
    assert report["helps_search"] in (True, False)
    assert Path(report["report"]).read_text().startswith("<!doctype html>")
    assert report["test"]["search"]["mrr_at_10"]["gain"].keys() == {"mean", "low", "high"}
    steps = [event for event in events(training.stderr) if event["stage"] == "training"]
    assert steps[0]["done"] == 1
    assert steps[-1]["done"] == steps[-1]["total"]
    assert {"loss", "score", "best_score", "base_score", "eta_seconds"} <= steps[-1].keys()


def test_the_new_adapter_is_listed_inspected_used_and_left(
    training: subprocess.CompletedProcess[str], shop: Path, codecontext: Codecontext, project: Path
) -> None:
    assert training.returncode == 0, training.stderr
    listed = json.loads(codecontext("adapter", "list", "--json").stdout)
    (words,) = [item for item in listed["adapters"] if item["name"] == "words"]
    assert (words["side"], words["trained_on"], words["in_use"], listed["base_in_use"]) == (
        "query",
        "shop",
        False,
        True,
    )
    assert words["search_gain"]["low"] <= words["search_gain"]["mean"]

    assert (
        json.loads(codecontext("adapter", "inspect", words["path"], "--json").stdout)["fingerprint"]
        == words["fingerprint"]
    )

    used = codecontext("adapter", "use", "words", "--json")
    assert used.returncode == 0, used.stdout
    assert json.loads(used.stdout)["adapter"] == words["path"]
    settings = tomllib.loads((project / ".codecontext.toml").read_text())
    assert Path(settings["embeddings"]["huggingface"]["lora_adapter_path"]).name == "words"
    again = json.loads(codecontext("adapter", "list", "--json").stdout)
    assert [item["name"] for item in again["adapters"] if item["in_use"]] == ["words"]
    assert "* " in codecontext("adapter", "list").stdout

    left = codecontext("adapter", "use", "base")
    assert "uses the base model" in left.stdout
    assert json.loads(codecontext("adapter", "list", "--json").stdout)["base_in_use"]


def test_evaluating_writes_a_report(
    training: subprocess.CompletedProcess[str], shop: Path, codecontext: Codecontext, tmp_path: Path
) -> None:
    report = tmp_path / "out" / "report.html"
    run = codecontext("adapter", "evaluate", "words", "--report", str(report), cwd=shop)
    assert run.returncode == 0, run.stderr
    assert "words against base" in run.stdout
    assert re.search(r"whole search +MRR@10", run.stdout)
    assert "words" in report.read_text()


def test_export_leaves_private_files_behind(
    training: subprocess.CompletedProcess[str], codecontext: Codecontext, tmp_path: Path
) -> None:
    archive = tmp_path / "words.zip"
    run = codecontext("adapter", "export", "words", str(archive), "--json")
    assert run.returncode == 0, run.stdout
    with zipfile.ZipFile(archive) as file:
        assert sorted(file.namelist()) == [
            "words/README.md",
            "words/adapter_config.json",
            "words/adapter_model.safetensors",
            "words/codecontext.json",
        ]
        assert "trained_queries" not in json.loads(file.read("words/codecontext.json"))
    again = codecontext("adapter", "export", "words", str(archive))
    assert again.returncode == 4
    assert f"{archive} already exists" in again.stderr


def test_pairs_are_counted_and_written(shop: Path, codecontext: Codecontext, tmp_path: Path) -> None:
    file = tmp_path / "pairs.jsonl"
    run = codecontext("adapter", "pairs", "--out", str(file), cwd=shop)
    assert "98 pairs" in run.stdout
    assert "documentation" in run.stdout
    first = json.loads(file.read_text().splitlines()[0])
    assert first.keys() == {"query", "code", "source", "hidden"}


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("adapter", "use", "wrods"), 4, "There is no adapter 'wrods' in "),
        (("adapter", "use", "./nothing"), 4, "LoRA adapter path does not exist"),
        (("adapter", "train"), 6, "yields only 0 pairs to train on; at least 50 are needed."),
        (("adapter", "train", "--name", "base"), 6, "'base' is not a valid adapter name."),
        (("adapter", "train", "--name", "../x"), 6, "'../x' is not a valid adapter name."),
        (("adapter", "pairs", "--source", "tea"), 6, "'tea' is not a source of pairs."),
        (("adapter", "train", "--pairs", "none.jsonl"), 6, "The pairs file none.jsonl cannot be read"),
        (("adapter", "export", "base", "x.zip"), 4, "'base' is the base model, not an adapter."),
    ],
)
def test_a_mistake_is_one_sentence(
    codecontext: Codecontext, arguments: tuple[str, ...], code: int, sentence: str, project: Path
) -> None:
    write_files(project, {"a.py": "def f(a, b):\n    return a.join(b)\n"})
    run = codecontext(*arguments)
    assert run.returncode == code
    assert sentence in run.stderr
    assert run.stdout == ""


def test_an_unknown_name_is_answered_with_the_nearest(
    training: subprocess.CompletedProcess[str], codecontext: Codecontext
) -> None:
    assert "Did you mean words?" in codecontext("adapter", "use", "wrods").stderr


@pytest.mark.skipif(sys.platform == "win32", reason="sends the signal of Ctrl-C")
def test_ctrl_c_keeps_the_state_and_the_same_command_goes_on(
    shop: Path, start_codecontext: Callable[..., subprocess.Popen[str]]
) -> None:
    arguments = ("adapter", "train", *TRAIN, "--name", "stopped")
    process = start_codecontext(*arguments, cwd=shop)
    assert process.stderr is not None
    for line in process.stderr:
        if '"stage": "training"' in line:
            process.send_signal(signal.SIGINT)
            break
    stdout, _ = process.communicate()
    assert process.returncode == 130
    assert json.loads(stdout)["error"]["code"] == "cancelled"
    process = start_codecontext(*arguments, cwd=shop)
    stdout, stderr = process.communicate()
    assert process.returncode == 0, stderr
    assert json.loads(stdout)["resumed_at"] >= 1
