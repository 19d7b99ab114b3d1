"""OpenVINO gives torch's vectors, is converted once, and steps aside when it cannot be trusted."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from codecontext.core.errors import AdapterError
from codecontext.embeddings import InstructionType
from codecontext.embeddings.huggingface import HuggingFaceConfig, HuggingFaceEmbeddingProvider
from codecontext.embeddings.openvino import backend as openvino_backend
from codecontext.embeddings.openvino import compiled, conversion
from codecontext.embeddings.openvino.compiled import CompiledManifest, CompiledModels

pytestmark = [
    # transformers warns of an attribute of its own that PEFT reads.
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"),
    pytest.mark.skipif(not openvino_backend.OPENVINO_AVAILABLE, reason="OpenVINO is not installed"),
]

PASSAGE, QUERY = InstructionType.NL2CODE_PASSAGE, InstructionType.NL2CODE_QUERY

KINDS_OF_PLAIN_LORA = {
    "query-value": {},
    "all-linear": {"target_modules": "all-linear", "rank": 4},
    "dense": {"target_modules": ["dense"]},
    "patterns": {"rank_pattern": {"layer.0.attention.self.query": 4}, "alpha_pattern": {"value": 32}},
    "rslora": {"use_rslora": True, "target_modules": ["key"]},
    "strong": {"alpha": 160},
}


@pytest.fixture(scope="module")
def openvino_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CodeContext home that the tests here share, so that conversions are found again."""
    return tmp_path_factory.mktemp("openvino-home")


