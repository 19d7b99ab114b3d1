"""What a LoRA adapter adds to weights, read without PEFT: PEFT's numbers, or a refusal to guess."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from codecontext.adapters import inspect_adapter
from codecontext.embeddings.model_files import bundled_model_folder
from codecontext.embeddings.openvino.lora import UnsupportedAdapter, lora_updates

# transformers warns of an attribute of its own that PEFT reads.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

FIRST_QUERY = "encoder.layer.0.attention.self.query"


@pytest.fixture(scope="module")
def modules() -> list[str]:
    """Modules of the bundled model that have a weight."""
    from transformers import AutoModel

    model = AutoModel.from_pretrained(bundled_model_folder())
    return [name for name, module in model.named_modules() if getattr(module, "weight", None) is not None]


@pytest.fixture
def copied(adapter, tmp_path) -> Path:
    """An adapter on query and value, to be changed."""
    return shutil.copytree(adapter, tmp_path / "copied")


def change_config(folder: Path, **changes) -> None:
    file = folder / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | changes), encoding="utf-8")


def change_weights(folder: Path, change) -> None:
    file = folder / "adapter_model.safetensors"
    save_file(change(load_file(file)), file)


def deltas_by_peft(adapter: Path) -> dict[str, np.ndarray]:
    from peft import PeftModel
    from transformers import AutoModel

    model = PeftModel.from_pretrained(AutoModel.from_pretrained(bundled_model_folder()), adapter).base_model.model
    layers = {name: module for name, module in model.named_modules() if hasattr(module, "get_delta_weight")}
    return {name: layer.get_delta_weight("default").detach().numpy() for name, layer in layers.items()}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"target_modules": "all-linear", "rank": 2},
        {"target_modules": r".*\.(query|value)"},
        {"use_rslora": True, "alpha": 5},
        {"rank_pattern": {"layer.0.attention.self.query": 4}, "alpha_pattern": {r"layer\.[12].*value": 3, "query": 9}},
        {"layers_to_transform": [1, 4]},
        {"layers_to_transform": 2, "layers_pattern": "layer"},
        {"target_modules": ["dense"]},
    ],
    ids=["plain", "all-linear", "pattern", "rslora", "patterns", "layers", "layers-pattern", "dense"],
)
def test_gives_what_peft_would_add(make_adapter, modules, settings):
    path = make_adapter(**settings)

    found = {update.module: update.delta() for update in lora_updates(inspect_adapter(path), modules)}

    expected = deltas_by_peft(path)
    assert found.keys() == expected.keys()
    for module, delta in found.items():
        np.testing.assert_allclose(delta, expected[module], atol=1e-6)


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_reads_half_precision(copied, modules, kind):
    import torch

    change_weights(copied, lambda weights: {name: weight.to(getattr(torch, kind)) for name, weight in weights.items()})

    found = {update.module: update.delta() for update in lora_updates(inspect_adapter(copied), modules)}

    np.testing.assert_allclose(found[FIRST_QUERY], deltas_by_peft(copied)[FIRST_QUERY], atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"use_dora": True}, "use_dora is True"),
        ({"bias": "lora_only"}, "bias is 'lora_only'"),
        ({"modules_to_save": ["pooler"]}, "modules_to_save"),
        ({"target_modules": ["word_embeddings"]}, "not those of a linear layer"),
    ],
    ids=["dora", "bias", "modules-to-save", "embeddings"],
)
def test_leaves_to_peft_what_is_more_than_plain(make_adapter, modules, settings, said):
    with pytest.raises(UnsupportedAdapter, match=said):
        lora_updates(inspect_adapter(make_adapter(**settings)), modules)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"init_lora_weights": "pissa"}, "init_lora_weights is 'pissa'"),
        ({"exclude_modules": ["value"]}, "exclude_modules"),
        ({"some_later_field": {"on": 1}}, "some_later_field"),
        ({"target_modules": ["query", "value", "key"]}, "targets are not what it has matrices for"),
        ({"target_modules": ["query"]}, "targets are not what it has matrices for"),
        ({"r": 4, "rank_pattern": {"value": 8, "key": 8}}, "another rank than configured"),
    ],
)
def test_leaves_to_peft_what_a_configuration_makes_unclear(copied, modules, changes, said):
    change_config(copied, **changes)

    with pytest.raises(UnsupportedAdapter, match=said):
        lora_updates(inspect_adapter(copied), modules)


def test_fields_without_effect_do_not_matter(copied, modules):
    change_config(copied, peft_version="99.0", some_later_field=False, another=None, lora_dropout=0.5)

    assert len(lora_updates(inspect_adapter(copied), modules)) == 12


def test_leaves_to_peft_what_is_not_finite_or_unknown(copied, modules):
    import torch

    change_weights(copied, lambda weights: weights | {"base_model.model.extra.weight": torch.ones(1)})
    with pytest.raises(UnsupportedAdapter, match=r"holds base_model\.model\.extra\.weight"):
        lora_updates(inspect_adapter(copied), modules)

    change_weights(copied, lambda weights: {name: weight / 0 for name, weight in weights.items()})
    with pytest.raises(UnsupportedAdapter, match="not finite"):
        lora_updates(inspect_adapter(copied), modules)
