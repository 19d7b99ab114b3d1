"""``status``, ``config``, ``adapter`` and ``doctor``."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
Write = Callable[[dict[str, str]], None]


def test_status_says_what_the_index_holds(codecontext: Run, shop: Path) -> None:
    run = codecontext("status", cwd=shop / "src")
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith(f"{shop}\n")
    assert "4 files, " in run.stdout
    assert "100 % embedded" in run.stdout
    assert "all-MiniLM-L6-v2, no adapter" in run.stdout
    assert "binary 1 · secret 1" in run.stdout or "secret 1 · binary 1" in run.stdout


def test_status_lists_skipped_files_with_their_reasons(codecontext: Run, shop: Path) -> None:
    run = codecontext("status", "--skipped", cwd=shop)
    assert run.stdout.splitlines() == ["secret  .env", "binary  logo.png"]


def test_status_as_json_has_the_skipped_files_on_request(codecontext: Run, shop: Path) -> None:
    brief = json.loads(codecontext("status", str(shop), "--json").stdout)
    full = json.loads(codecontext("status", str(shop), "--json", "--skipped").stdout)
    assert brief == full | {"skipped_files": []}
    assert [item["path"] for item in full["skipped_files"]] == [".env", "logo.png"]
    assert brief["files"] == 4
    assert brief["languages"]["typescript"] >= 1


def test_status_of_a_folder_in_which_everything_is_skipped(codecontext: Run, write: Write) -> None:
    write({".env": "TOKEN=1\n"})
    assert "run 'codecontext status --skipped' to list them" in codecontext("index").stdout
    run = codecontext("status")
    assert "0 files, 0 chunks" in run.stdout
    assert "none yet" not in run.stdout
    assert ".env" in codecontext("status", "--skipped").stdout
    assert "every file was skipped" in codecontext("search", "anything").stderr
    status = json.loads(codecontext("status", "--json").stdout)
    assert (status["indexed"], status["coverage"]) == (True, 1.0)
    index = {check["name"]: check for check in json.loads(codecontext("doctor", "--json").stdout)["checks"]}["index"]
    assert index["found"].startswith("readable")


def test_an_index_of_an_earlier_version_is_said(codecontext: Run, write: Write, tmp_path: Path) -> None:
    write({"a.py": "x = 1\n"})
    env = {"CODECONTEXT_HOME": str(tmp_path / "home")}
    codecontext("index", env=env)
    (index,) = (tmp_path / "home" / "indexes").iterdir()
    (index / "index.sqlite").unlink()
    (index / "chunks.lance").mkdir()
    assert "was made by an earlier version" in codecontext("search", "x", env=env).stderr
    status = codecontext("status", env=env)
    assert "was made by an earlier version" in status.stdout + status.stderr
    assert "was made by an earlier version, so it was rebuilt" in codecontext("index", env=env).stderr


def test_status_of_a_folder_without_an_index(codecontext: Run) -> None:
    run = codecontext("status")
    assert run.returncode == 0
    assert "none yet; run 'codecontext index'" in run.stdout
    assert json.loads(codecontext("status", "--json").stdout)["indexed"] is False


def test_config_show_names_the_source_of_each_value(codecontext: Run, project: Path, write: Write) -> None:
    write({".codecontext.toml": "[search]\nlimit = 3\n"})
    run = codecontext("config", "show", env={"CODECONTEXT_LOGGING__LEVEL": "debug"})
    rows = {line.split()[0]: line.split(maxsplit=2)[1:] for line in run.stdout.splitlines()}
    assert rows["search.limit"] == ["3", f"project ({project / '.codecontext.toml'})"]
    assert rows["logging.level"] == ['"debug"', "environment (CODECONTEXT_LOGGING__LEVEL)"]
    assert rows["embeddings.huggingface.lora_adapter_path"] == ["unset", "default"]


def test_config_show_as_json(codecontext: Run, project: Path, write: Write) -> None:
    write({".codecontext.toml": '[indexing]\nexclude = ["*.sql"]\n'})
    shown = json.loads(codecontext("config", "show", "--json", "--folder", ".").stdout)
    values = {setting.pop("key"): setting for setting in shown["settings"]}
    where = str(project / ".codecontext.toml")
    assert values["indexing.exclude"] == {"value": ["*.sql"], "source": "project", "where": where}
    assert values["search.limit"] == {"value": 10, "source": "default", "where": ""}
    assert shown["folder"] == str(project)


def test_config_path_says_which_files_are_there(codecontext: Run, project: Path, write: Write, cli_home: Path) -> None:
    write({".codecontext.toml": ""})
    run = codecontext("config", "path")
    assert run.stdout.splitlines() == [
        f"project  {project / '.codecontext.toml'}",
        f"user     {cli_home / 'config.yaml'}  (does not exist)",
    ]
    files = json.loads(codecontext("config", "path", "--json").stdout)["files"]
    assert [(item["kind"], item["exists"]) for item in files] == [("project", True), ("user", False)]


def test_config_validate_accepts_what_is_right(codecontext: Run, write: Write) -> None:
    write({".codecontext.toml": "[search]\nlimit = 3\n"})
    assert codecontext("config", "validate").stdout.startswith("The settings are valid (")
    assert codecontext("config", "validate", ".codecontext.toml", "--json").returncode == 0


@pytest.mark.parametrize("arguments", [["validate"], ["validate", ".codecontext.toml"], ["show"]])
def test_a_wrong_setting_is_one_sentence(codecontext: Run, project: Path, write: Write, arguments: list[str]) -> None:
    write({".codecontext.toml": "[search]\nlimt = 3\n"})
    run = codecontext("config", *arguments)
    assert (run.returncode, run.stdout) == (3, "")
    assert len(run.stderr.splitlines()) == 1
    assert run.stderr.startswith("Error: ")
    assert "did you mean search.limit?" in run.stderr


def test_adapter_inspect(codecontext: Run, adapter: Path) -> None:
    run = codecontext("adapter", "inspect", str(adapter))
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("house-style\n")
    assert "sentence-transformers/all-MiniLM-L6-v2" in run.stdout
    assert "4, alpha 8" in run.stdout
    info = json.loads(codecontext("adapter", "inspect", str(adapter), "--json").stdout)
    assert (info["rank"], info["side"], info["parameter_count"]) == (4, "both", 6 * 2 * 4 * 384)


def test_adapter_inspect_refuses_with_the_reason(codecontext: Run, tmp_path: Path) -> None:
    run = codecontext("adapter", "inspect", str(tmp_path))
    assert (run.returncode, run.stdout) == (4, "")
    assert run.stderr.startswith(f"Error: Invalid LoRA adapter: missing adapter_config.json in {tmp_path}. ")
    as_json = codecontext("adapter", "inspect", str(tmp_path), "--json")
    assert json.loads(as_json.stdout)["error"]["code"] == "adapter"


def checks_of(run: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in json.loads(run.stdout)["checks"]}


def test_doctor_finds_a_sound_installation_sound(codecontext: Run, shop: Path, adapter: Path) -> None:
    env = {"CODECONTEXT_EMBEDDINGS__HUGGINGFACE__LORA_ADAPTER_PATH": str(adapter)}
    run = codecontext("doctor", "--json", cwd=shop, env=env)
    assert (run.returncode, run.stderr) == (0, "")
    checks = checks_of(run)
    assert {check["status"] for check in checks.values()} == {"ok"}
    assert "weights as published" in checks["model"]["found"]
    assert "house-style, rank 4" in checks["adapter"]["found"]
    assert "384-dimensional vectors" in checks["embedding"]["found"]
    assert "readable" in checks["index"]["found"]


def test_doctor_says_what_to_do_about_each_fault(
    codecontext: Run, project: Path, write: Write, adapter: Path, tmp_path: Path
) -> None:
    write({"a.py": "x = 1\n"})
    home, broken = tmp_path / "home", tmp_path / "broken"
    codecontext("index", env={"CODECONTEXT_HOME": str(home)})
    (index,) = home.glob("indexes/*/index.sqlite")
    index.write_bytes(b"not a database" * 1000)
    broken.mkdir()
    (broken / "adapter_config.json").write_bytes((adapter / "adapter_config.json").read_bytes())
    env = {
        "CODECONTEXT_HOME": str(home),
        "CODECONTEXT_EMBEDDINGS__HUGGINGFACE__LORA_ADAPTER_PATH": str(broken),
        "PATH": str(tmp_path),
    }
    run = codecontext("doctor", "--json", env=env)
    assert run.returncode == 1
    checks = checks_of(run)
    faults = {name: check["status"] for name, check in checks.items() if check["status"] != "ok"}
    assert faults == {"git": "warning", "index": "error", "adapter": "error"}
    assert all(checks[name]["advice"] for name in faults)
    assert "codecontext index" in checks["index"]["advice"]
    assert "adapter_model.safetensors is missing" in checks["adapter"]["found"]

    text = codecontext("doctor", env=env)
    assert text.returncode == 1
    assert text.stderr == ""
    assert f"→ {checks['index']['advice']}" in text.stdout


def test_a_missing_adapter_is_reported_and_everything_else_works(codecontext: Run, shop: Path, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    sentence = f"LoRA adapter path does not exist: {missing}"
    env = {"CODECONTEXT_EMBEDDINGS__HUGGINGFACE__LORA_ADAPTER_PATH": str(missing)}
    shown = codecontext("config", "show", cwd=shop, env=env)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert str(missing) in shown.stdout
    search = codecontext("search", "cart", cwd=shop, env=env)
    assert search.returncode == 0
    assert search.stdout
    assert search.stderr.startswith(f"Degraded: Using the base model instead of the adapter {missing}: {sentence}.")
    doctor = codecontext("doctor", "--json", cwd=shop, env=env)
    assert doctor.returncode == 1
    checks = checks_of(doctor)
    assert (checks["settings"]["status"], checks["embedding"]["status"]) == ("ok", "ok")
    assert (checks["adapter"]["status"], checks["adapter"]["found"]) == ("error", sentence)
    index = codecontext("index", cwd=shop, env=env)
    assert index.returncode == 4
    assert index.stderr.splitlines()[-1].startswith(f"Error: {sentence}.")


@pytest.mark.parametrize(
    ("name", "value", "check", "found"),
    [
        ("MODEL_NAME", "nobody/nothing", "model", "is not on this machine"),
        ("DEVICE", "cuda:99", "embedding", "cuda:99 is not available"),
        ("DEVICE", "abacus", "settings", "abacus"),
    ],
)
def test_doctor_reports_what_does_not_load(codecontext: Run, name: str, value: str, check: str, found: str) -> None:
    run = codecontext("doctor", "--json", env={f"CODECONTEXT_EMBEDDINGS__HUGGINGFACE__{name}": value})
    assert run.returncode == 1
    faulty = {key: item for key, item in checks_of(run).items() if item["status"] == "error"}
    assert list(faulty) == [check]
    assert found in faulty[check]["found"]


def test_doctor_warns_of_a_model_that_is_yet_to_be_downloaded(codecontext: Run) -> None:
    prefix = "CODECONTEXT_EMBEDDINGS__HUGGINGFACE__"
    env = {f"{prefix}MODEL_NAME": "nobody/nothing", f"{prefix}ALLOW_DOWNLOAD": "true"}
    run = codecontext("doctor", "--json", env=env)
    assert run.returncode == 0
    assert checks_of(run)["model"]["status"] == "warning"
    assert "embedding" not in checks_of(run)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_doctor_sees_a_home_that_cannot_be_written(codecontext: Run, tmp_path: Path) -> None:
    sealed = tmp_path / "sealed"
    sealed.mkdir(mode=0o500)
    run = codecontext("doctor", "--json", env={"CODECONTEXT_HOME": str(sealed / "home")})
    assert run.returncode == 1
    assert checks_of(run)["home"]["status"] == "error"
