"""A provider on OpenVINO gives torch's vectors without importing torch, and steps aside where it cannot."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from codecontext.core.errors import AdapterError, ModelUnavailable
from codecontext.core.paths import codecontext_home
from codecontext.embeddings import InstructionType
from codecontext.embeddings.huggingface import HuggingFaceConfig, HuggingFaceEmbeddingProvider
from codecontext.embeddings.openvino import models, precision
from codecontext.embeddings.openvino.backend import OpenVinoBackend
from codecontext.embeddings.openvino.library import OPENVINO_AVAILABLE
from unit.embeddings.openvino.encoders import lowest_cosine

pytestmark = [
    # transformers warns of an attribute of its own that PEFT reads.
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"),
    pytest.mark.skipif(not OPENVINO_AVAILABLE, reason="OpenVINO is not installed"),
]

PASSAGE, QUERY = InstructionType.NL2CODE_PASSAGE, InstructionType.NL2CODE_QUERY
TEXT = "def close(self) -> None:"

KINDS_OF_ADAPTERS = {
    "query-value": {},
    "all-linear": {"target_modules": "all-linear", "rank": 4},
    "dense": {"target_modules": ["dense"]},
    "patterns": {"rank_pattern": {"layer.0.attention.self.query": 4}, "alpha_pattern": {"value": 32}},
    "rslora": {"use_rslora": True, "target_modules": ["key"]},
    "dora": {"use_dora": True, "alpha": 64},
    "biases": {"bias": "all"},
    "whole module": {"modules_to_save": ["encoder.layer.5.output.dense"]},
    "strong": {"alpha": 160},
}

# A process of the service: first the base model, then each adapter beside it.
SERVICE = """
import json, logging, sys
from codecontext.embeddings import InstructionType
from codecontext.embeddings.huggingface import HuggingFaceConfig
from codecontext.service.models import Models

logging.basicConfig(format="%(message)s", level=logging.INFO)
base = Models().base(HuggingFaceConfig(backend="openvino", device="cpu"), leave_cores=1)
vectors = []
for provider in (base, *map(base.beside, sys.argv[2:])):
    vectors.append(provider.embed_text(sys.argv[1], InstructionType.NL2CODE_PASSAGE).tolist())
