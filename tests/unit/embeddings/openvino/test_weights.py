"""Weights are mapped as they are stored, and damaged files are named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import save_file

from codecontext.embeddings.openvino.weights import MappedWeights, UnknownFormat, UnreadableWeights, weight_files
from unit.embeddings.openvino.encoders import loaded, save_encoder


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return save_encoder(tmp_path_factory.mktemp("bert"), "bert")


def test_gives_every_tensor(folder):
    weights = MappedWeights(weight_files(folder))

    expected = loaded(folder).state_dict()
    assert set(weights) == expected.keys()
    assert len(weights) == len(expected)
    for name, tensor in expected.items():
        assert weights.tensor(name).shape == tuple(tensor.shape)
        np.testing.assert_array_equal(weights[name], tensor.numpy())


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
def test_reads_each_format_exactly(tmp_path, dtype):
    import torch

    tensor = torch.tensor([[0.0, -1.5, 3.140625], [1e-3, -65_000.0, 2.0**-14]]).to(getattr(torch, dtype))
    save_file({"x": tensor, "empty": tensor[:0]}, tmp_path / "model.safetensors")

    weights = MappedWeights(weight_files(tmp_path))

    assert weights["x"].dtype == np.float32
    np.testing.assert_array_equal(weights["x"], tensor.float().numpy())
    assert weights["empty"].shape == (0, 3)


def test_single_precision_takes_no_memory(folder):
    weights = MappedWeights(weight_files(folder))

    first, second = weights["embeddings.word_embeddings.weight"], weights["embeddings.word_embeddings.weight"]

    assert np.shares_memory(first, second)


def test_writing_to_a_tensor_does_not_reach_the_file(folder):
    before = (folder / "model.safetensors").read_bytes()
    weights = MappedWeights(weight_files(folder))

    weights["embeddings.LayerNorm.bias"][:] = 7

    assert (folder / "model.safetensors").read_bytes() == before


def test_a_replaced_file_leaves_the_mapped_one_as_it_was(folder, tmp_path):
    model = shutil.copytree(folder, tmp_path / "model")
    weights = MappedWeights(weight_files(model))
    before = weights["embeddings.LayerNorm.bias"].copy()

    other = save_encoder(tmp_path / "other", "bert", hidden_size=24)
    (other / "model.safetensors").replace(model / "model.safetensors")

    np.testing.assert_array_equal(weights["embeddings.LayerNorm.bias"], before)


def test_integers_can_be_listed_but_not_read(tmp_path):
    import torch

    save_file({"position_ids": torch.arange(3)}, tmp_path / "model.safetensors")
    weights = MappedWeights(weight_files(tmp_path))

    assert weights.tensor("position_ids").dtype == "I64"
    with pytest.raises(UnknownFormat, match="I64"):
        weights["position_ids"]


def test_reads_models_in_parts(folder, tmp_path):
    model = loaded(folder)
    model.save_pretrained(tmp_path, max_shard_size="40KB")

    files = weight_files(tmp_path)
    weights = MappedWeights(files)

    assert len(files) > 1
    assert {name: weights.tensor(name).shape for name in weights} == {
        name: tuple(tensor.shape) for name, tensor in model.state_dict().items()
    }


def test_files_beside_a_whole_model_are_not_part_of_it(folder, tmp_path):
    import torch

    model = shutil.copytree(folder, tmp_path / "model")
    save_file({"embeddings.LayerNorm.bias": torch.ones(1)}, model / "adapter_model.safetensors")

    assert weight_files(model) == [model / "model.safetensors"]


def test_names_can_be_changed(folder):
    weights = MappedWeights(weight_files(folder), lambda name: f"x.{name}")

    assert "x.embeddings.LayerNorm.bias" in weights
    assert "embeddings.LayerNorm.bias" not in weights


def test_tensors_can_be_replaced(folder):
    weights = MappedWeights(weight_files(folder))
    name, other = "embeddings.LayerNorm.bias", np.ones(48, dtype=np.float32)

    twin = weights.replaced({name: other})

    assert twin[name] is other
    assert not np.array_equal(weights[name], other)
    np.testing.assert_array_equal(twin["pooler.dense.bias"], weights["pooler.dense.bias"])


@pytest.mark.parametrize("content", [b"", b"\x00", b"\xff" * 100, b"\x02\0\0\0\0\0\0\0{}x"])
def test_damaged_files_are_named(tmp_path, content):
    (tmp_path / "model.safetensors").write_bytes(content)

    with pytest.raises(UnreadableWeights, match=r"model\.safetensors cannot be read"):
        MappedWeights(weight_files(tmp_path))


def test_a_file_that_was_cut_short_is_named(folder, tmp_path):
    content = (folder / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(content[:-4])

    with pytest.raises(UnreadableWeights, match=r"model\.safetensors cannot be read"):
        MappedWeights(weight_files(tmp_path))


@pytest.mark.parametrize(
    "index", [None, "{", "[]", '{"weight_map": 3}', json.dumps({"weight_map": {"x": "missing.safetensors"}})]
)
def test_missing_files_are_named(tmp_path, index):
    if index is not None:
        (tmp_path / "model.safetensors.index.json").write_text(index, encoding="utf-8")

    with pytest.raises(UnreadableWeights, match=r"model\.safetensors|missing\.safetensors"):
        MappedWeights(weight_files(tmp_path))
