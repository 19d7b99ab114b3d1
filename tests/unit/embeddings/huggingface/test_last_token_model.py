"""A causal model with last-token pooling, left padding and prompts: the shape of jina-code-embeddings."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2Model

from codecontext.embeddings import InstructionType
from codecontext.embeddings.huggingface import HuggingFaceConfig, HuggingFaceEmbeddingProvider

PROMPTS = {
    "nl2code_query": "Find code for the query:\n",
    "nl2code_document": "Candidate code:\n",
    "qa_query": "Find an answer:\n",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, texts) -> Path:
    """A small randomly initialised Qwen2 model in sentence-transformers' layout."""
    import torch

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
        initializer_range=0.3,
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
        "config_sentence_transformers.json": {"prompts": PROMPTS, "similarity_fn_name": "cosine"},
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    (folder / "2_Normalize").mkdir()
    return folder


@pytest.fixture(scope="module", params=["torch", "openvino"])
def provider(request, folder):
    config = HuggingFaceConfig(model_name=str(folder), backend=request.param, device="cpu")
    with HuggingFaceEmbeddingProvider(config) as provider:
        yield provider


@pytest.fixture(scope="module")
def reference(folder) -> SentenceTransformer:
    return SentenceTransformer(str(folder), device="cpu", local_files_only=True)


@pytest.mark.parametrize(
    ("kind", "prompt"),
    [
        (InstructionType.NL2CODE_QUERY, "nl2code_query"),
        (InstructionType.NL2CODE_PASSAGE, "nl2code_document"),
        (InstructionType.QA_QUERY, "qa_query"),
    ],
)
def test_gives_the_vectors_of_sentence_transformers(provider, reference, texts, kind, prompt):
    vectors = provider.embed_batch(texts, kind)
    expected = reference.encode(texts, prompt_name=prompt, normalize_embeddings=True)

    if provider.backend_name.startswith("torch"):
        np.testing.assert_allclose(vectors, expected, atol=1e-5)
    else:
        assert (vectors * expected).sum(axis=1).min() >= 0.999


def test_reads_the_model_files(provider):
    space = provider.space

    assert (space.pooling, space.normalize, space.max_tokens, space.dimension) == ("lasttoken", True, 96, 32)
    assert space.document_prompts["nl2code.passage"] == "Candidate code:\n"


def test_an_empty_text_without_special_tokens_has_a_vector(provider):
    vector = provider.embed_text("", InstructionType.CODE2CODE_PASSAGE)

    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-3)
