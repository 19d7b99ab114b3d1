"""Settings files: any bytes give settings or a ``ConfigError`` that names the file; no project decides too much."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from codecontext.config import Settings, describe_settings, load_settings
from codecontext.core.errors import ConfigError
from fuzz.bounds import FUZZ

KEYS = [doc.key for doc in describe_settings()]
RESTRICTED = {doc.key for doc in describe_settings() if doc.trusted_only}
USERS_OWN = {doc.key for doc in describe_settings() if doc.user_only}

SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        ["~nosuchuser/x", "//server/share", "*" * 200, "[z-a]", "**/", "!", "\\", "a" * 3_000, "../..", "{"]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=12,
)
SOME_KEYS = st.one_of(
    st.sampled_from(KEYS),
    st.sampled_from(KEYS).map(str.title),
    st.sampled_from(sorted({key.partition(".")[0] for key in KEYS})),
    st.text(alphabet="abc._", min_size=1, max_size=20),
)
TREES = st.lists(st.tuples(SOME_KEYS, VALUES), max_size=6)
NOISE = st.one_of(
    st.binary(max_size=400),
    st.text(alphabet="[]{}=.\"'#\n ab1,:-&*!|>", max_size=400).map(str.encode),
    st.sampled_from(["[", "{a=", "a.", '"""', "- ", "a: &a [*a, ", "[["]).flatmap(
        lambda part: st.integers(1, 5_000).map(lambda count: (part * count).encode())
    ),
    st.integers(1, 6_000).map(lambda digits: b"search.limit = " + b"9" * digits),
)
MARKS = st.sampled_from([b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CODECONTEXT_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


def check(folder: Path, file: Path, *, is_project: bool) -> None:
    for trusted in (True, False):
        try:
            loaded = load_settings(folder, trusted=trusted)
        except ConfigError as error:
            assert str(file) in str(error)
            continue
        assert isinstance(loaded.settings, Settings)
        if is_project:
            decided = {key for key, origin in loaded.origins.items() if origin.kind == "project"}
            assert not decided & (USERS_OWN if trusted else RESTRICTED)


@FUZZ
@given(MARKS, NOISE)
def test_any_bytes(folder: Path, mark: bytes, noise: bytes) -> None:
    for file in (folder / ".codecontext.toml", folder.parent / "home" / "config.yaml"):
        file.write_bytes(mark + noise)
        check(folder, file, is_project=file.suffix == ".toml")
        file.unlink()


@FUZZ
@given(TREES)
@example([("indexing.exclude", ["[z-a]"])])
@example([("embeddings.huggingface.lora_adapter_path", "a" * 3_000)])
@example([("embeddings.huggingface.lora_adapter_path", "a/\0")])
def test_any_values(folder: Path, tree: list[tuple[str, Any]]) -> None:
    project = folder / ".codecontext.toml"
    project.write_text("\n".join(f"{_toml_key(key)} = {_toml(value)}" for key, value in tree), encoding="utf-8")
    check(folder, project, is_project=True)
    project.unlink()
    user = folder.parent / "home" / "config.yaml"
    user.write_text(yaml.safe_dump(_nested(tree), allow_unicode=True), encoding="utf-8")
    check(folder, user, is_project=False)
    user.unlink()


@FUZZ
@given(TREES)
@example([("indexing.include", ["**/[b-a]/**"])])
@example([("embeddings.huggingface.lora_adapter_path", "a" * 3_000)])
def test_any_values_from_an_editor(folder: Path, tree: list[tuple[str, Any]]) -> None:
    try:
        load_settings(folder, editor=_nested(tree), trusted=False)
    except ConfigError as error:
        assert str(error).startswith("editor settings: ")


def _nested(tree: list[tuple[str, Any]]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for key, value in tree:
        *sections, name = key.split(".")
        group = nested
        for section in sections:
            inner = group.setdefault(section, {})
            group = inner if isinstance(inner, dict) else group
        group[name] = value
    return nested


def _toml_key(key: str) -> str:
    return ".".join(json.dumps(part) for part in key.split("."))


def _toml(value: Any) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{json.dumps(key)} = {_toml(inner)}" for key, inner in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case float():
            return str(value)
        case _:
            return json.dumps(value)
