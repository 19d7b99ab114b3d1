"""LoRA adapters: the setting, loading, swapping, and every way in which loading can fail."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from safetensors.numpy import load_file, save_file

from codecontext.adapters import AdapterSide, inspect_adapter
from codecontext.core.errors import AdapterError
from codecontext.embeddings import InstructionType
from codecontext.embeddings.huggingface import HuggingFaceConfig, HuggingFaceEmbeddingProvider
from codecontext.embeddings.huggingface import provider as provider_module
from codecontext.embeddings.model_files import bundled_model_folder

# transformers warns of an attribute of its own that PEFT reads.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

PASSAGE, QUERY = InstructionType.NL2CODE_PASSAGE, InstructionType.NL2CODE_QUERY
LOGGER = "codecontext.embeddings.huggingface.provider"


def provider_with(adapter: Path | None, **settings) -> HuggingFaceEmbeddingProvider:
    path = None if adapter is None else str(adapter)
    return HuggingFaceEmbeddingProvider(
        HuggingFaceConfig(lora_adapter_path=path, **({"backend": "torch", "device": "cpu"} | settings))
    )


@pytest.fixture(scope="module")
def texts(texts):
    """The short ones: what PEFT computes for comparison is padded to the longest."""
    return [text for text in texts if len(text) < 200]


@pytest.fixture(scope="module")
def adapted(adapter):
    """A provider that serves ``adapter``; tests leave it so."""
    with provider_with(adapter) as provider:
        yield provider


@pytest.fixture(scope="module")
def base_vectors(torch_provider, texts):
    """What the base model makes of ``texts``."""
    return torch_provider.embed_batch(texts, PASSAGE)


@pytest.fixture
def broken(adapter, tmp_path):
    """A copy of an adapter, to be damaged."""
    return shutil.copytree(adapter, tmp_path / "broken")


@pytest.fixture
def refuses(torch_provider, caplog):
    """Check that an adapter is refused with a sentence that matches, and that the base model still serves."""

    def check(path: Path, said: str) -> None:
        before = torch_provider.embed_text("text", PASSAGE)
        with pytest.raises(AdapterError, match=said) as caught:
            torch_provider.reload_adapter(path)
        assert caplog.record_tuples[-1] == (
            LOGGER,
            logging.ERROR,
            f"Failed to load LoRA adapter from {path}: {caught.value}",
        )
        assert torch_provider.adapter is None
        assert (torch_provider.embed_text("text", PASSAGE) == before).all()
        torch_provider.initialize()  # does not try again what was refused

    return check


class TestLoRAConfigValidation:
    """``lora_adapter_path`` is checked when the settings are made."""

    def test_none_means_no_adapter(self):
        assert HuggingFaceConfig(lora_adapter_path=None).lora_adapter_path is None

    def test_missing(self, tmp_path):
        path = tmp_path / "missing"
        with pytest.raises(ValidationError, match=re.escape(f"LoRA adapter path does not exist: {path}")):
            HuggingFaceConfig(lora_adapter_path=str(path))

    def test_file(self, tmp_path):
        path = tmp_path / "file"
        path.touch()
        with pytest.raises(ValidationError, match=re.escape(f"LoRA adapter path must be a directory: {path}")):
            HuggingFaceConfig(lora_adapter_path=str(path))

    def test_no_adapter_config(self, tmp_path):
        message = f"Invalid LoRA adapter: missing adapter_config.json in {tmp_path}"
        with pytest.raises(ValidationError, match=re.escape(message)):
            HuggingFaceConfig(lora_adapter_path=str(tmp_path))

    def test_errors_are_value_errors(self, tmp_path):
        with pytest.raises(ValueError):
            HuggingFaceConfig(lora_adapter_path=str(tmp_path))

    def test_valid(self, tmp_path):
        (tmp_path / "adapter_config.json").write_text("{}", encoding="utf-8")
        assert HuggingFaceConfig(lora_adapter_path=str(tmp_path)).lora_adapter_path == str(tmp_path)

    def test_tilde(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "adapter_config.json").write_text("{}", encoding="utf-8")
        assert HuggingFaceConfig(lora_adapter_path="~/mine").lora_adapter_path == str(tmp_path / "mine")


class TestLoRAProviderIntegration:
    """Loading real adapters onto the bundled model."""

    def test_without_peft_warns_and_serves_the_base_model(self, adapter, base_vectors, texts, monkeypatch, caplog):
        monkeypatch.setattr(provider_module, "PEFT_AVAILABLE", False)
        provider = provider_with(adapter)
        provider.initialize()

        assert caplog.messages == [
            f"PEFT library not installed, cannot load LoRA adapter: {adapter}. Install with: pip install peft"
        ]
        assert caplog.records[0].levelno == logging.WARNING
        assert provider.adapter is None
        np.testing.assert_allclose(provider.embed_batch(texts, PASSAGE), base_vectors, atol=1e-6)

    def test_vectors_are_those_of_peft_and_not_of_the_base(self, adapted, adapter, base_vectors, texts):
        vectors = adapted.embed_batch(texts, PASSAGE)

        np.testing.assert_allclose(vectors, vectors_by_peft(adapter, texts), atol=1e-5)
        assert (vectors * base_vectors).sum(axis=1).max() < 0.99

    def test_says_what_it_does(self, adapter, caplog):
        with caplog.at_level(logging.INFO):
            provider_with(adapter).initialize()

        started, finished = caplog.records
        assert started.getMessage() == f"Loading LoRA adapter from: {adapter}"
        assert re.fullmatch(r"LoRA adapter loaded successfully in \d+\.\dms", finished.getMessage())
        assert {started.levelno, finished.levelno} == {logging.INFO}

    def test_describes_the_adapter_and_has_a_space_of_its_own(self, adapted, torch_provider, adapter):
        assert adapted.adapter is not None
        assert (adapted.adapter.path, adapted.adapter.rank, adapted.adapter.alpha) == (adapter, 8, 16)
        assert adapted.space.document_adapter == adapted.adapter.fingerprint
        assert adapted.space.space_id != torch_provider.space.space_id

    def test_loading_again_does_nothing(self, adapted, adapter, caplog):
        before = adapted._active
        with caplog.at_level(logging.INFO, logger=LOGGER):
            adapted.initialize()
            adapted._load_adapter()

        assert (adapted._adapter_loaded, adapted._current_adapter_path) == (True, str(adapter))
        assert adapted._active is before
        assert caplog.records == []

    def test_other_weights_with_the_same_size_and_time_are_loaded(self, adapter, make_adapter, tmp_path):
        path = shutil.copytree(adapter, tmp_path / "current")
        weights = path / "adapter_model.safetensors"
        provider = provider_with(path)
        provider.initialize()
        before, times = provider.space, weights.stat()

        with weights.open("r+b") as file:
            file.write((make_adapter(seed=1) / "adapter_model.safetensors").read_bytes())
        os.utime(weights, ns=(times.st_atime_ns, times.st_mtime_ns))
        provider.initialize()

        assert (weights.stat().st_size, weights.stat().st_mtime_ns) == (times.st_size, times.st_mtime_ns)
        assert provider.space != before

    @pytest.mark.parametrize("backend", ["torch", "auto"])
    def test_its_weights_are_hashed_once(self, adapter, hashed, backend):
        provider = provider_with(adapter, backend=backend)
        provider.initialize()
        provider.initialize()

        assert hashed == [adapter / "adapter_model.safetensors"]

    def test_one_that_is_inspected_already_is_not_hashed_again(self, adapter, torch_provider, hashed):
        info = inspect_adapter(adapter)
        hashed.clear()

        assert torch_provider.beside(info).adapter is info
        assert hashed == []

    def test_other_weights_that_come_while_they_are_read_are_refused(self, adapter, make_adapter, torch_provider):
        info = inspect_adapter(make_adapter(seed=2))
        weights = info.path / "adapter_model.safetensors"
        weights.touch()
        assert torch_provider.beside(info).adapter is info
        shutil.copy(adapter / "adapter_model.safetensors", weights)

        with pytest.raises(AdapterError, match="changed while they were read"):
            torch_provider.beside(info)

    def test_other_weights_under_the_same_path_are_loaded(self, adapter, make_adapter, tmp_path, texts):
        path = shutil.copytree(adapter, tmp_path / "current")
        provider = provider_with(path)
        provider.initialize()
        before, space = provider.embed_batch(texts, PASSAGE), provider.space
        replacement = make_adapter(seed=1)

        shutil.copy(replacement / "adapter_model.safetensors", path)
        provider._load_adapter()

        after = provider.embed_batch(texts, PASSAGE)
        assert provider.space != space
        assert (before * after).sum(axis=1).max() < 0.99
        np.testing.assert_allclose(after, vectors_by_peft(replacement, texts), atol=1e-5)

    def test_the_base_model_stays_untouched(self, adapted, base_vectors, texts):
        adapted.embed_batch(texts, PASSAGE)
        path = adapted.adapter.path

        adapted.reload_adapter(None)
        assert (adapted.adapter, adapted.space.document_adapter) == (None, "")
        np.testing.assert_allclose(adapted.embed_batch(texts, PASSAGE), base_vectors, atol=1e-6)

        adapted.reload_adapter(path)
        assert adapted.adapter is not None

    def test_untargeted_weights_are_shared_with_the_base_model(self, adapter):
        from codecontext.embeddings.model_files import read_model_card
        from codecontext.embeddings.pytorch.model import TorchModel

        model = TorchModel(read_model_card("all-MiniLM-L6-v2", bundled_model_folder()), "cpu")
        base = {name: weight.data_ptr() for name, weight in model.encoder().named_parameters()}
        own = {
            name: weight
            for name, weight in model.adapted_encoder(inspect_adapter(adapter)).named_parameters()
            if weight.data_ptr() != base[name] and weight.ndim > 1
        }

        assert all(".query." in name or ".value." in name for name in own)
        assert sum(weight.nbytes for weight in own.values()) == 6 * 2 * 384 * 384 * 4

    @pytest.mark.parametrize(
        "settings",
        [
            {"target_modules": "all-linear"},
            {"target_modules": ["query"], "use_rslora": True, "rank_pattern": {"layer.0.attention.self.query": 4}},
            {"target_modules": ["key"], "use_dora": True},
            {"target_modules": ["query"], "bias": "all"},
            {"target_modules": ["word_embeddings"]},
        ],
        ids=["all-linear", "rslora", "dora", "bias", "embeddings"],
    )
    def test_kinds_of_lora(self, make_adapter, torch_provider, base_vectors, texts, settings):
        path = make_adapter(**settings)
        torch_provider.reload_adapter(path)
        try:
            adapted = torch_provider.embed_batch(texts, PASSAGE)
        finally:
            torch_provider.reload_adapter(None)

        np.testing.assert_allclose(adapted, vectors_by_peft(path, texts), atol=1e-5)
        np.testing.assert_allclose(torch_provider.embed_batch(texts, PASSAGE), base_vectors, atol=1e-6)

    def test_a_query_side_adapter_changes_queries_alone(self, make_adapter, torch_provider, base_vectors, texts):
        provider = provider_with(make_adapter(side="query"))
        provider.initialize()

        assert provider.adapter is not None
        assert provider.adapter.side is AdapterSide.QUERY
        assert provider.space.space_id == torch_provider.space.space_id
        np.testing.assert_allclose(provider.embed_batch(texts, PASSAGE), base_vectors, atol=1e-6)
        queries = provider.embed_batch(texts, QUERY)
        np.testing.assert_allclose(queries, vectors_by_peft(provider.adapter.path, texts), atol=1e-5)


class TestRefusedAdapters:
    """An adapter that cannot be used is refused with a sentence, and what served before still serves."""

    def test_at_the_start_the_base_model_serves(self, broken, torch_provider, caplog):
        (broken / "adapter_model.safetensors").unlink()
        provider = provider_with(broken)

        with pytest.raises(AdapterError, match="has no weights"):
            provider.initialize()

        [message] = caplog.messages
        assert message.startswith(f"Failed to load LoRA adapter from {broken}: The adapter in {broken} has no")
        assert provider.adapter is None
        np.testing.assert_allclose(
            provider.embed_text("text", PASSAGE), torch_provider.embed_text("text", PASSAGE), atol=1e-6
        )

    def test_while_another_serves_that_one_stays(self, adapter, broken):
        provider = provider_with(adapter)
        provider.initialize()
        (broken / "adapter_model.safetensors").write_bytes(b"")

        with pytest.raises(AdapterError):
            provider.reload_adapter(broken)

        assert provider.adapter is not None
        assert provider.adapter.path == adapter
        provider.initialize()

    def test_pickled_weights(self, broken, refuses):
        (broken / "adapter_model.safetensors").rename(broken / "adapter_model.bin")
        refuses(broken, "pickle")

    def test_no_weights(self, broken, refuses):
        (broken / "adapter_model.safetensors").unlink()
        refuses(broken, "has no weights")

    def test_truncated_weights(self, broken, refuses):
        weights = broken / "adapter_model.safetensors"
        weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
        refuses(broken, "damaged or incomplete")

    def test_another_rank_than_configured(self, broken, refuses):
        change_config(broken, r=4)
        refuses(broken, "says rank 4, but the weights .* have rank 8")

    def test_another_shape_than_the_base(self, broken, refuses):
        change_weights(broken, lambda name, weight: weight[:, :100] if "lora_A" in name else weight)
        refuses(broken, "384 x 384 in the base and 384 x 100 in the adapter")

    def test_modules_that_the_base_does_not_have(self, broken, refuses):
        change_config(broken, base_model_name_or_path="example/gpt")
        rename_weights(broken, "attention.self", "attn")
        refuses(
            broken,
            "made for example/gpt, does not fit the base model all-MiniLM-L6-v2: .* has no module",
        )

    def test_weights_for_a_part_of_its_modules(self, broken, refuses):
        weights = load_file(broken / "adapter_model.safetensors")
        save_file(
            {name: weight for name, weight in weights.items() if "layer.5" not in name},
            broken / "adapter_model.safetensors",
        )
        refuses(broken, "is incomplete")

    def test_weights_that_are_not_finite(self, broken, refuses):
        change_weights(broken, lambda _name, weight: np.full_like(weight, np.nan))
        refuses(broken, "cannot load the adapter")

    def test_a_folder_that_is_gone(self, tmp_path, refuses):
        refuses(tmp_path / "gone", r"LoRA adapter path does not exist: .*gone\. Name the folder")


def vectors_by_peft(adapter: Path, texts: list[str]) -> np.ndarray:
    """What PEFT itself computes, without merging: mean pooling and normalisation as the model card says."""
    import torch
    from peft import PeftModel
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(bundled_model_folder())
    model = PeftModel.from_pretrained(AutoModel.from_pretrained(bundled_model_folder()), adapter).eval()
    inputs = tokenizer(texts, padding=True, truncation=True, max_length=256, return_tensors="pt")
    with torch.inference_mode():
        hidden = model(**inputs).last_hidden_state.numpy()
    mask = inputs["attention_mask"].numpy()[:, :, None]
    means = (hidden * mask).sum(axis=1) / mask.sum(axis=1)
    return means / np.linalg.norm(means, axis=1, keepdims=True)


def change_config(folder: Path, **changes) -> None:
    file = folder / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | changes), encoding="utf-8")


def change_weights(folder: Path, change) -> None:
    file = folder / "adapter_model.safetensors"
    weights = {name: np.ascontiguousarray(change(name, weight)) for name, weight in load_file(file).items()}
    save_file(weights, file)


def rename_weights(folder: Path, old: str, new: str) -> None:
    file = folder / "adapter_model.safetensors"
    save_file({name.replace(old, new): weight for name, weight in load_file(file).items()}, file)


@pytest.mark.slow
def test_one_loaded_beside_stays_what_it_is_whatever_becomes_of_its_files(torch_provider, make_adapter, tmp_path):
    folder = shutil.copytree(make_adapter(seed=1), tmp_path / "adapter")
    other = torch_provider.beside(folder)
    adapter, space = other.adapter, other.space
    assert space != torch_provider.space
    shutil.copytree(make_adapter(seed=2), folder, dirs_exist_ok=True)
    other.initialize()
    assert (other.adapter, other.space) == (adapter, space)
    shutil.rmtree(folder)
    other.initialize()
    assert (other.adapter, other.space) == (adapter, space)
