"""Adapters trained on a language model, inside sentence-transformers or through torch.compile, on its decoder alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from codecontext.core.errors import AdapterError
from codecontext.embeddings import InstructionType
from codecontext.embeddings.huggingface import HuggingFaceConfig, HuggingFaceEmbeddingProvider

# transformers warns of an attribute of its own that PEFT reads.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

PASSAGE = InstructionType.NL2CODE_PASSAGE
TARGETS = ["q_proj", "v_proj", "down_proj"]


@pytest.fixture(scope="module")
def causal_adapter(small_model, tmp_path_factory) -> Path:
    """An adapter of ``Qwen2ForCausalLM``, as trainers of language models save it."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    config = LoraConfig(r=4, lora_alpha=8, target_modules=TARGETS, task_type="CAUSAL_LM")
    adapted = get_peft_model(AutoModelForCausalLM.from_pretrained(small_model), config)
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    folder = tmp_path_factory.mktemp("causal")
    adapted.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def decoder_adapter(causal_adapter, tmp_path_factory) -> Path:
    """The same weights, named as the decoder names them; what they do is PEFT's word."""
    return rewritten(causal_adapter, tmp_path_factory.mktemp("decoder"), "base_model.model.model.", "base_model.model.")


def rewritten(adapter: Path, folder: Path, old: str, new: str, **changes: object) -> Path:
    config = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
    (folder / "adapter_config.json").write_text(json.dumps(config | {"task_type": None} | changes), encoding="utf-8")
    weights = load_file(adapter / "adapter_model.safetensors")
    save_file(
        {name.replace(old, new): weight for name, weight in weights.items()}, folder / "adapter_model.safetensors"
    )
    return folder


@pytest.fixture(scope="module", params=["torch", "openvino"])
def provider(request, small_model):
    config = HuggingFaceConfig(model_name=str(small_model), backend=request.param, device="cpu")
    with HuggingFaceEmbeddingProvider(config) as provider:
        yield provider


def vectors(provider: HuggingFaceEmbeddingProvider, adapter: Path, texts: list[str]) -> np.ndarray:
    return provider.beside(adapter).embed_batch(texts, PASSAGE)


@pytest.fixture(scope="module")
def expected(small_model, decoder_adapter, texts) -> np.ndarray:
    """What PEFT makes of it, unmerged, in torch."""
    import torch
    from peft import PeftModel
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(small_model)
    model = PeftModel.from_pretrained(AutoModel.from_pretrained(small_model), decoder_adapter).eval()
    rows = []
    for text in texts:
        inputs = tokenizer("Candidate code:\n" + text, truncation=True, max_length=96, return_tensors="pt")
        with torch.inference_mode():
            hidden = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]).last_hidden_state
        rows.append(torch.nn.functional.normalize(hidden[0, -1], dim=-1).numpy())
    return np.stack(rows)


def test_an_adapter_of_the_language_model_acts_on_its_decoder(provider, causal_adapter, expected, texts):
    found = vectors(provider, causal_adapter, texts)

    assert (found * expected).sum(axis=1).min() >= 0.999
    assert (found * provider.embed_batch(texts, PASSAGE)).sum(axis=1).max() < 0.99


def test_its_head_is_left_out(provider, causal_adapter, expected, texts, tmp_path, caplog):
    adapter = rewritten(causal_adapter, tmp_path, "", "", target_modules=[*TARGETS, "lm_head"], task_type="CAUSAL_LM")
    file = adapter / "adapter_model.safetensors"
    ones = {"lora_A": np.ones((4, 32), np.float32), "lora_B": np.ones((400, 4), np.float32)}
    head = {f"base_model.model.lm_head.{matrix}.weight": value for matrix, value in ones.items()}
    save_file(load_file(file) | head, file)

    found = vectors(provider, adapter, texts)

    assert (found * expected).sum(axis=1).min() >= 0.999
    assert "also changes lm_head" in caplog.text


@pytest.mark.parametrize(
    "prefix", ["module.", "_orig_mod.", "0.auto_model.", "module.base_model.model.model.", "0.auto_model._orig_mod."]
)
def test_wrapped_names_mean_what_they_wrap(provider, causal_adapter, expected, texts, tmp_path, prefix):
    adapter = rewritten(causal_adapter, tmp_path, "base_model.model.model.", f"base_model.model.{prefix}")

    assert (vectors(provider, adapter, texts) * expected).sum(axis=1).min() >= 0.999


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"target_modules": "(([a-z0-9._]+)+)+!"}, r"target_modules = .* selects none"),
        ({"exclude_modules": "(([a-z0-9._]+)+)+"}, "selects none"),
        ({"rank_pattern": {"(([a-z0-9._]+)+)+proj": 9}}, "another rank than configured"),
        ({"target_modules": ["q", "v"]}, r"target_modules = \['q', 'v'\], which selects none"),
        ({"target_modules": ["q_proj", "k_proj"]}, "incomplete.*k_proj"),
    ],
)
def test_settings_that_contradict_the_weights_are_refused_in_time(provider, causal_adapter, tmp_path, changes, said):
    adapter = rewritten(causal_adapter, tmp_path, "", "", **changes)

    with pytest.raises(AdapterError, match=said):
        provider.beside(adapter)


def test_whatever_peft_raises_is_an_adapter_error(provider, causal_adapter, tmp_path, monkeypatch):
    """Here its very class is at fault, which no adapter is; the base model has loaded and goes on."""
    import peft

    def fail(*_arguments: object, **_settings: object) -> None:
        raise IndexError("list index out of range")

    monkeypatch.setattr(peft.PeftModel, "__init__", fail)
    adapter = rewritten(causal_adapter, tmp_path, "", "", init_lora_weights="pissa_niter_4")

    with pytest.raises(AdapterError, match="list index out of range"):
        provider.beside(adapter)
