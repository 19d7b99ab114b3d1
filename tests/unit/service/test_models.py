"""Which base models an engine process holds, with the real bundled one."""

from __future__ import annotations

import gc
import weakref

import pytest

from codecontext.embeddings.huggingface import HuggingFaceConfig
from codecontext.service.models import Models, for_background

pytestmark = pytest.mark.slow


def config(max_tokens: int) -> HuggingFaceConfig:
    return HuggingFaceConfig(backend="torch", max_tokens=max_tokens)


def test_a_model_is_loaded_once_and_held_as_long_as_somebody_uses_it_or_may() -> None:
    models = Models()
    first = models.base(config(64), leave_cores=1)
    assert models.base(config(64), leave_cores=1) is first
    seen = weakref.ref(first)
    del first
    gc.collect()
    assert models.base(config(64), leave_cores=1) is seen()
    second = models.base(config(32), leave_cores=1)
    gc.collect()
    assert seen() is None
    assert second.space.max_tokens == 32


def test_background_work_leaves_cores_and_has_no_adapter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    adjusted = for_background(HuggingFaceConfig(device="cpu"), leave_cores=2)
    assert (adjusted.threads, adjusted.lora_adapter_path) == (6, None)
    assert for_background(HuggingFaceConfig(device="cpu"), leave_cores=99).threads == 1
    assert for_background(HuggingFaceConfig(device="cpu", threads=3, batch_tokens=7), leave_cores=2).batch_tokens == 7
