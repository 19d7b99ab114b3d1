from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from codecontext.core.paths import index_directory
from codecontext.store.lock import writer_lock

Run = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., subprocess.Popen[str]]
Write = Callable[[dict[str, str]], None]

ADAPTER_PATH = "CODECONTEXT_EMBEDDINGS__HUGGINGFACE__LORA_ADAPTER_PATH"


def test_the_second_run_embeds_nothing(codecontext: Run, project: Path, write: Write) -> None:
    write({"a.py": "def add(left, right):\n    return left + right\n"})
    first = codecontext("index")
    assert first.returncode == 0
    assert first.stdout.startswith("Indexed 1 file, 1 chunk in ")
    assert "1 new or changed, 0 removed" in first.stdout
    assert "Scanning\n" in first.stderr
    assert "Embedding: 1 of 1 chunks\n" in first.stderr
    second = codecontext("index")
    assert second.stdout.startswith("Up to date: 1 file, 1 chunk in ")
    assert "0 computed, 0 from the cache" in second.stdout
    assert "Embedding" not in second.stderr


def test_json_alone_is_on_stdout(codecontext: Run, project: Path, write: Write) -> None:
    write({"a.py": "x = 1\n", ".env": "SECRET=1\n"})
    run = codecontext("index", str(project), "--force", "--json", cwd=project.parent)
    report = json.loads(run.stdout)
    assert (report["files"], report["cancelled"]) == (1, False)
    assert report["skipped"] == {"secret": 1}
    assert report["folder"] == str(project)


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("nowhere", "Error: There is no folder 'nowhere'. Name a folder that exists.\n"),
        ("a.py", "Error: 'a.py' is a file, not a folder. Name the folder that contains it.\n"),
    ],
)
def test_what_is_no_folder_is_one_sentence(codecontext: Run, write: Write, path: str, sentence: str) -> None:
    write({"a.py": "x = 1\n"})
    run = codecontext("index", path)
    assert (run.returncode, run.stdout, run.stderr) == (3, "", sentence)


def test_a_run_beside_another_is_one_sentence(codecontext: Run, project: Path, write: Write) -> None:
    write({"a.py": "x = 1\n"})
    with writer_lock(index_directory(project)):
        run = codecontext("index")
    assert (run.returncode, run.stdout) == (5, "")
    assert run.stderr.splitlines()[-1].startswith("Error: Another CodeContext process is writing the index in ")
    assert "Traceback" not in run.stderr


def finished(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    out, err = process.communicate(timeout=240)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def adapter_lines(run: subprocess.CompletedProcess[str]) -> list[str]:
    """What ``codecontext index 2>&1 | grep -i "lora\\|peft"`` shows."""
    lines = (run.stdout + run.stderr).splitlines()
    return [line for line in lines if re.search("lora|peft", line, re.IGNORECASE)]


def test_the_log_says_which_adapter_was_loaded(start_codecontext: Start, write: Write, adapter: Path) -> None:
    write({"a.py": "def add(left, right):\n    return left + right\n"})
    run = finished(start_codecontext("index", env={ADAPTER_PATH: str(adapter)}))
    assert run.returncode == 0
    loading, loaded = adapter_lines(run)
    assert loading == f"INFO - Loading LoRA adapter from: {adapter}"
    assert re.fullmatch(r"INFO - LoRA adapter loaded successfully in \d+\.\dms", loaded)


def test_without_an_adapter_the_log_does_not_speak_of_any(start_codecontext: Start, write: Write) -> None:
    write({"a.py": "def add(left, right):\n    return left + right\n"})
    run = finished(start_codecontext("index", "--force"))
    assert run.returncode == 0
    assert adapter_lines(run) == []


def test_the_log_says_that_peft_is_missing(
    start_codecontext: Start, write: Write, adapter: Path, tmp_path: Path
) -> None:
    """Without peft, as its import guard sees it: there is no module of that name."""
    write({"a.py": "def add(left, right):\n    return left + right\n"})
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util\n"
        "find_spec = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, package=None: (\n"
        "    None if name == 'peft' else find_spec(name, package)\n"
        ")\n"
    )
    env = {ADAPTER_PATH: str(adapter), "PYTHONPATH": str(tmp_path)}
    run = finished(start_codecontext("index", env=env))
    assert run.returncode == 0
    assert adapter_lines(run) == [
        f"WARNING - PEFT library not installed, cannot load LoRA adapter: {adapter}. Install with: pip install peft"
    ]


