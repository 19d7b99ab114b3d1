"""A fingerprint follows the content of an adapter, and nothing else."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from codecontext.adapters import adapter_fingerprint
from codecontext.core.errors import AdapterError


def test_stays_when_the_folder_is_renamed_or_copied(write_adapter, tmp_path):
    folder = write_adapter()
    before = adapter_fingerprint(folder)

    copied = shutil.copytree(folder, tmp_path / "copy")
    renamed = folder.rename(tmp_path / "renamed")

    assert adapter_fingerprint(copied) == adapter_fingerprint(renamed) == before


def test_stays_when_the_configuration_is_written_differently(write_adapter):
    folder = write_adapter()
    before = adapter_fingerprint(folder)

    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    config |= {"base_model_name_or_path": "/elsewhere/base", "inference_mode": True}
    reordered = dict(reversed(config.items()))
    (folder / "adapter_config.json").write_text(json.dumps(reordered, indent=4), encoding="utf-8")

    assert adapter_fingerprint(folder) == before


def test_changes_with_weights_of_the_same_size_and_time(write_adapter):
    weights = write_adapter() / "adapter_model.safetensors"
    before, times = adapter_fingerprint(weights.parent), weights.stat()

    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    os.utime(weights, ns=(times.st_atime_ns, times.st_mtime_ns))

    assert adapter_fingerprint(weights.parent) != before


@pytest.mark.parametrize("changes", [{"lora_alpha": 9}, {"use_rslora": True}, {"a_field_of_tomorrow": 1}])
def test_changes_with_settings_that_decide_vectors(write_adapter, changes):
    before = adapter_fingerprint(write_adapter("plain"))

    assert adapter_fingerprint(write_adapter("changed", **changes)) != before


def test_changes_with_the_side(write_adapter):
    both = adapter_fingerprint(write_adapter("both"))

    assert adapter_fingerprint(write_adapter("query", manifest={"side": "query"})) != both


def test_says_when_weights_cannot_be_read(write_adapter):
    folder = write_adapter()
    (folder / "adapter_model.safetensors").unlink()

    with pytest.raises(AdapterError, match="cannot be read"):
        adapter_fingerprint(folder)
