"""The VS Code extension says the same as the server: settings, messages, commands, what is packaged."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from codecontext.config import describe_settings
from codecontext.engine.folder_state import Problem
from codecontext.lsp import protocol
from codecontext.rpc.messages import FoundAdapter
from codecontext.training.evaluation.results import MAIN_METRIC, Comparison, Evaluation, Interval, QuerySet, SystemName
from codecontext.training.release.artifact import TrainingReport
from scripts.codegen.models import fields_of
from scripts.codegen.vscode_settings import contributed_groups, editor_key, restricted_settings

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "vscode-client"
MANIFEST: dict[str, Any] = json.loads((CLIENT / "package.json").read_text(encoding="utf-8"))
CONTRIBUTES: dict[str, Any] = MANIFEST["contributes"]
SOURCES = {path: path.read_text(encoding="utf-8") for path in sorted((CLIENT / "src").rglob("*.ts"))}
README = (CLIENT / "README.md").read_text(encoding="utf-8")


def properties() -> dict[str, dict[str, Any]]:
    return {key: value for group in CONTRIBUTES["configuration"] for key, value in group["properties"].items()}


def own_keys() -> set[str]:
    return properties().keys() - {editor_key(doc.key) for doc in describe_settings()}


def commands() -> dict[str, dict[str, Any]]:
    return {command["command"]: command for command in CONTRIBUTES["commands"]}


def registered_commands() -> set[str]:
    """Keys of the table in commands.ts that registers them."""
    source = SOURCES[CLIENT / "src" / "commands.ts"]
    table = source.partition("const commands: Record<string, (...args")[2].partition("\n  };")[0]
    return {f"codecontext.{name}" for name in re.findall(r'^    "?([\w.]+)"?: \(', table, re.MULTILINE)}


# --- Messages ---


def test_every_method_and_field_has_a_type() -> None:
    types = SOURCES[CLIENT / "src" / "protocol.ts"]
    for method in protocol.Method:
        assert f'"{method}"' in types
    for model in (protocol.FolderStatus, protocol.SearchHit, protocol.SearchParams, FoundAdapter, Problem):
        assert fields_in(types, model) == {field.alias for field in fields_of(model).values()}
    assert {"health", "stage", "message"} <= fields_in(types, protocol.FolderStatus)


def fields_in(types: str, model: type[BaseModel]) -> set[str]:
    """Names of the fields that a model has in TypeScript."""
    body = types.partition(f"interface {model.__name__} {{")[2].partition("\n}")[0]
    return set(re.findall(r"^  (\w+)\??:", body, re.MULTILINE))


def test_only_what_the_client_may_leave_out_is_optional() -> None:
    types = SOURCES[CLIENT / "src" / "protocol.ts"]
    assert re.search(r"interface SearchParams \{[^}]*\bquery: string;[^}]*\blimit\?: number \| null;", types)
    assert "?:" not in types.partition("interface Evidence")[2]


def test_what_is_read_of_a_report_of_training_is_in_it() -> None:
    types, source = SOURCES[CLIENT / "src" / "protocol.ts"], SOURCES[CLIENT / "src" / "adapter" / "outcome.ts"]
    for model in (TrainingReport, Evaluation, QuerySet, SystemName, Comparison, Interval):
        assert fields_in(types, model) == model.model_fields.keys()
    assert "interface" not in source
    assert f"search.{MAIN_METRIC}" in source


def test_the_report_has_the_rule_for_dark_themes_that_the_editor_replaces() -> None:
    (rule,) = re.findall(r'replaceAll\("([^"]+)"', SOURCES[CLIENT / "src" / "adapter" / "outcome.ts"])
    template = ROOT / "server/codecontext/training/release/report/templates/evaluation.html.j2"
    assert rule in template.read_text(encoding="utf-8")


# --- Settings ---


def test_every_setting_of_the_server_is_offered_or_left_out_on_purpose() -> None:
    offered = {key for group in contributed_groups() for key in group["properties"]}
    missing = {doc.key for doc in describe_settings()} - {
        doc.key for doc in describe_settings() if editor_key(doc.key) in offered
    }
    assert missing == {"embeddings.provider", "engine.auto_index"}


def test_each_setting_says_what_it_is() -> None:
    for key, setting in properties().items():
        assert setting["markdownDescription"].endswith((".", ")")), key
        assert setting["scope"] in {"machine", "machine-overridable", "window", "resource"}, key
        assert "default" in setting, key
        assert len(setting.get("enumDescriptions", setting.get("enum", []))) == len(setting.get("enum", [])), key


def test_the_adapter_is_set_for_each_folder_and_needs_trust() -> None:
    key = "codecontext.embeddings.huggingface.loraAdapterPath"
    assert properties()[key]["scope"] == "resource"
    restricted = MANIFEST["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"]
    assert key in restricted
    assert set(restricted_settings()) < set(restricted)
    assert "codecontext.python.interpreter" in restricted


def test_the_settings_of_the_extension_itself_are_typed_and_documented() -> None:
    source = SOURCES[CLIENT / "src" / "server" / "configuration.ts"]
    typed = {f"codecontext.{key}" for key in re.findall(r'^  "([\w.]+)": ', source, re.MULTILINE)}
    read_by_vscode = {"codecontext.editor.titleButton", "codecontext.trace.server"}
    assert typed == own_keys() - read_by_vscode
    assert [key for key in sorted(own_keys()) if f"`{key}`" not in README] == []


# --- Commands ---


def test_every_command_is_registered_and_the_other_way_round() -> None:
    assert registered_commands() == commands().keys()


def test_commands_are_named_alike() -> None:
    for name, command in commands().items():
        assert command["category"] == "CodeContext", name
        assert not name.startswith(protocol.COMMAND_PREFIX), name


def test_whatever_names_a_command_names_one_there_is() -> None:
    texts = [*SOURCES.values(), json.dumps(CONTRIBUTES)]
    linked = {name for text in texts for name in re.findall(r"command:(codecontext\.[\w.]+)", text)}
    in_menus = {entry["command"] for entries in CONTRIBUTES["menus"].values() for entry in entries}
    keys = {binding["command"] for binding in CONTRIBUTES["keybindings"]}
    assert linked | in_menus | keys <= commands().keys()


def test_the_commands_that_people_type_are_documented() -> None:
    hidden = {entry["command"] for entry in CONTRIBUTES["menus"]["commandPalette"] if entry["when"] == "false"}
    shown = [command["title"] for name, command in commands().items() if name not in hidden]
    assert [title for title in shown if title not in README] == []


def test_every_context_key_is_set_somewhere() -> None:
    used = set(re.findall(r"\bcodecontext\.(?:state|\w+)\b(?= ==|\b)", " ".join(whens(CONTRIBUTES))))
    used = {key for key in used if key not in {"codecontext.results", "codecontext.editor"}}
    code = " ".join(SOURCES.values())
    assert [key for key in sorted(used) if f'"{key}"' not in code] == []


def whens(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["when"]] if isinstance(value.get("when"), str) else []
        return own + [found for item in value.values() for found in whens(item)]
    return [found for item in value for found in whens(item)] if isinstance(value, list) else []


# --- The package ---


def test_the_extension_and_the_server_have_one_version() -> None:
    import codecontext

    assert MANIFEST["version"] == codecontext.__version__
    assert f"## {MANIFEST['version']}" in (CLIENT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_licence_is_the_projects() -> None:
    assert (CLIENT / "LICENSE").read_text(encoding="utf-8") == (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_every_picture_is_there_and_small() -> None:
    named = re.findall(r"media/[\w/.-]+\.\w+", json.dumps(MANIFEST) + README)
    assert "media/icon.png" in named
    assert [name for name in named if not (CLIENT / name).is_file()] == []
    film = CLIENT / "media" / "search.gif"  # for readers of the README, not packaged
    assert film.stat().st_size < 2_000_000
    packaged = [path for path in (CLIENT / "media").rglob("*.*") if path != film]
    assert sum(path.stat().st_size for path in packaged) < 450_000


def test_nothing_asks_who_uses_it() -> None:
    code = " ".join(SOURCES.values())
    assert not re.search(r"telemetry|https?://(?!docs\.)", code, re.IGNORECASE)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_lock_files_name_no_host() -> None:
    listed = subprocess.run(["git", "ls-files", "*package-lock.json"], cwd=ROOT, capture_output=True, text=True)
    for name in listed.stdout.split():
        assert '"resolved"' not in (ROOT / name).read_text(encoding="utf-8"), name
