"""The bundled model on each backend, real adapters made by PEFT, and texts to embed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codecontext.embeddings.huggingface import HuggingFaceConfig, HuggingFaceEmbeddingProvider

SMALL_MODEL_PROMPTS = {
    "nl2code_query": "Find code for the query:\n",
    "nl2code_document": "Candidate code:\n",
    "qa_query": "Find an answer:\n",
}

MakeAdapter = Callable[..., Path]

LOAD_A_MODEL = {"torch_provider", "small_model", "make_adapter"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`make unit` leaves out what loads a model, as all of OpenVINO's tests do."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and (
            LOAD_A_MODEL.intersection(getattr(item, "fixturenames", ())) or item.path.parent.name == "openvino"
        ):
            item.add_marker(pytest.mark.slow)


CODE = '''def moving_average(values, width):
    """Mean of each run of ``width`` neighbours."""
    window = sum(values[:width])
    for left, right in zip(values, values[width:]):
        yield window / width
        window += right - left
'''


@pytest.fixture(scope="session")
def texts() -> list[str]:
    """Code and prose from nothing to far beyond the bundled model's 256 tokens, in no order of length."""
    return [
        CODE,
        "",
        "where is the session token compared",
        CODE * 6,
        "    \n\t\n",
        "SELECT name FROM users WHERE id = ?",
        "사용자 이름을 찾는 함수",
        "f(x)\n" * 3,
        "getUserByIdOrThrow 🚀 naïve Ångström",
        *(f"class Node{number}:\n" + f"    field_{number}: int\n" * number for number in range(1, 20, 4)),
    ]


@pytest.fixture(scope="session")
def torch_provider() -> Iterator[HuggingFaceEmbeddingProvider]:
    """The bundled model in torch, without an adapter."""
    with HuggingFaceEmbeddingProvider(HuggingFaceConfig(backend="torch", device="cpu")) as provider:
        yield provider


@pytest.fixture(scope="session")
def adapter(make_adapter: MakeAdapter) -> Path:
    """One adapter for tests that only read it."""
    return make_adapter()


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> Path:
    """A small random Qwen2 model with last-token pooling, left padding and prompts, as a folder."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2Model

    folder = tmp_path_factory.mktemp("qwen")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<|end|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator(texts, trainer)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<|end|>",
        eos_token="<|end|>",
        padding_side="left",
        model_max_length=96,
    ).save_pretrained(folder)

    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=400,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
        initializer_range=0.15,
    )
    Qwen2Model(config).save_pretrained(folder)

    package = "sentence_transformers.models"
    modules = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    files = {
        "modules.json": [
            {"idx": number, "name": str(number), "path": path, "type": f"{package}.{kind}"}
            for number, (path, kind) in enumerate(modules)
        ],
        "1_Pooling/config.json": {
            "word_embedding_dimension": 32,
            "pooling_mode_mean_tokens": False,
            "pooling_mode_lasttoken": True,
        },
        "config_sentence_transformers.json": {"prompts": SMALL_MODEL_PROMPTS, "similarity_fn_name": "cosine"},
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    (folder / "2_Normalize").mkdir()
    return folder
