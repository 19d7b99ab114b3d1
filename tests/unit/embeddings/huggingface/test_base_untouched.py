"""Whatever an adapter does when it is loaded, the base model and the next adapter are what they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from codecontext.adapters import inspect_adapter
from codecontext.core.errors import AdapterError
from codecontext.embeddings import InstructionType
from codecontext.embeddings.huggingface import HuggingFaceConfig, HuggingFaceEmbeddingProvider
from codecontext.embeddings.model_files import read_model_card
from codecontext.embeddings.pytorch.model import TorchModel

# transformers warns of an attribute of its own that PEFT reads.
pytestmark = [
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning:peft"),
]

PASSAGE = InstructionType.NL2CODE_PASSAGE
STARTS = [True, False, "gaussian", "orthogonal", "eva", "mica", "lora_ga", "olora", "OLoRA", "pissa", "pissa_niter_4"]


@pytest.fixture(scope="module")
def model(small_model) -> TorchModel:
    """The small model, which all tests of this file share: none may change it."""
    return TorchModel(read_model_card(str(small_model), small_model), "cpu")


@pytest.fixture
def make_small(small_model, tmp_path):
    """Make an adapter of the small model with PEFT; ``changes`` are made to its configuration afterwards."""

    def make(name: str = "adapter", *, seed: int = 0, changes: dict[str, Any] | None = None, **settings: Any) -> Path:
        import torch
        from peft import LoraConfig, get_peft_model
        from transformers import AutoModel

        torch.manual_seed(seed)
        config = LoraConfig(r=4, lora_alpha=8, **({"target_modules": ["q_proj", "down_proj"]} | settings))
        adapted = get_peft_model(AutoModel.from_pretrained(small_model), config)
        for parameter_name, parameter in adapted.named_parameters():
            if parameter.requires_grad and "lora_A" not in parameter_name:
                torch.nn.init.normal_(parameter, std=0.3)
        folder = tmp_path / name
        adapted.save_pretrained(folder)
        file = folder / "adapter_config.json"
        file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | (changes or {})), encoding="utf-8")
        return folder

    return make


def state_of(model: TorchModel) -> dict[str, Any]:
    """All that two loads of adapters could hand to each other through the base model."""
    base = model._base
    tensors = {**dict(base.named_parameters()), **dict(base.named_buffers())}
    return {
        "numbers": {name: tensor.detach().numpy().tobytes() for name, tensor in tensors.items()},
        "objects": {name: (id(tensor), tensor.data_ptr(), tensor.requires_grad) for name, tensor in tensors.items()},
        "attributes": {name: sorted(vars(module)) for name, module in base.named_modules()},
        "hooks": [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in base.modules()],
        "kinds": {name: type(module).__name__ for name, module in base.named_modules()},
        "training": [module.training for module in base.modules()],
        "config": base.config.to_dict(),
    }


def weights_of(encoder: Any) -> dict[str, np.ndarray]:
    return {name: tensor.detach().numpy() for name, tensor in encoder.model.state_dict().items()}


def merged_by_peft(small_model: Path, adapter: Path) -> dict[str, np.ndarray]:
    """What PEFT itself makes of the adapter on a model that nothing else has."""
    import torch
    from peft import PeftModel
    from transformers import AutoModel

    fresh = AutoModel.from_pretrained(small_model)
    torch.manual_seed(0)
    merged = PeftModel.from_pretrained(fresh, adapter).merge_and_unload()
    return {name: tensor.detach().numpy() for name, tensor in merged.state_dict().items()}


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("more", [{}, {"use_dora": True}, {"use_rslora": True}], ids=["", "dora", "rslora"])
def test_every_initialisation_gives_what_peft_gives_and_leaves_the_base_alone(
    model, make_small, small_model, start, more
):
    adapter = make_small(changes={"init_lora_weights": start}, **more)
    before = state_of(model)

    found = weights_of(model.adapted_encoder(inspect_adapter(adapter)))
    again = weights_of(model.adapted_encoder(inspect_adapter(adapter)))

    assert state_of(model) == before
    if start == "mica" and "use_dora" in more:
        return  # PEFT has no such combination, and here MiCA is what it is once trained: plain LoRA
    expected = merged_by_peft(small_model, adapter)
    assert found.keys() == expected.keys()
    for name, weight in found.items():
        np.testing.assert_allclose(weight, expected[name], atol=2e-5, err_msg=name)
        assert weight.tobytes() == again[name].tobytes()


@pytest.mark.parametrize(
    "settings",
    [
        {"bias": "all"},
        {"bias": "lora_only"},
        {"lora_bias": True, "target_modules": ["q_proj"]},
        {"target_modules": ["embed_tokens"]},
        {"modules_to_save": ["norm"]},
        {"modules_to_save": ["embed_tokens"]},
        {"target_modules": "all-linear"},
        {"rank_pattern": {"q_proj": 2}, "alpha_pattern": {r"layers\.1.*": 3}},
        {"layers_to_transform": [1], "layers_pattern": "layers"},
        {"exclude_modules": ["down_proj"]},
        {"exclude_modules": r".*\.1\..*"},
    ],
    ids=str,
)
def test_every_kind_of_lora_gives_what_peft_gives_and_leaves_the_base_alone(model, make_small, small_model, settings):
    adapter = make_small(**settings)
    before = state_of(model)

    found = weights_of(model.adapted_encoder(inspect_adapter(adapter)))

    assert state_of(model) == before
    for name, weight in merged_by_peft(small_model, adapter).items():
        np.testing.assert_allclose(found[name], weight, atol=2e-5, err_msg=name)


def test_embeddings_saved_beside_the_matrices_are_the_adapters_own(model, make_small):
    adapter = make_small()
    file = adapter / "adapter_model.safetensors"
    words = np.full((400, 32), 0.25, dtype=np.float32)
    save_file(load_file(file) | {"base_model.model.embed_tokens.weight": words}, file)
    before = state_of(model)

    found = weights_of(model.adapted_encoder(inspect_adapter(adapter)))

    assert state_of(model) == before
    assert (found["embed_tokens.weight"] == 0.25).all()


@pytest.mark.parametrize("start", ["olora", "pissa"])
def test_an_adapter_that_fails_half_way_leaves_nothing_behind(model, make_small, start):
    adapter = make_small(changes={"init_lora_weights": start})
    file = adapter / "adapter_model.safetensors"
    save_file({name: np.full_like(weight, np.nan) for name, weight in load_file(file).items()}, file)
    before = state_of(model)

    with pytest.raises(AdapterError):
        model.adapted_encoder(inspect_adapter(adapter))

    assert state_of(model) == before


def test_one_adapter_after_another_is_itself_again(small_model, make_small, texts):
    good, other = make_small("good"), make_small("other", seed=1, changes={"init_lora_weights": "pissa"})
    bad = make_small("bad", changes={"init_lora_weights": "olora", "lora_alpha": 9})
    (bad / "adapter_model.safetensors").write_bytes((bad / "adapter_model.safetensors").read_bytes()[:-8])
    config = HuggingFaceConfig(model_name=str(small_model), backend="torch", device="cpu", lora_adapter_path=str(good))
    with HuggingFaceEmbeddingProvider(config) as provider:
        first = provider.embed_batch(texts, PASSAGE)
        provider.reload_adapter(other)
        assert not np.array_equal(provider.embed_batch(texts, PASSAGE), first)
        with pytest.raises(AdapterError):
            provider.reload_adapter(bad)
        provider.reload_adapter(good)

        assert provider.embed_batch(texts, PASSAGE).tobytes() == first.tobytes()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"init_lora_weights": "corda"}, "starts from weights that are known only during training"),
        ({"init_lora_weights": "pissa_niter_1000000000"}, "init_lora_weights"),
        ({"init_lora_weights": "surprise"}, "init_lora_weights = 'surprise'"),
        ({"init_lora_weights": "loftq", "loftq_config": {"loftq_bits": 4, "loftq_iter": 10**9}}, "loftq_config"),
        ({"init_lora_weights": "loftq", "loftq_config": {}}, "bitsandbytes"),
    ],
)
def test_initialisations_that_cannot_be_repeated_are_refused(model, make_small, changes, said):
    adapter = make_small(changes=changes)
    before = state_of(model)

    with pytest.raises(AdapterError, match=said):
        model.adapted_encoder(inspect_adapter(adapter))

    assert state_of(model) == before


def test_every_other_tuner_is_refused_by_its_name(model, make_small):
    from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

    adapter = make_small()
    file = adapter / "adapter_config.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    before = state_of(model)
    for kind in [kind.value for kind in PEFT_TYPE_TO_CONFIG_MAPPING if kind.value != "LORA"]:
        file.write_text(json.dumps(config | {"peft_type": kind}), encoding="utf-8")
        with pytest.raises(AdapterError, match=f"is of PEFT type {kind}, but only LoRA is supported"):
            model.adapted_encoder(inspect_adapter(adapter))
    assert state_of(model) == before


@pytest.mark.parametrize("kind", ["IA3", "LoHa", "LoKr", "OFT", "Vera", "PromptTuning", "PrefixTuning"])
def test_real_adapters_of_other_kinds_say_that_only_lora_is_served(model, small_model, tmp_path, kind):
    import peft
    from transformers import AutoModel

    prompt = kind in ("PromptTuning", "PrefixTuning")
    settings: dict[str, Any] = {"IA3": {"feedforward_modules": ["down_proj"]}, "OFT": {"oft_block_size": 8}}.get(
        kind, {}
    )
    settings |= (
        {"num_virtual_tokens": 3, "task_type": "FEATURE_EXTRACTION"} if prompt else {"target_modules": ["down_proj"]}
    )
    config = getattr(peft, f"{kind}Config")(**settings)
    peft.get_peft_model(AutoModel.from_pretrained(small_model), config).save_pretrained(tmp_path)

    with pytest.raises(AdapterError, match="only LoRA is supported"):
        model.adapted_encoder(inspect_adapter(tmp_path))
