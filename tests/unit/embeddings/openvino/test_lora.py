"""What an adapter does to a model's weights, without PEFT: the same as with it, or a refusal to guess."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from codecontext.adapters import inspect_adapter
from codecontext.core.errors import AdapterError
from codecontext.embeddings.openvino.architecture import Architecture, parse
from codecontext.embeddings.openvino.lora import UnsupportedAdapter, merged_weights
from codecontext.embeddings.openvino.models import ARCHITECTURES, modules_of
from codecontext.embeddings.openvino.weights import MappedWeights, weight_files
from codecontext.embeddings.pooling import Pooling
from unit.embeddings.openvino.encoders import (
    LONGEST,
    batch,
    graph_of,
    loaded,
    lowest_cosine,
    merged_by_peft,
    save_adapter,
    save_encoder,
    torch_vectors,
)

# transformers warns of an attribute of its own that PEFT reads.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

QUERY, VALUE = "attention.self.query", "attention.self.value"
FIRST_QUERY = f"encoder.layer.0.{QUERY}"
PLAIN = {"target_modules": ["query", "value"]}
KINDS = {
    "plain": PLAIN,
    "all linear": {"target_modules": "all-linear"},
    "a pattern": {"target_modules": r".*\.(query|value)"},
    "dense": {"target_modules": ["dense"]},
    "rsLoRA": PLAIN | {"use_rslora": True, "lora_alpha": 5},
    "patterns": PLAIN
    | {"rank_pattern": {"layer.0.attention.self.query": 2}, "alpha_pattern": {r"layer\.[12].*value": 3, "query": 9}},
    "some layers": PLAIN | {"layers_to_transform": [0, 2]},
    "one layer": PLAIN | {"layers_to_transform": 1, "layers_pattern": "layer"},
    "DoRA": PLAIN | {"use_dora": True},
    "DoRA of all, rsLoRA": {"target_modules": "all-linear", "use_dora": True, "use_rslora": True},
    "all biases": PLAIN | {"bias": "all"},
    "biases of targets": PLAIN | {"bias": "lora_only"},
    "bias of the adapter": PLAIN | {"lora_bias": True},
    "bias of the adapter, rsLoRA": PLAIN | {"lora_bias": True, "use_rslora": True},
    "embeddings": {"target_modules": ["query", "word_embeddings", "position_embeddings"]},
    "embeddings, DoRA": {"target_modules": ["query", "word_embeddings"], "use_dora": True},
    "pooler": {"target_modules": ["query", "pooler.dense"]},
    "whole pooler": PLAIN | {"modules_to_save": ["pooler"]},
    "whole embeddings": PLAIN | {"modules_to_save": ["word_embeddings"]},
    "whole norms": PLAIN | {"modules_to_save": ["LayerNorm"]},
    "whole layer": {"target_modules": ["key"], "modules_to_save": ["encoder.layer.1.intermediate.dense"]},
    "PiSSA": PLAIN | {"init_lora_weights": "pissa"},
    "OLoRA, rsLoRA": PLAIN | {"init_lora_weights": "olora", "use_rslora": True},
}
QWEN2_KINDS = {
    "plain": {"target_modules": ["q_proj", "v_proj", "down_proj"]},
    "all linear, DoRA": {"target_modules": "all-linear", "use_dora": True},
    "embeddings": {"target_modules": ["embed_tokens", "k_proj"]},
    "whole norms": {"target_modules": ["q_proj"], "modules_to_save": ["norm", "input_layernorm"]},
    "biases": {"target_modules": ["q_proj"], "bias": "all"},
}
OTHER_KINDS = {
    "all linear": {"target_modules": "all-linear"},
    "DoRA of all, rsLoRA": {"target_modules": "all-linear", "use_dora": True, "use_rslora": True},
    "embeddings, biases": {"target_modules": ["word_embeddings", "dense"], "bias": "all"},
}


@pytest.fixture(scope="module")
def bert(tmp_path_factory) -> Path:
    return save_encoder(tmp_path_factory.mktemp("bert"), "bert")


@pytest.fixture(scope="module")
def qwen2(tmp_path_factory) -> Path:
    return save_encoder(tmp_path_factory.mktemp("qwen2"), "qwen2")


@pytest.fixture
def adapter(bert, tmp_path) -> Path:
    """An adapter on query and value, to be changed."""
    return save_adapter(tmp_path / "adapter", bert, **PLAIN)


def architecture_of(model: Path) -> Architecture:
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    return parse(ARCHITECTURES[config["model_type"]], config)


def merged(model: Path, adapter: Path) -> dict[str, np.ndarray]:
    architecture = architecture_of(model)
    weights = MappedWeights(weight_files(model))
    return merged_weights(inspect_adapter(adapter), modules_of(architecture), architecture.tables, weights)


def assert_as_peft(model: Path, adapter: Path) -> dict[str, np.ndarray]:
    found = merged(model, adapter)
    base, adapted = loaded(model).state_dict(), merged_by_peft(model, adapter)
    expected = adapted.state_dict()
    assert expected.keys() == base.keys()
    for name, weight in expected.items():
        np.testing.assert_allclose(found.get(name, base[name].numpy()), weight.numpy(), atol=2e-5, err_msg=name)
    assert any(np.abs(weight - base[name].numpy()).max() > 0.01 for name, weight in found.items())
    ids, mask = batch([3, 17, LONGEST], side="right", pad_id=1)
    vectors = graph_of(model, Pooling.MEAN, changed=found).forward(ids, mask)
    assert lowest_cosine(vectors, torch_vectors(adapted, ids, mask, Pooling.MEAN)) >= 0.9999
    return found


def change_config(folder: Path, **changes) -> None:
    file = folder / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | changes), encoding="utf-8")


def change_weights(folder: Path, change) -> None:
    file = folder / "adapter_model.safetensors"
    save_file(change(load_file(file)), file)


@pytest.mark.parametrize("settings", KINDS.values(), ids=KINDS)
def test_gives_pefts_weights(bert, tmp_path, settings):
    assert_as_peft(bert, save_adapter(tmp_path, bert, **settings))


@pytest.mark.parametrize("settings", QWEN2_KINDS.values(), ids=QWEN2_KINDS)
def test_gives_pefts_weights_of_a_decoder(qwen2, tmp_path, settings):
    assert_as_peft(qwen2, save_adapter(tmp_path, qwen2, **settings))


@pytest.mark.parametrize("settings", OTHER_KINDS.values(), ids=OTHER_KINDS)
@pytest.mark.parametrize("kind", ["roberta", "mpnet"])
def test_gives_pefts_weights_of_other_encoders(tmp_path, kind, settings):
    model = save_encoder(tmp_path / "model", kind)

    assert_as_peft(model, save_adapter(tmp_path / "adapter", model, **settings))


@pytest.mark.parametrize("kind", ["float64", "float16", "bfloat16"])
def test_reads_other_precisions(bert, adapter, kind):
    import torch

    change_weights(adapter, lambda weights: {name: weight.to(getattr(torch, kind)) for name, weight in weights.items()})

    assert len(assert_as_peft(bert, adapter)) == 6


def test_changes_nothing_that_it_does_not_name(bert, adapter):
    found = merged(bert, adapter)

    assert found.keys() == {f"encoder.layer.{layer}.{part}.weight" for layer in range(3) for part in (QUERY, VALUE)}


def test_matrices_of_no_target_are_left_out(bert, adapter):
    change_config(adapter, target_modules=["query"])

    assert len(assert_as_peft(bert, adapter)) == 3


def test_a_module_that_no_vector_depends_on_may_be_missing_from_the_model(bert, tmp_path):
    adapter = save_adapter(tmp_path / "adapter", bert, target_modules=["query", "pooler.dense"])
    lean = shutil.copytree(bert, tmp_path / "lean")
    weights = load_file(lean / "model.safetensors")
    save_file(
        {name: weight for name, weight in weights.items() if "pooler" not in name},
        lean / "model.safetensors",
        metadata={"format": "pt"},
    )

    assert len(merged(lean, adapter)) == 3


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"init_lora_weights": "pissa_niter_4"}, "init_lora_weights is 'pissa_niter_4'"),
        ({"init_lora_weights": "loftq"}, "init_lora_weights is 'loftq'"),
        ({"some_later_field": {"on": 1}}, r"some_later_field is {'on': 1}"),
    ],
)
def test_leaves_to_peft_what_it_does_not_know(bert, adapter, changes, said):
    change_config(adapter, **changes)

    with pytest.raises(UnsupportedAdapter, match=said):
        merged(bert, adapter)


def test_leaves_to_peft_the_start_of_embeddings(bert, tmp_path):
    adapter = save_adapter(tmp_path, bert, target_modules=["word_embeddings"])
    change_config(adapter, init_lora_weights="olora")

    with pytest.raises(UnsupportedAdapter, match=r"olora and embeddings\.word_embeddings is an embedding"):
        merged(bert, adapter)


def test_leaves_to_peft_numbers_in_a_format_that_it_does_not_know(bert, adapter):
    import torch

    change_weights(adapter, lambda weights: {name: weight.to(torch.float8_e4m3fn) for name, weight in weights.items()})

    with pytest.raises(UnsupportedAdapter, match="stored as F8_E4M3"):
        merged(bert, adapter)


def test_fields_without_effect_do_not_matter(bert, adapter):
    expected = merged(bert, adapter)
    change_config(adapter, peft_version="99.0", some_later_field=False, another=None, lora_dropout=0.5)

    found = merged(bert, adapter)

    assert found.keys() == expected.keys()
    for name, weight in found.items():
        np.testing.assert_array_equal(weight, expected[name])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"use_dora": True}, f"it lacks base_model.model.{FIRST_QUERY}.lora_magnitude_vector"),
        ({"lora_bias": True}, f"it lacks base_model.model.{FIRST_QUERY}.lora_B.bias"),
        ({"target_modules": ["query", "value", "key"]}, "is incomplete"),
        ({"r": 2, "rank_pattern": {"value": 4, "key": 4}}, "another rank than configured"),
    ],
)
def test_refuses_settings_that_contradict_the_weights(bert, adapter, changes, said):
    change_config(adapter, **changes)

    with pytest.raises(AdapterError, match=said):
        merged(bert, adapter)


def test_refuses_tensors_beyond_the_settings(bert, tmp_path):
    adapter = save_adapter(tmp_path, bert, **PLAIN, use_dora=True)
    change_config(adapter, use_dora=False)

    with pytest.raises(AdapterError, match=r"it has .*query\.lora_magnitude_vector beyond what its settings say"):
        merged(bert, adapter)


def test_refuses_a_magnitude_of_another_shape(bert, tmp_path):
    adapter = save_adapter(tmp_path, bert, **PLAIN, use_dora=True)
    change_weights(
        adapter, lambda weights: {name: weight[:3] if "magn" in name else weight for name, weight in weights.items()}
    )

    with pytest.raises(AdapterError, match=r"lora_magnitude_vector in the shape \(3,\), not \(48,\)"):
        merged(bert, adapter)


def test_refuses_linear_matrices_of_an_embedding(bert, tmp_path):
    """Their shapes would fit, but what they are is not what PEFT would make of the module."""
    adapter = save_adapter(tmp_path, bert, target_modules=["token_type_embeddings"])
    suffixes = {"lora_embedding_A": "lora_A.weight", "lora_embedding_B": "lora_B.weight"}

    def as_linear(weights):
        renamed = {}
        for name, weight in weights.items():
            stem, _, suffix = name.rpartition(".")
            other = "lora_embedding_B" if suffix.endswith("A") else "lora_embedding_A"
            renamed[f"{stem}.{suffixes[other]}"] = weight.T.contiguous()
        return renamed

    change_weights(adapter, as_linear)

    with pytest.raises(AdapterError, match=r"lacks .*token_type_embeddings\.lora_embedding_A"):
        merged(bert, adapter)


@pytest.mark.parametrize("value", [float("nan"), 3e38])
def test_refuses_numbers_that_are_not_finite(bert, adapter, value):
    def spoiled(weights):
        return {name: weight * 0 + value if FIRST_QUERY in name else weight for name, weight in weights.items()}

    change_weights(adapter, spoiled)

    with pytest.raises(AdapterError, match=f"makes the weight of {FIRST_QUERY} infinite or not a number"):
        merged(bert, adapter)


def test_refuses_a_whole_module_of_another_shape(bert, tmp_path):
    adapter = save_adapter(tmp_path, bert, **PLAIN, modules_to_save=["LayerNorm"])
    change_weights(
        adapter, lambda weights: {name: weight[:7] if "Norm" in name else weight for name, weight in weights.items()}
    )

    with pytest.raises(AdapterError, match=r"replaces \w+ of .*LayerNorm with values that are not finite or"):
        merged(bert, adapter)


def test_refuses_a_bias_for_what_has_none(qwen2, tmp_path):
    adapter = save_adapter(tmp_path, qwen2, target_modules=["q_proj"], lora_bias=True)
    rename = {"q_proj": "o_proj"}
    change_config(adapter, target_modules=["o_proj"])
    change_weights(
        adapter, lambda weights: {name.replace(*next(iter(rename.items()))): one for name, one in weights.items()}
    )

    with pytest.raises(AdapterError, match=r"lora_bias, but layers\.0\.self_attn\.o_proj has no bias"):
        merged(qwen2, adapter)
