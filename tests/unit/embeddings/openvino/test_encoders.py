"""Graphs give torch's vectors, whatever the lengths, the padding, the pooling and the number format of the weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from codecontext.embeddings.openvino.architecture import UnknownArchitecture, parse
from codecontext.embeddings.openvino.library import OPENVINO_AVAILABLE, native_precisions
from codecontext.embeddings.openvino.models import ARCHITECTURES
from codecontext.embeddings.pooling import Pooling
from unit.embeddings.openvino.encoders import (
    CONFIGURATIONS,
    LONGEST,
    batch,
    graph_of,
    loaded,
    lowest_cosine,
    save_encoder,
    torch_vectors,
)

pytestmark = pytest.mark.skipif(not OPENVINO_AVAILABLE, reason="OpenVINO is not installed")

LENGTHS = {
    "one token": [1],
    "one text": [23],
    "longest": [LONGEST],
    "one length": [20] * 9,
    "lengths": [3, 1, 17, LONGEST, 40],
    "large batch": list(range(1, 65, 5)),
}
PADDING = {"roberta": 1, "xlm-roberta": 1, "mpnet": 1}


@pytest.fixture(scope="module", params=CONFIGURATIONS)
def kind(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def folder(kind, tmp_path_factory) -> Path:
    return save_encoder(tmp_path_factory.mktemp(kind), kind)


@pytest.fixture(scope="module")
def model(folder):
    return loaded(folder)


@pytest.mark.parametrize("pooling", Pooling)
def test_gives_torchs_vectors(kind, folder, model, pooling):
    graph = graph_of(folder, pooling)

    for side in ("right", "left"):
        for name, lengths in LENGTHS.items():
            ids, mask = batch(lengths, side=side, pad_id=PADDING.get(kind, 0))
            expected = torch_vectors(model, ids, mask, pooling)
            found = graph.forward(ids, mask)
            assert lowest_cosine(found, expected) >= 0.99999, (side, name)
            np.testing.assert_allclose(found, expected, atol=1e-4, err_msg=f"{side}, {name}")
    assert (expected @ expected.T).min() < 0.9  # or else all would agree with all


def test_what_pads_does_not_matter(kind, folder):
    """Beyond RoBERTa's positions, which go by the tokens themselves."""
    graph = graph_of(folder, Pooling.MEAN)
    (alone, its_mask), (together, mask) = (
        batch(lengths, side="right", pad_id=PADDING.get(kind, 0)) for lengths in ([9], [9, LONGEST])
    )

    np.testing.assert_allclose(graph.forward(together, mask)[:1], graph.forward(alone, its_mask), atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("bert", {"hidden_act": "gelu_new"}),
        ("bert", {"hidden_act": "gelu_pytorch_tanh"}),
        ("bert", {"hidden_act": "relu", "layer_norm_eps": 1e-3}),
        ("bert", {"hidden_act": "silu", "num_attention_heads": 1, "num_hidden_layers": 1}),
        ("roberta", {"pad_token_id": 5, "max_position_embeddings": LONGEST + 6}),
        ("mpnet", {"num_attention_heads": 12}),
        ("qwen2", {"num_key_value_heads": 4}),
        ("qwen2", {"num_key_value_heads": 1, "rms_norm_eps": 1e-3}),
        ("qwen2", {"head_dim": 20}),
        ("qwen2", {"rope_parameters": {"rope_type": "default", "rope_theta": 1_000_000.0}}),
        ("qwen2", {"hidden_act": "gelu"}),
    ],
)
def test_heeds_the_configuration(kind, changes, tmp_path):
    folder = save_encoder(tmp_path, kind, **changes)
    pooling = Pooling.LAST if kind == "qwen2" else Pooling.CLS
    ids, mask = batch([3, 11, LONGEST], side="right", pad_id=changes.get("pad_token_id", PADDING.get(kind, 0)))

    found = graph_of(folder, pooling).forward(ids, mask)

    expected = torch_vectors(loaded(folder), ids, mask, pooling)
    assert lowest_cosine(found, expected) >= 0.99999
    others = torch_vectors(loaded(save_encoder(tmp_path / "other", kind)), ids, mask, pooling)
    assert np.abs(others - expected).max() > 10 * np.abs(found - expected).max()


def test_reads_older_configurations(tmp_path):
    folder = save_encoder(tmp_path, "qwen2", rope_parameters={"rope_type": "default", "rope_theta": 500.0})
    ids, mask = batch([50, LONGEST], side="right", pad_id=0)
    expected = graph_of(folder, Pooling.LAST).forward(ids, mask)
    file = folder / "config.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    del config["rope_parameters"], config["layer_types"]

    file.write_text(json.dumps(config | {"rope_theta": 500.0, "rope_scaling": None}), encoding="utf-8")

    np.testing.assert_array_equal(graph_of(folder, Pooling.LAST).forward(ids, mask), expected)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_reads_weights_in_half_precision(kind, tmp_path, dtype):
    import torch

    folder = save_encoder(tmp_path, kind)
    loaded(folder).to(getattr(torch, dtype)).save_pretrained(folder)
    ids, mask = batch([3, 11, LONGEST], side="right", pad_id=PADDING.get(kind, 0))

    found = graph_of(folder, Pooling.MEAN).forward(ids, mask)

    assert lowest_cosine(found, torch_vectors(loaded(folder).float(), ids, mask, Pooling.MEAN)) >= 0.99999


