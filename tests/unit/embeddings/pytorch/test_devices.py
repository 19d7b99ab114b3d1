"""Where a model runs, and how much it is given at once."""

from __future__ import annotations

import pytest

from codecontext.core.errors import ModelUnavailable
from codecontext.embeddings.model_files import bundled_model_folder, read_model_card
from codecontext.embeddings.pytorch import devices
from codecontext.embeddings.pytorch.devices import batch_tokens, choose_device


@pytest.fixture(scope="module")
def card():
    return read_model_card("all-MiniLM-L6-v2", bundled_model_folder())


@pytest.mark.parametrize(
    ("device", "threads", "free_bytes", "tokens"),
    [
        ("cpu", 1, 10**10, 1024),
        ("cpu", 2, 10**10, 1024),
        ("cpu", 16, 10**10, 8192),
        ("cuda", None, 10**11, 65536),
        ("cuda", None, 4 * 1000 * 4 * (8 * 384 + 2 * 1536), 1000),
        ("cpu", 16, 0, 1),
    ],
)
def test_batches_grow_with_cores_and_stay_within_memory(monkeypatch, card, device, threads, free_bytes, tokens):
    monkeypatch.setattr(devices, "_free_bytes", lambda _device: free_bytes)

    assert batch_tokens(device, card, threads) == tokens


def test_without_signs_of_a_gpu_the_cpu_is_chosen(monkeypatch):
    monkeypatch.setattr(devices, "_may_have_gpu", lambda: False)

    assert choose_device("auto") == "cpu"


@pytest.mark.parametrize(("cuda", "mps", "chosen"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")])
def test_with_signs_of_a_gpu_torch_decides(monkeypatch, cuda, mps, chosen):
    monkeypatch.setattr(devices, "_may_have_gpu", lambda: True)
    monkeypatch.setattr("torch.cuda.is_available", lambda: cuda)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: mps)

    assert choose_device("auto") == chosen


def test_a_device_by_number_must_exist(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)

    assert choose_device("cuda:1") == "cuda:1"
    with pytest.raises(ModelUnavailable, match="cuda:2 is not available"):
        choose_device("cuda:2")
