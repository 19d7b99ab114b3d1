"""A causal model with last-token pooling, left padding and prompts: the shape of jina-code-embeddings."""

from __future__ import annotations

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from codecontext.embeddings import InstructionType
from codecontext.embeddings.huggingface import HuggingFaceConfig, HuggingFaceEmbeddingProvider


@pytest.fixture(scope="module", params=["torch", "openvino"])
def provider(request, small_model):
    config = HuggingFaceConfig(model_name=str(small_model), backend=request.param, device="cpu")
    with HuggingFaceEmbeddingProvider(config) as provider:
        assert provider.backend_name.startswith(request.param)
        yield provider


@pytest.fixture(scope="module")
def reference(small_model) -> SentenceTransformer:
    return SentenceTransformer(str(small_model), device="cpu", local_files_only=True)


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