def test_an_adapter_that_cannot_be_loaded_ends_the_run_and_leaves_words_to_search(
    codecontext: Run, write: Write, adapter: Path, tmp_path: Path
) -> None:
    write({"a.py": "def add(left, right):\n    return left + right\n"})
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "adapter_config.json").write_bytes((adapter / "adapter_config.json").read_bytes())
    (broken / "adapter_model.safetensors").write_bytes(b"\x08" + b"\0" * 7)
    env = {ADAPTER_PATH: str(broken)}
    run = codecontext("index", env=env)
    assert run.returncode == 4
    assert run.stdout == ""
    assert f"Failed to load LoRA adapter from {broken}: " in run.stderr
    assert run.stderr.splitlines()[-1].startswith(f"Error: {broken / 'adapter_model.safetensors'} is damaged")
    assert "Traceback" not in run.stderr

    search = codecontext("search", "add", env=env)
    assert search.returncode == 0
    assert "a.py:1  add  function" in search.stdout
    (label,) = search.stderr.splitlines()
    assert label.startswith(f"Degraded: Using the base model instead of the adapter {broken}: ")
    assert "is damaged" in label


def function(number: int) -> str:
    body = "".join(f"    total += number * {number + step}\n" for step in range(6))
    return f"def calculate_{number}(number):\n    total = {number}\n{body}    return total\n\n\n"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send to another process")
def test_ctrl_c_leaves_a_usable_index(codecontext: Run, start_codecontext: Start, write: Write) -> None:
    one_at_a_time = {"CODECONTEXT_EMBEDDINGS__HUGGINGFACE__BATCH_TOKENS": "1"}
    chunks = 1100
    write({f"part{part}.py": "".join(map(function, range(part * 50, part * 50 + 50))) for part in range(22)})
    stopped = interrupt_when_embedding(start_codecontext("index", "--json", env=one_at_a_time))
    assert stopped.returncode == 130
    assert "Stopping after this batch… (Press Ctrl-C again to stop immediately.)\n" in stopped.stderr
    assert re.search(r"^Stopped: Finished work is kept: .* Run 'codecontext index' again", stopped.stderr, re.MULTILINE)
    assert "Traceback" not in stopped.stderr
    report = json.loads(stopped.stdout)
    assert report["cancelled"]
    assert report["chunks"] == chunks
    assert report["coverage"] < 1

    found = codecontext("search", "calculate_1099", "--json")
    assert json.loads(found.stdout)["hits"][0]["symbol"] == "calculate_1099"
    assert "Run 'codecontext index'" in json.loads(found.stdout)["states"][0]["degraded"]

    finished = json.loads(codecontext("index", "--json").stdout)
    assert finished["coverage"] == 1
    assert finished["files_written"] == 0
    assert finished["chunks_embedded"] == chunks - report["chunks_embedded"]


def interrupt_when_embedding(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    """Press Ctrl-C once the log says that embedding has begun."""
    assert process.stdout is not None
    assert process.stderr is not None
    lines = []
    with process:
        for line in process.stderr:
            if line.startswith("INFO - Embedding") and lines[-1].startswith("INFO - Loading"):
                process.send_signal(signal.SIGINT)
            lines.append(line)
        out = process.stdout.read()
    return subprocess.CompletedProcess(process.args, process.returncode, out, "".join(lines))