heavy = [name for name in ("torch", "transformers", "peft", "openvino_telemetry") if sys.modules.get(name)]
print(json.dumps({"heavy": heavy, "vectors": vectors}))
"""


def provider_with(adapter: Path | None = None, **settings) -> HuggingFaceEmbeddingProvider:
    path = None if adapter is None else str(adapter)
    config = HuggingFaceConfig(lora_adapter_path=path, **({"backend": "openvino", "device": "cpu"} | settings))
    provider = HuggingFaceEmbeddingProvider(config)
    provider.initialize()
    return provider


def warnings_of(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def changed(model: Path, folder: Path, **settings) -> Path:
    """A copy of a model with these fields in config.json."""
    copy = shutil.copytree(model, folder)
    config = json.loads((copy / "config.json").read_text(encoding="utf-8"))
    (copy / "config.json").write_text(json.dumps(config | settings), encoding="utf-8")
    return copy


@pytest.fixture(scope="module")
def provider() -> HuggingFaceEmbeddingProvider:
    """The bundled model, for tests that only ask it."""
    return provider_with()


def test_gives_torchs_vectors_in_the_same_space(provider, torch_provider, texts):
    vectors = provider.embed_batch(texts, PASSAGE)

    assert provider.backend_name.startswith("openvino (cpu, ")
    assert vectors.dtype == np.float32
    assert lowest_cosine(vectors, torch_provider.embed_batch(texts, PASSAGE)) >= 0.999
    assert provider.space == torch_provider.space


def test_in_single_precision_the_difference_is_rounding(torch_provider, texts, monkeypatch):
    monkeypatch.setattr(precision, "native_precisions", lambda: ["f32"])

    provider = provider_with()

    assert provider.backend_name == "openvino (cpu, f32)"
    assert lowest_cosine(provider.embed_batch(texts, PASSAGE), torch_provider.embed_batch(texts, PASSAGE)) >= 0.99999


def test_gives_torchs_vectors_with_and_without_an_adapter_at_once(make_adapter, torch_provider, texts):
    adapter = make_adapter(side="query")
    provider = provider_with(adapter)
    torch_provider.reload_adapter(adapter)
    try:
        expected = {kind: torch_provider.embed_batch(texts, kind) for kind in (PASSAGE, QUERY)}
        assert provider.space == torch_provider.space
    finally:
        torch_provider.reload_adapter(None)

    assert provider.backend_name.startswith("openvino")
    assert lowest_cosine(provider.embed_batch(texts, PASSAGE), expected[PASSAGE]) >= 0.999
    assert lowest_cosine(provider.embed_batch(texts, QUERY), expected[QUERY]) >= 0.999
    assert lowest_cosine(expected[PASSAGE], expected[QUERY]) < 0.99


@pytest.mark.parametrize("settings", KINDS_OF_ADAPTERS.values(), ids=KINDS_OF_ADAPTERS)
def test_adapters_give_pefts_vectors(settings, make_adapter, provider, torch_provider):
    adapter = make_adapter(**settings)
    adapted = provider.beside(adapter)

    vectors = adapted.embed_batch(precision.SAMPLE_TEXTS, PASSAGE)

    assert adapted.backend_name.startswith("openvino")
    expected = torch_provider.beside(adapter).embed_batch(precision.SAMPLE_TEXTS, PASSAGE)
    assert lowest_cosine(vectors, expected) >= 0.9995
    assert lowest_cosine(vectors, provider.embed_batch(precision.SAMPLE_TEXTS, PASSAGE)) < 0.99


def test_adapters_in_single_precision_differ_by_rounding(make_adapter, torch_provider, texts, monkeypatch):
    monkeypatch.setattr(precision, "native_precisions", lambda: ["f32"])
    provider = provider_with()
    for settings in ({"target_modules": "all-linear"}, {"use_dora": True, "use_rslora": True, "bias": "all"}):
        adapter = make_adapter(**settings)

        vectors = provider.beside(adapter).embed_batch(texts, PASSAGE)

        assert lowest_cosine(vectors, torch_provider.beside(adapter).embed_batch(texts, PASSAGE)) >= 0.9999


def test_an_adapter_that_does_not_fit_is_refused(make_adapter, small_model):
    with pytest.raises(AdapterError, match="does not fit the base model"):
        provider_with(model_name=str(small_model)).beside(make_adapter())


def test_a_process_imports_no_torch_also_the_first_time(make_adapter, torch_provider, tmp_path):
    adapters = [make_adapter(), make_adapter(use_dora=True, target_modules=["key"], bias="all")]
    result = subprocess.run(
        [sys.executable, "-c", SERVICE, TEXT, *map(str, adapters)],
        env=os.environ | {"CODECONTEXT_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )

    answer = json.loads(result.stdout)
    assert answer["heavy"] == []
    expected = [torch_provider.beside(adapter).embed_text(TEXT, PASSAGE) for adapter in (None, *adapters)]
    for found, wanted in zip(answer["vectors"], expected, strict=True):
        assert np.dot(found, wanted) / np.linalg.norm(found) / np.linalg.norm(wanted) >= 0.999
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in kept) < 1000


def test_order_and_batch_size_do_not_matter(provider, texts):
    vectors = provider.embed_batch(texts, PASSAGE)

    backwards = provider_with(batch_tokens=300).embed_batch(texts[::-1], PASSAGE)[::-1]

    assert lowest_cosine(vectors, backwards) >= 0.999


def test_texts_are_cut_as_in_torch(torch_provider, texts, monkeypatch):
    monkeypatch.setattr(precision, "native_precisions", lambda: ["f32"])
    for limit in (8, 40, 512):
        config = HuggingFaceConfig(backend="torch", device="cpu", max_tokens=limit)
        with HuggingFaceEmbeddingProvider(config) as reference:
            expected = reference.embed_batch(texts, PASSAGE)

        vectors = provider_with(max_tokens=limit).embed_batch(texts, PASSAGE)

        assert lowest_cosine(vectors, expected) >= 0.99999


def test_several_threads_may_embed_at_once(small_model, texts):
    provider = provider_with(model_name=str(small_model), batch_tokens=64)
    expected = provider.embed_batch(texts, PASSAGE)

    with ThreadPoolExecutor(4) as pool:
        for vectors in pool.map(lambda _: provider.embed_batch(texts, PASSAGE), range(12)):
            np.testing.assert_allclose(vectors, expected, atol=1e-5)


def test_torch_is_used_and_says_why_where_the_configuration_is_not_understood(small_model, tmp_path, texts, caplog):
    scaling = {"rope_type": "linear", "factor": 2.0, "rope_theta": 10_000.0}
    model = changed(small_model, tmp_path / "model", rope_parameters=scaling)

    provider = provider_with(model_name=str(model))

    assert provider.backend_name == "torch (cpu)"
    [warning] = warnings_of(caplog)
    assert warning == (
        f"OpenVINO is not used for {model}: rope_parameters.rope_type is 'linear' in config.json. "
        "Using PyTorch instead, which is slower and takes more memory."
    )
    assert provider.embed_batch(texts[:2], PASSAGE).shape == (2, 32)


def test_torch_is_used_and_says_why_for_other_kinds_of_models(small_model, tmp_path, caplog):
    import torch
    from transformers import DistilBertConfig, DistilBertModel

    torch.manual_seed(0)
    model = shutil.copytree(small_model, tmp_path / "model")
    config = DistilBertConfig(vocab_size=400, dim=32, n_layers=1, n_heads=2, hidden_dim=64)
    DistilBertModel(config).save_pretrained(model)

    assert provider_with(model_name=str(model)).backend_name == "torch (cpu)"
    [warning] = warnings_of(caplog)
    assert "no graph is known for the model_type 'distilbert'" in warning


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda weights: weights | {"layers.0.self_attn.q_norm.weight": np.ones(8, np.float32)},
            "q_norm.weight is among",
        ),
        (lambda weights: {k: v.astype(np.int8) if "norm" in k else v for k, v in weights.items()}, "is stored as I8"),
    ],
    ids=["more weights", "integers"],
)
def test_torch_is_used_and_says_why_where_weights_are_others(small_model, tmp_path, caplog, change, said):
    model = shutil.copytree(small_model, tmp_path / "model")
    file = model / "model.safetensors"
    save_file(change(load_file(file)), file, metadata={"format": "pt"})

    assert provider_with(model_name=str(model)).backend_name == "torch (cpu)"
    [warning] = warnings_of(caplog)
    assert said in warning


def test_weights_of_a_language_model_and_older_buffers_are_read(small_model, tmp_path, texts):
    model = shutil.copytree(small_model, tmp_path / "model")
    file = model / "model.safetensors"
    weights = {f"model.{name}": tensor for name, tensor in load_file(file).items()}
    more = {"lm_head.weight": np.ones((400, 32), np.float32), "model.rotary_emb.inv_freq": np.ones(4, np.float32)}
    save_file(weights | more, file, metadata={"format": "pt"})

    provider = provider_with(model_name=str(model))

    assert provider.backend_name.startswith("openvino")
    expected = provider_with(model_name=str(small_model)).embed_batch(texts, PASSAGE)
    np.testing.assert_allclose(provider.embed_batch(texts, PASSAGE), expected, atol=1e-6)


def test_torch_is_used_and_says_why_where_only_peft_knows_an_adapter(make_adapter, provider, torch_provider, caplog):
    adapter = make_adapter(init_lora_weights="pissa_niter_4")

    adapted = provider.beside(adapter)

    assert adapted.backend_name == "torch (cpu)"
    assert provider.backend_name.startswith("openvino")
    assert f"OpenVINO is not used for {adapter}: init_lora_weights is 'pissa_niter_4'." in caplog.text
    expected = torch_provider.beside(adapter).embed_text(TEXT, PASSAGE)
    np.testing.assert_allclose(adapted.embed_text(TEXT, PASSAGE), expected, atol=1e-5)


def test_torch_is_used_and_says_why_where_openvino_fails(small_model, monkeypatch, caplog):
    def fail(*_arguments, **_settings):
        raise RuntimeError("no kernel\nfor this CPU")

    monkeypatch.setattr(models, "OpenVinoBackend", fail)

    assert provider_with(model_name=str(small_model)).backend_name == "torch (cpu)"
    [warning] = warnings_of(caplog)
    assert "OpenVINO cannot compile it (no kernel for this CPU)" in warning


def test_lack_of_memory_is_said(small_model, monkeypatch):
    def fail(*_arguments, **_settings):
        raise MemoryError("std::bad_alloc")

    monkeypatch.setattr(models, "OpenVinoBackend", fail)

    with pytest.raises(ModelUnavailable, match="not enough memory to load the model"):
        provider_with(model_name=str(small_model))


def test_single_precision_is_used_where_vectors_would_differ(small_model, monkeypatch):
    monkeypatch.setattr(precision, "LOWEST_COSINE", 1.1)

    assert provider_with(model_name=str(small_model)).backend_name == "openvino (cpu, f32)"


def test_a_strong_adapter_is_compared_on_its_own(make_adapter, provider, monkeypatch):
    monkeypatch.setattr(precision, "LOWEST_COSINE", 1.1)
    weak, strong = make_adapter(alpha=1), make_adapter(alpha=320)

    assert provider.beside(weak).backend_name == provider.backend_name
    assert provider.beside(strong).backend_name == "openvino (cpu, f32)"


def test_damaged_weights_are_said(small_model, tmp_path):
    model = shutil.copytree(small_model, tmp_path / "model")
    (model / "model.safetensors").write_bytes(b"")

    with pytest.raises(ModelUnavailable, match=f"The model {model} cannot be loaded: model.safetensors cannot be read"):
        provider_with(model_name=str(model))


def test_the_weights_of_a_model_that_answers_may_be_replaced(small_model, tmp_path, texts):
    model = shutil.copytree(small_model, tmp_path / "model")
    provider = provider_with(model_name=str(model))
    expected = provider.embed_batch(texts, PASSAGE)

    (tmp_path / "new").write_bytes(b"another model")
    (tmp_path / "new").replace(model / "model.safetensors")

    np.testing.assert_array_equal(provider.embed_batch(texts, PASSAGE), expected)


def test_conversions_of_earlier_versions_are_removed(small_model):
    copies = codecontext_home() / "cache" / "openvino" / "0123"
    copies.mkdir(parents=True)
    (copies / "model.bin").write_bytes(bytes(1000))

    provider_with(model_name=str(small_model))

    assert not copies.parent.exists()


def test_memory_is_given_back_between_batches(provider, texts):
    expected = provider.embed_batch(texts, PASSAGE)
    backend = provider._opened().backend(None)
    assert isinstance(backend, OpenVinoBackend)

    backend.free_memory()

    np.testing.assert_array_equal(provider.embed_batch(texts, PASSAGE), expected)
