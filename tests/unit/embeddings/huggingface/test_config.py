"""Settings of the provider."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from codecontext.embeddings import InstructionType
from codecontext.embeddings.huggingface import HuggingFaceConfig


def test_defaults_need_no_network_and_no_adapter():
    config = HuggingFaceConfig()

    assert (config.model_name, config.lora_adapter_path) == ("all-MiniLM-L6-v2", None)
    assert (config.device, config.backend, config.allow_download) == ("auto", "auto", False)


def test_every_setting_is_described():
    assert all(field.description for field in HuggingFaceConfig.model_fields.values())


@pytest.mark.parametrize("device", ["auto", "cpu", "mps", "cuda", "cuda:0", "cuda:12"])
def test_knows_devices(device):
    assert HuggingFaceConfig(device=device).device == device


@pytest.mark.parametrize(
    "wrong",
    [
        {"device": "gpu"},
        {"device": "cuda:x"},
        {"backend": "onnx"},
        {"threads": 0},
        {"max_tokens": 0},
        {"dimension": 0},
        {"batch_tokens": 0},
        {"model_name": ""},
        {"prompts": {"nl2code.question": "?"}},
        {"lora": "somewhere"},
    ],
    ids=str,
)
def test_refuses_what_it_does_not_know(wrong):
    with pytest.raises(ValidationError):
        HuggingFaceConfig(**wrong)


def test_expands_the_home_folder_in_the_model_name(monkeypatch):
    monkeypatch.setenv("HOME", "/tmp/ada")

    assert HuggingFaceConfig(model_name="~/models/mine").model_name == "/tmp/ada/models/mine"


def test_prompts_are_by_instruction_type():
    config = HuggingFaceConfig(prompts={"nl2code.query": "Query: "})

    assert config.prompts == {InstructionType.NL2CODE_QUERY: "Query: "}
