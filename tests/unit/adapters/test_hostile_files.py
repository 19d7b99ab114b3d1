"""Files of an adapter that are not what their names say, and settings that nobody meant: one sentence each."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codecontext.adapters import AdapterInfo, InvalidAdapter, adapter_fingerprint, discover_adapters, inspect_adapter
from codecontext.adapters.files import read_adapter_manifest
from codecontext.core.errors import AdapterError

from .conftest import MODULES, lora_tensors

CONFIG, WEIGHTS, MANIFEST = "adapter_config.json", "adapter_model.safetensors", "codecontext.json"
LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 1234\n"
unix = pytest.mark.skipif(sys.platform == "win32", reason="needs FIFOs and devices")


def put(folder: Path, name: str, what: str) -> None:
    """Let ``name`` be something else than a file of the right size."""
    file = folder / name
    file.unlink(missing_ok=True)
    if what == "fifo":
        os.mkfifo(file)
    elif what == "device":
        file.symlink_to("/dev/zero")
    elif what == "folder":
        file.mkdir()
    elif what == "huge":
        with file.open("wb") as sparse:
            sparse.truncate(20_000_000_000)
    else:
        file.symlink_to(file)


@unix
@pytest.mark.parametrize("what", ["fifo", "device", "folder", "huge", "link to itself"])
@pytest.mark.parametrize("name", [CONFIG, WEIGHTS, MANIFEST])
def test_what_is_no_file_of_a_right_size_is_refused_unread(write_adapter, name, what):
    folder = write_adapter()
    put(folder, name, what)

    with pytest.raises(AdapterError, match=name):
        inspect_adapter(folder)
    with pytest.raises(AdapterError, match=name):
        adapter_fingerprint(folder)


def test_a_folder_that_is_a_link_is_read(write_adapter, tmp_path):
    (tmp_path / "link").symlink_to(write_adapter(), target_is_directory=True)

    assert inspect_adapter(tmp_path / "link").fingerprint == inspect_adapter(tmp_path / "adapter").fingerprint


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS, MANIFEST])
def test_a_git_lfs_pointer_says_so(write_adapter, name):
    folder = write_adapter()
    (folder / name).write_bytes(LFS_POINTER)

    with pytest.raises(AdapterError, match=r"is a Git LFS pointer.*git lfs pull"):
        inspect_adapter(folder)


@pytest.mark.parametrize("name", [CONFIG, MANIFEST])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"a":' * 100_000, "nested"),
        (b'{"a": ' + b"[" * 100 + b"]" * 100 + b"}", "nested more than 64 deep"),
        (b"\xff\xfe{", "cannot be read"),
        (b"\x00" * 64, "cannot be read"),
        (b'{"r": ' + b"9" * 5000 + b"}", "cannot be read"),
        (b"7", "contains int"),
        (b"null", "contains NoneType"),
    ],
    ids=["endless", "deep", "utf-16", "null bytes", "long number", "number", "null"],
)
def test_what_is_no_json_object_is_refused(write_adapter, name, content, said):
    folder = write_adapter()
    (folder / name).write_bytes(content)

    with pytest.raises(AdapterError, match=said):
        inspect_adapter(folder)


def test_a_byte_order_mark_is_read_over(write_adapter):
    folder = write_adapter(manifest={"side": "query"})
    plain = inspect_adapter(folder)
    for name in (CONFIG, MANIFEST):
        (folder / name).write_bytes(b"\xef\xbb\xbf" + (folder / name).read_bytes())

    marked = inspect_adapter(folder)
    assert marked.model_dump(exclude={"size_bytes"}) == plain.model_dump(exclude={"size_bytes"})
    assert read_adapter_manifest(folder).side == "query"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"base_model_name_or_path": 7}, "base_model_name_or_path = 7"),
        ({"rank_pattern": [4]}, r"rank_pattern = \[4\]"),
        ({"rank_pattern": {"query": 0}}, "rank_pattern"),
        ({"alpha_pattern": {"query": "much"}}, "alpha_pattern = {'query': 'much'}"),
        ({"alpha_pattern": "all"}, "alpha_pattern = 'all'"),
        ({"target_modules": ["query", 5]}, r"target_modules = \['query', 5\]"),
        ({"target_modules": {"query": True}}, "target_modules"),
        ({"target_modules": 3.5}, "target_modules = 3.5"),
        ({"exclude_modules": 1}, "exclude_modules = 1"),
        ({"layers_to_transform": ["first"]}, "layers_to_transform"),
        ({"layers_pattern": {}}, "layers_pattern"),
        ({"modules_to_save": "pooler"}, "modules_to_save = 'pooler'"),
        ({"bias": "some"}, "bias = 'some'"),
        ({"r": True}, "r = True"),
        ({"r": 4.0}, "r = 4.0"),
        ({"r": -1}, "r = -1"),
        ({"lora_alpha": float("nan")}, "lora_alpha = nan"),
        ({"lora_alpha": 10**400}, "lora_alpha = 1000"),
        ({"use_rslora": "yes"}, "use_rslora = 'yes'"),
        ({"init_lora_weights": [1]}, "init_lora_weights"),
        ({"loftq_config": {"loftq_bits": 3}}, "loftq_config"),
        ({"peft_type": ["LORA"]}, r"PEFT type \['LORA'\], but only LoRA is supported"),
        ({"peft_type": None}, "lacks peft_type"),
        ({"layer_replication": [[0, 4], [2, 5]]}, "layer_replication.*does not support"),
        ({"target_parameters": ["experts.weight"]}, "target_parameters.*does not support"),
        ({"trainable_token_indices": [1, 2]}, "trainable_token_indices.*does not support"),
        ({"megatron_config": {"a": 1}, "megatron_core": "this"}, "megatron_config.*does not support"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_setting_of_the_wrong_kind_is_named(write_adapter, changes, said):
    with pytest.raises(AdapterError, match=said):
        inspect_adapter(write_adapter(**changes))


@pytest.mark.parametrize("task", ["CAUSAL_LM", "SEQ_CLS", "TOKEN_CLS", "SOMETHING_ELSE", 7, None])
def test_the_task_it_was_trained_for_does_not_matter(write_adapter, task):
    assert inspect_adapter(write_adapter(task_type=task)).rank == 4


@pytest.mark.parametrize(
    "field", ["target_modules", "exclude_modules", "layers_pattern", "rank_pattern", "alpha_pattern"]
)
@pytest.mark.parametrize("pattern", ["(", "[z-a]", "(?!x)y", r"(a)\1", "a{999999}", "a" * 5000, "(" * 3000])
def test_a_pattern_that_cannot_be_matched_in_linear_time_is_refused(write_adapter, field, pattern):
    value: Any = {pattern: 4} if field.startswith(("rank", "alpha")) else pattern
    with pytest.raises(AdapterError, match=rf"adapter_config\.json.*{field}") as caught:
        inspect_adapter(write_adapter(**{field: value}))
    assert len(str(caught.value)) < 1000


def test_one_bad_folder_leaves_the_others_in_the_list(write_adapter, tmp_path, monkeypatch):
    good = write_adapter("b-good")
    write_adapter("a-number", base_model_name_or_path=7)
    write_adapter("c-list", rank_pattern=[])
    (write_adapter("d-deep") / CONFIG).write_bytes(b"[" * 100_000)
    odd = write_adapter("e-odd")
    real = inspect_adapter

    def inspect_or_fail(path: Path) -> AdapterInfo:
        if path == odd:
            raise ZeroDivisionError("what nobody foresaw")
        return real(path)

    monkeypatch.setattr("codecontext.adapters.discover.inspect_adapter", inspect_or_fail)

    found = discover_adapters([tmp_path])

    assert [item.path for item in found if isinstance(item, AdapterInfo)] == [good]
    faults = {item.path.name: item.reason for item in found if isinstance(item, InvalidAdapter)}
    assert faults.keys() == {"a-number", "c-list", "d-deep", "e-odd"}
    assert "base_model_name_or_path" in faults["a-number"]
    assert "what nobody foresaw" in faults["e-odd"]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda name: name.replace("base_model.model.", ""),
        lambda name: f"module.{name}",
        lambda name: f"_orig_mod.{name}",
        lambda name: name.replace("base_model.model.", "base_model.model._orig_mod."),
        lambda name: name.replace("layer.0.", "layer.0._orig_mod.").replace("self.", "self._fsdp_wrapped_module."),
        lambda name: name.replace("base_model.model.", "0.auto_model.base_model.model."),
        lambda name: name.replace(".weight", ".default.weight"),
    ],
)
def test_wrappers_that_no_model_has_do_not_matter(write_adapter, wrap: Callable[[str], str]):
    tensors = {wrap(name): tensor for name, tensor in lora_tensors().items()}

    assert [layer.module for layer in inspect_adapter(write_adapter(tensors=tensors)).layers] == list(MODULES)


def test_two_tensors_under_one_name_are_refused(write_adapter):
    tensors = lora_tensors()
    again = {f"module.{name}": tensor + 1 for name, tensor in tensors.items()}

    with pytest.raises(AdapterError, match=r"contains .* twice"):
        inspect_adapter(write_adapter(tensors=tensors | again))


def test_a_long_value_is_shortened_in_the_message(write_adapter):
    with pytest.raises(AdapterError) as caught:
        inspect_adapter(write_adapter(rank_pattern=["x" * 100_000] * 100))
    assert len(str(caught.value)) < 1000


def test_settings_survive_being_written_by_other_tools(write_adapter):
    """Nulls where PEFT writes defaults, and fields of tomorrow."""
    folder = write_adapter(
        bias=None, use_dora=None, rank_pattern=None, fan_in_fan_out=None, init_lora_weights=None, tomorrow={"a": [1]}
    )
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))

    assert "tomorrow" in config
    assert inspect_adapter(folder).alpha == 8
    assert np.isfinite(inspect_adapter(folder).alpha)
