"""Which base models an engine process holds, with the real bundled one."""

from __future__ import annotations

import gc
import weakref

import pytest

from codecontext.embeddings.huggingface import HuggingFaceSettings
from codecontext.service.models import Models, for_background

pytestmark = pytest.mark.slow


def config(max_tokens: int) -> HuggingFaceSettings:
    return HuggingFaceSettings(backend="torch", max_tokens=max_tokens)


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


def test_folders_with_other_adapters_share_one_base_model_without_any() -> None:
    models = Models()
    first = models.base(config(64), leave_cores=1)
    wants_adapter = config(64).model_copy(update={"lora_adapter_path": "/not/looked/at"})
    assert models.base(wants_adapter, leave_cores=1) is first
    assert first.adapter is None


def test_background_work_leaves_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    adjusted = for_background(HuggingFaceSettings(device="cpu"), leave_cores=2)
    assert adjusted.threads == 6
    assert for_background(HuggingFaceSettings(device="cpu"), leave_cores=99).threads == 1
    assert for_background(HuggingFaceSettings(device="cpu", threads=3, batch_tokens=7), leave_cores=2).batch_tokens == 7