@pytest.mark.skipif(
    not OPENVINO_AVAILABLE or len(native_precisions()) == 1, reason="the CPU computes in single precision only"
)
def test_the_cpus_own_precision_stays_near(folder, model, kind):
    ids, mask = batch(LENGTHS["lengths"], side="right", pad_id=PADDING.get(kind, 0))
    expected = torch_vectors(model, ids, mask, Pooling.MEAN)

    found = graph_of(folder, Pooling.MEAN, native_precisions()[0]).forward(ids, mask)

    assert 0.99 <= lowest_cosine(found, expected) < 0.999999  # random weights are far larger than trained ones


@pytest.mark.parametrize(
    ("kind", "changes", "said"),
    [
        ("bert", {"position_embedding_type": "relative_key"}, "position_embedding_type is 'relative_key'"),
        ("bert", {"hidden_act": "gelu_fast"}, "hidden_act is 'gelu_fast'"),
        ("bert", {"is_decoder": True}, "is_decoder is True"),
        ("bert", {"add_cross_attention": True}, "add_cross_attention is True"),
        ("bert", {"pruned_heads": {"1": [0]}}, "pruned_heads is"),
        ("bert", {"quantization_config": {"load_in_8bit": True}}, "quantization_config is"),
        ("bert", {"hidden_size": "48"}, None),
        ("bert", {"hidden_size": None}, "hidden_size is None"),
        ("bert", {"num_attention_heads": 7}, "hidden_size is no multiple of num_attention_heads"),
        ("bert", {"num_hidden_layers": 10**12}, "num_hidden_layers is 1000000000000"),
        ("mpnet", {"relative_attention_num_buckets": 16}, "relative_attention_num_buckets is 16"),
        ("qwen2", {"rope_parameters": {"rope_type": "yarn", "factor": 4.0}}, "rope_parameters.rope_type is 'yarn'"),
        ("qwen2", {"rope_parameters": {"rope_theta": 1.0, "partial_rotary_factor": 0.5}}, "partial_rotary_factor is"),
        ("qwen2", {"rope_scaling": {"type": "linear", "factor": 2.0}}, "rope_scaling.type is 'linear'"),
        ("qwen2", {"layer_types": ["full_attention", "sliding_attention"]}, "some layers have a sliding window"),
        ("qwen2", {"use_sliding_window": True, "max_window_layers": 1}, "some layers have a sliding window"),
        ("qwen2", {"use_sliding_window": True, "max_window_layers": 3}, None),
        ("qwen2", {"is_causal": False}, "is_causal is False"),
        ("qwen2", {"num_key_value_heads": 3}, "num_attention_heads is no multiple of num_key_value_heads"),
        ("qwen2", {"num_key_value_heads": None}, None),
    ],
)
def test_takes_no_configuration_that_it_does_not_understand(kind, changes, said):
    config = CONFIGURATIONS[kind] | changes

    if said is None:
        parse(ARCHITECTURES[kind], config)
    else:
        with pytest.raises(UnknownArchitecture) as reason:
            parse(ARCHITECTURES[kind], config)
        assert said in str(reason.value)
        assert str(reason.value).endswith(" in config.json")


def test_reads_the_configuration_of_a_published_model():
    """Fields of Qwen2.5-Coder-0.5B, which jina-code-embeddings-0.5b is made of."""
    published = {
        "architectures": ["Qwen2ForCausalLM"],
        "attention_dropout": 0.0,
        "bos_token_id": 151643,
        "hidden_act": "silu",
        "hidden_size": 896,
        "intermediate_size": 4864,
        "max_position_embeddings": 32768,
        "max_window_layers": 24,
        "model_type": "qwen2",
        "num_attention_heads": 14,
        "num_hidden_layers": 24,
        "num_key_value_heads": 2,
        "rms_norm_eps": 1e-06,
        "rope_theta": 1000000.0,
        "sliding_window": 32768,
        "tie_word_embeddings": True,
        "torch_dtype": "bfloat16",
        "use_cache": True,
        "use_mrope": False,
        "use_sliding_window": False,
        "vocab_size": 151936,
    }

    shapes = parse(ARCHITECTURES["qwen2"], published).shapes()

    assert len(shapes) == 24 * 12 + 2
    assert shapes["layers.23.self_attn.k_proj.weight"] == (128, 896)
    assert shapes["embed_tokens.weight"] == (151936, 896)