@pytest.fixture(autouse=True)
def _conversions_found_again(_own_home: None, openvino_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODECONTEXT_HOME", str(openvino_home))


def provider_with(adapter: Path | None = None, **settings) -> HuggingFaceEmbeddingProvider:
    """Converts in this process, which has torch loaded."""
    path = None if adapter is None else str(adapter)
    config = HuggingFaceConfig(lora_adapter_path=path, **({"backend": "openvino", "device": "cpu"} | settings))
    provider = HuggingFaceEmbeddingProvider(config)
    provider.initialize()
    return provider


def conversions(home: Path) -> set[str]:
    """Names of the models stored."""
    return {path.name for path in (home / "cache" / "openvino").iterdir()}


def mistaken(find_weights):
    """``find_weights`` that takes the weight of one layer for that of the next."""

    def find(model, weights):
        found = find_weights(model, weights)
        names = [name for name in found if name.endswith("query")]
        return found | {name: found[other] for name, other in zip(names, names[1:] + names[:1], strict=True)}

    return find


def lowest_cosine(left: np.ndarray, right: np.ndarray) -> float:
    cosines = (left * right).sum(axis=1) / np.linalg.norm(left, axis=1) / np.linalg.norm(right, axis=1)
    return float(cosines.min())


def test_gives_torchs_vectors_in_the_same_space(torch_provider, texts):
    provider = provider_with()

    vectors = provider.embed_batch(texts, PASSAGE)

    assert provider.backend_name.startswith("openvino (cpu, ")
    assert vectors.dtype == np.float32
    assert lowest_cosine(vectors, torch_provider.embed_batch(texts, PASSAGE)) >= 0.999
    assert provider.space == torch_provider.space


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


@pytest.mark.parametrize("settings", KINDS_OF_PLAIN_LORA.values(), ids=KINDS_OF_PLAIN_LORA)
def test_plain_adapters_are_added_to_the_base_model_and_give_pefts_vectors(
    settings, make_adapter, torch_provider, openvino_home
):
    adapter = make_adapter(**settings)
    provider = provider_with()
    stored = conversions(openvino_home)

    vectors = provider.beside(adapter).embed_batch(conversion.SAMPLE_TEXTS, PASSAGE)

    assert conversions(openvino_home) == stored
    expected = torch_provider.beside(adapter).embed_batch(conversion.SAMPLE_TEXTS, PASSAGE)
    assert lowest_cosine(vectors, expected) >= 0.9995
    assert lowest_cosine(vectors, provider.embed_batch(conversion.SAMPLE_TEXTS, PASSAGE)) < 0.99


@pytest.mark.parametrize(
    "settings", [{"use_dora": True, "target_modules": ["key"]}, {"bias": "all"}], ids=["dora", "bias"]
)
def test_other_adapters_are_converted(settings, make_adapter, torch_provider, openvino_home):
    adapter = make_adapter(**settings)
    provider = provider_with()
    stored = conversions(openvino_home)

    vectors = provider.beside(adapter).embed_batch(conversion.SAMPLE_TEXTS, PASSAGE)

    assert len(conversions(openvino_home) - stored) == 1
    expected = torch_provider.beside(adapter).embed_batch(conversion.SAMPLE_TEXTS, PASSAGE)
    assert lowest_cosine(vectors, expected) >= 0.9995


def test_an_adapter_that_does_not_fit_is_refused_without_a_conversion(make_adapter, small_model, monkeypatch):
    provider = provider_with(model_name=str(small_model))
    monkeypatch.setattr(openvino_backend, "convert", pytest.fail)

    with pytest.raises(AdapterError, match="does not fit the base model"):
        provider.beside(make_adapter())


def test_adapters_are_converted_where_adding_them_is_not_proven(adapter, torch_provider, monkeypatch, tmp_path, texts):
    monkeypatch.setenv("CODECONTEXT_HOME", str(tmp_path))
    # As if weights had been mistaken for one another: the matrices go to where they do not belong.
    monkeypatch.setattr(openvino_backend, "find_weights", mistaken(openvino_backend.find_weights))
    provider = provider_with()

    vectors = provider.beside(adapter).embed_batch(texts, PASSAGE)

    assert len(conversions(tmp_path)) == 2
    assert lowest_cosine(vectors, torch_provider.beside(adapter).embed_batch(texts, PASSAGE)) >= 0.999


def test_weights_are_found_by_their_content_alone():
    import torch

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = torch.nn.Linear(4, 4, bias=False), torch.nn.Linear(4, 4, bias=False)
            self.third = torch.nn.Linear(4, 8, bias=False)
            self.second.weight.data = self.first.weight.data.clone()

        def forward(self, input_ids, attention_mask):
            hidden = self.second(self.first(input_ids[:, :4].float() * attention_mask[:, :4]))
            return self.third(hidden)

    model = Model().requires_grad_(False)
    weights = {name: module.weight.numpy() for name, module in model.named_children()}
    converted = openvino_backend.convert(model)

    found = openvino_backend.find_weights(converted, weights)
    turned = openvino_backend.find_weights(converted, {"third": weights["third"].T})

    assert set(found) == {"third"}  # the other two could be taken for each other
    assert not found["third"].transposed
    assert turned["third"].transposed


def test_order_and_batch_size_do_not_matter(texts):
    vectors = provider_with().embed_batch(texts, PASSAGE)

    backwards = provider_with(batch_tokens=300).embed_batch(texts[::-1], PASSAGE)[::-1]

    assert lowest_cosine(vectors, backwards) >= 0.999


def test_several_threads_may_embed_at_once(small_model, texts):
    provider = provider_with(model_name=str(small_model), batch_tokens=64)
    expected = provider.embed_batch(texts, PASSAGE)

    with ThreadPoolExecutor(4) as pool:
        for vectors in pool.map(lambda _: provider.embed_batch(texts, PASSAGE), range(12)):
            np.testing.assert_allclose(vectors, expected, atol=1e-5)


def test_a_second_process_imports_neither_torch_nor_the_telemetry_of_openvino():
    provider_with()
    code = (
        "import sys\n"
        "from codecontext.embeddings import InstructionType\n"
        "from codecontext.embeddings.huggingface import HuggingFaceConfig, HuggingFaceEmbeddingProvider\n"
        "config = HuggingFaceConfig(backend='openvino', device='cpu')\n"
        "with HuggingFaceEmbeddingProvider(config) as provider:\n"
        "    provider.embed_text('text', InstructionType.NL2CODE_QUERY)\n"
        "print([name for name in ('torch', 'transformers', 'openvino_telemetry') if sys.modules.get(name)])\n"
    )

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("file", ["model.bin", "model.xml", "manifest.json", "reference.npy"])
def test_a_damaged_conversion_is_made_anew(file, small_model, texts, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("CODECONTEXT_HOME", str(tmp_path))
    expected = provider_with(model_name=str(small_model)).embed_batch(texts, PASSAGE)
    [stored] = (tmp_path / "cache" / "openvino").glob(f"*/{file}")
    content = stored.read_bytes()
    stored.write_bytes(content[: len(content) // 2] + bytes(len(content) - len(content) // 2))

    provider = provider_with(model_name=str(small_model))

    assert "made anew" in caplog.text
    assert provider.backend_name.startswith("openvino")
    assert lowest_cosine(provider.embed_batch(texts, PASSAGE), expected) >= 0.999
    caplog.clear()
    provider_with(model_name=str(small_model))
    assert caplog.text == ""


def test_a_conversion_serves_other_settings_without_complaint(small_model, monkeypatch, tmp_path, caplog):
    monkeypatch.setenv("CODECONTEXT_HOME", str(tmp_path))
    for limit in (None, 16, None):
        provider = provider_with(model_name=str(small_model), max_tokens=limit)
        assert provider.backend_name.startswith("openvino")
    assert caplog.text == ""


def test_torch_is_used_and_says_so_where_vectors_differ(small_model, monkeypatch, tmp_path, caplog):
    monkeypatch.setenv("CODECONTEXT_HOME", str(tmp_path))
    monkeypatch.setattr(conversion, "LOWEST_COSINE", 1.1)

    for _ in range(2):  # the verdict is stored, so the second start does not convert
        caplog.clear()
        provider = provider_with(model_name=str(small_model))

        assert provider.backend_name == "torch (cpu)"
        [warning] = [record for record in caplog.records if record.levelno == logging.WARNING]
        assert f"OpenVINO is not used for {small_model}: its vectors differ" in warning.getMessage()


def test_torch_is_used_and_says_so_where_conversion_fails(small_model, monkeypatch, tmp_path, caplog):
    monkeypatch.setenv("CODECONTEXT_HOME", str(tmp_path))

    def fail(_encoder):
        raise openvino_backend.ConversionFailed("no such operation")

    monkeypatch.setattr(openvino_backend, "convert", fail)

    assert provider_with(model_name=str(small_model)).backend_name == "torch (cpu)"
    assert "cannot be converted (no such operation)" in caplog.text


def test_what_cannot_be_converted_is_an_error_of_its_own():
    import torch

    class Unconvertible(torch.nn.Module):
        def forward(self, input_ids, attention_mask):
            return torch.linalg.eig(input_ids.float() @ attention_mask.float().T)[0]

    with pytest.raises(openvino_backend.ConversionFailed):
        openvino_backend.convert(Unconvertible())


def test_converting_leaves_the_root_logger_as_it_was(small_model, monkeypatch, tmp_path):
    monkeypatch.setenv("CODECONTEXT_HOME", str(tmp_path))
    root = logging.getLogger()
    before = (root.level, list(root.filters), list(root.handlers))

    provider_with(model_name=str(small_model))

    assert (root.level, root.filters, root.handlers) == before


def test_a_cache_that_cannot_be_written_only_costs_time(small_model, monkeypatch, tmp_path, caplog, texts):
    (tmp_path / "file").touch()
    monkeypatch.setenv("CODECONTEXT_HOME", str(tmp_path / "file" / "home"))

    provider = provider_with(model_name=str(small_model))

    assert provider.backend_name.startswith("openvino")
    assert "converted model cannot be stored" in caplog.text
    assert "tokenizer cannot be stored" in caplog.text
    assert provider.embed_batch(texts[:2], PASSAGE).shape == (2, 32)


def test_a_damaged_tokenizer_copy_is_made_anew(small_model, monkeypatch, tmp_path, texts, caplog):
    monkeypatch.setenv("CODECONTEXT_HOME", str(tmp_path))
    expected = provider_with(model_name=str(small_model)).embed_batch(texts, PASSAGE)
    [copy] = (tmp_path / "cache" / "tokenizers").iterdir()
    copy.write_text(copy.read_text(encoding="utf-8")[:1000], encoding="utf-8")

    again = provider_with(model_name=str(small_model)).embed_batch(texts, PASSAGE)

    assert "made anew" in caplog.text
    assert lowest_cosine(again, expected) >= 0.999


def test_the_conversions_used_last_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(compiled, "KEPT_MODELS", 2)
    models = CompiledModels(tmp_path)
    manifest = CompiledManifest(precision="f32", cosine=1.0)

    def store(key: str, time: int) -> None:
        models.add(key, lambda path: path.write_text("model", encoding="utf-8"), np.ones((1, 2)), manifest)
        os.utime(tmp_path / key, (time, time))

    store("first", 1)
    store("second", 2)
    assert models.find("first") is not None  # used now, so later than "second"
    store("third", 3)

    assert [key for key in ("first", "second", "third") if models.find(key)] == ["first", "third"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "third"]
