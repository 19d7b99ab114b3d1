"""The settings in the VS Code extension: ``package.json`` and ``src/settingKeys.ts`` in ``vscode-client/``.

In VS Code a setting is called as here, in the editor's own spelling, below ``codecontext``:
``embeddings.huggingface.lora_adapter_path`` is ``codecontext.embeddings.huggingface.loraAdapterPath``. The extension
sends only what the user has set, in our spelling, so that an editor's default never hides another source.
"""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any

from pydantic.alias_generators import to_camel

from codecontext.config.tree import SettingDoc, describe_settings

PREFIX = "codecontext."

# The extension has `codecontext.index.autoStart`, which decides before anything runs; a provider cannot be chosen yet.
_NOT_IN_THE_EDITOR = frozenset({"engine.auto_index", "embeddings.provider"})
# One process serves all folders of a window, so these cannot differ between folders.
_ONE_FOR_ALL_FOLDERS = ("storage.", "engine.", "logging.")
_TITLES = {
    "embeddings.huggingface": "Model and Adapter",
    "adapters": "Adapters",
    "indexing": "Files",
    "chunking": "Chunks",
    "search": "Search",
    "storage": "Storage",
    "engine": "Engine",
    "logging": "Logging",
}


def editor_key(key: str) -> str:
    """The setting's name in VS Code."""
    return PREFIX + ".".join(to_camel(part) for part in key.split("."))


def editor_settings() -> list[SettingDoc]:
    """The settings that VS Code offers, in the order of the reference."""
    return [doc for doc in describe_settings() if doc.key not in _NOT_IN_THE_EDITOR]


def contributed_groups() -> list[dict[str, Any]]:
    """Groups of ``contributes.configuration``, one for each section of the settings."""
    return [
        {"title": _TITLES[section], "properties": {editor_key(doc.key): _property(doc) for doc in docs}}
        for section, docs in groupby(editor_settings(), key=lambda doc: doc.key.rpartition(".")[0])
    ]


def restricted_settings() -> list[str]:
    """Settings whose workspace values VS Code drops while the workspace is not trusted."""
    return [editor_key(doc.key) for doc in editor_settings() if doc.trusted_only]


def render_manifest(current: str) -> str:
    """``package.json`` with the settings brought up to date."""
    return json.dumps(with_settings(json.loads(current)), indent=2, ensure_ascii=False) + "\n"


def with_settings(manifest: dict[str, Any]) -> dict[str, Any]:
    """The extension's ``package.json`` with our groups in place of those before; its own groups stay, first."""
    ours = {group["title"]: group for group in contributed_groups()}
    own = [group for group in manifest["contributes"]["configuration"] if group["title"] not in ours]
    manifest["contributes"]["configuration"] = [*own, *ours.values()]
    own_keys = {key for group in own for key in group["properties"]}
    trust = manifest["capabilities"]["untrustedWorkspaces"]
    kept = [key for key in trust["restrictedConfigurations"] if key in own_keys]
    trust["restrictedConfigurations"] = [*kept, *restricted_settings()]
    return manifest


def render_keys() -> str:
    """``settingKeys.ts``: each setting's name in VS Code, without prefix, and ours."""
    rows = "".join(
        f"  {json.dumps(editor_key(doc.key).removeprefix(PREFIX))}: {json.dumps(doc.key)},\n"
        for doc in editor_settings()
    )
    user_only = "".join(f"  {json.dumps(doc.key)},\n" for doc in editor_settings() if doc.user_only)
    return (
        "// Written by `make codegen`; edit the settings in the code instead.\n\n"
        "/** Settings of the server: name in VS Code below `codecontext`, and the server's own. */\n"
        f"export const SETTING_KEYS: Readonly<Record<string, string>> = {{\n{rows}}};\n\n"
        "/** Those among them that a workspace may never decide, as the server calls them. */\n"
        f"export const USER_SETTINGS: ReadonlySet<string> = new Set([\n{user_only}]);\n"
    )


def _property(doc: SettingDoc) -> dict[str, Any]:
    online = {"tags": ["usesOnlineServices"]} if doc.key.endswith("allow_download") else {}
    return {
        **_schema(doc),
        "default": doc.default,
        "scope": _scope(doc),
        "markdownDescription": doc.description,
        **online,
    }


def _scope(doc: SettingDoc) -> str:
    """Who may set it in VS Code; what is of scope ``machine`` it does not take from a workspace."""
    if doc.user_only:
        return "machine"
    return "window" if doc.key.startswith(_ONE_FOR_ALL_FOLDERS) else "resource"


def _schema(doc: SettingDoc) -> dict[str, Any]:
    """The JSON schema of the value, in the form that VS Code's settings editor can show."""
    schema = dict(doc.schema)
    if "anyOf" in schema:
        options = schema.pop("anyOf")
        merged: dict[str, Any] = {"type": [option["type"] for option in options]}
        for option in options:
            merged |= {name: value for name, value in option.items() if name != "type"}
        schema = merged
    if "const" in schema:
        schema["enum"] = [schema.pop("const")]
    known = {"type", "enum", "enumDescriptions", "minimum", "maximum", "minLength", "pattern", "items"}
    plain = {name: value for name, value in schema.items() if name in known}
    if schema.get("type") == "object":
        plain["additionalProperties"] = {"type": "string"}
    return plain
