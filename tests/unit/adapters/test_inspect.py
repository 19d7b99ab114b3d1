"""What an adapter folder says about itself, and each way in which it can be unusable."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from codecontext.adapters import AdapterSide, LoraLayer, inspect_adapter
from codecontext.core.errors import AdapterError

QUERY = "base_model.model.encoder.layer.0.attention.self.query"


def test_describes_a_sound_adapter(write_adapter):
    folder = write_adapter("mine", manifest={"side": "query", "base_fingerprint": "abc"})

    info = inspect_adapter(folder)

    assert (info.path, info.name, info.base_model) == (folder, "mine", "example/base")
    assert (info.rank, info.alpha, info.target_modules) == (4, 8, ("query", "value"))
    assert (info.side, info.base_fingerprint) == (AdapterSide.QUERY, "abc")
    assert (info.dtype, info.parameter_count) == ("F32", 2 * 4 * (10 + 12))
    assert info.size_bytes == sum(
        (folder / name).stat().st_size for name in ("adapter_config.json", "adapter_model.safetensors")
    )
    assert info.layers[0] == LoraLayer(module="encoder.layer.0.attention.self.query", rank=4, weight_shape=(12, 10))
    assert info.other_modules == ()


def test_serves_both_sides_unless_told(write_adapter):
    assert inspect_adapter(write_adapter()).side is AdapterSide.BOTH


def test_names_modules_that_are_replaced_as_a_whole(write_adapter):
    whole = {"base_model.model.pooler.dense.weight": np.ones((3, 3), dtype=np.float32)}
    lora = {f"{QUERY}.lora_A.weight": np.ones((4, 10)), f"{QUERY}.lora_B.weight": np.ones((12, 4))}

    assert inspect_adapter(write_adapter(tensors=lora | whole)).other_modules == ("pooler.dense",)


def test_names_modules_with_trained_biases_as_the_base_does(write_adapter):
    bias = {f"{QUERY}.base_layer.bias": np.ones(12), "base_model.model.dense.bias": np.ones(3)}
    lora = {f"{QUERY}.lora_A.weight": np.ones((4, 10)), f"{QUERY}.lora_B.weight": np.ones((12, 4))}

    assert inspect_adapter(write_adapter(tensors=lora | bias)).other_modules == ("dense",)


def test_reads_adapted_embeddings(write_adapter):
    words = "base_model.model.embeddings.word_embeddings"
    lora = {f"{words}.lora_embedding_A": np.ones((4, 1000)), f"{words}.lora_embedding_B": np.ones((12, 4))}

    [layer] = inspect_adapter(write_adapter(tensors=lora)).layers

    assert layer == LoraLayer(module="embeddings.word_embeddings", rank=4, weight_shape=(1000, 12))


def test_accepts_ranks_that_the_configuration_varies_by_module(write_adapter):
    lora = {f"{QUERY}.lora_A.weight": np.ones((2, 10)), f"{QUERY}.lora_B.weight": np.ones((12, 2))}

    assert inspect_adapter(write_adapter(tensors=lora, rank_pattern={"query": 2})).layers[0].rank == 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"peft_type": "IA3"}, "IA3"),
        ({"r": None}, "lacks r"),
        ({"target_modules": None}, "lacks target_modules"),
        ({"r": "eight"}, "r = 'eight'"),
        ({"lora_alpha": "big"}, "lora_alpha = 'big'"),
        ({"r": 16}, "says rank 16, but the weights of encoder.layer.0.attention.self.query have rank 4"),
    ],
)
def test_refuses_a_configuration_that_is_wrong(write_adapter, changes, said):
    with pytest.raises(AdapterError, match=said):
        inspect_adapter(write_adapter(**changes))


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ({}, "no tensors"),
        ({"base_model.model.pooler.weight": np.ones(3)}, "no LoRA matrices"),
        ({f"{QUERY}.lora_A.weight": np.ones((4, 10))}, "only one of the two LoRA matrices"),
        (
            {f"{QUERY}.lora_A.weight": np.ones((4, 1, 3)), f"{QUERY}.lora_B.weight": np.ones((12, 4, 1))},
            "are not matrices",
        ),
        (
            {f"{QUERY}.lora_A.weight": np.ones((4, 10)), f"{QUERY}.lora_B.weight": np.ones((12, 3))},
            "have ranks 4 and 3",
        ),
    ],
)
def test_refuses_weights_that_are_no_lora(write_adapter, tensors, said):
    with pytest.raises(AdapterError, match=said):
        inspect_adapter(write_adapter(tensors=tensors))


def test_refuses_pickled_weights_and_says_why_and_what_to_do(write_adapter):
    folder = write_adapter()
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")

    with pytest.raises(AdapterError, match=r"pickle .* can run any code") as caught:
        inspect_adapter(folder)
    assert "safetensors.torch.save_file" in caught.value.hint


def test_refuses_a_folder_without_weights(write_adapter):
    folder = write_adapter()
    (folder / "adapter_model.safetensors").unlink()

    with pytest.raises(AdapterError, match=r"has no weights: adapter_model\.safetensors is missing"):
        inspect_adapter(folder)


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_refuses_weights_that_are_cut_off(write_adapter, kept):
    weights = write_adapter() / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:kept])

    with pytest.raises(AdapterError, match="damaged or incomplete"):
        inspect_adapter(weights.parent)


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("adapter_config.json", "{", "cannot be read"),
        ("adapter_config.json", "[]", "contains list, not a JSON object"),
        ("codecontext.json", "{", "cannot be read"),
        ("codecontext.json", json.dumps({"side": "left"}), "side is 'left'"),
    ],
)
def test_refuses_broken_json(write_adapter, file, content, said):
    folder = write_adapter()
    (folder / file).write_text(content, encoding="utf-8")

    with pytest.raises(AdapterError, match=said):
        inspect_adapter(folder)


def test_refuses_a_place_without_an_adapter(tmp_path: Path):
    with pytest.raises(AdapterError, match=r"missing adapter_config\.json"):
        inspect_adapter(tmp_path)
    with pytest.raises(AdapterError, match="path does not exist"):
        inspect_adapter(tmp_path / "nothing")
    (tmp_path / "file").touch()
    with pytest.raises(AdapterError, match="must be a directory"):
        inspect_adapter(tmp_path / "file")
