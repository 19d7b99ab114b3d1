"""One load of an adapter, from the setting to what is active, in the process of the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codecontext.adapters import inspect_adapter
from codecontext.config import load_settings
from codecontext.core import CancelToken
from codecontext.engine.engine import Engine
from codecontext.service.adapter_manager import AdapterManager
from codecontext.service.folder_settings import FolderSettings
from codecontext.service.models import Models

pytestmark = pytest.mark.slow


@pytest.fixture
def engine(project: Path, write: Callable[..., None]) -> Iterator[Engine]:
    write({"auth.py": "def check_password(user, password):\n    return digest(password) == user.digest\n"})
    with Engine(project, load_settings(project).settings) as engine:
        yield engine


@pytest.fixture
def manager(engine: Engine) -> AdapterManager:
    return AdapterManager(engine, Models(), on_change=lambda: None, on_vectors_wanted=lambda: None)


def wanting(project: Path, adapter: Path) -> FolderSettings:
    huggingface = {"backend": "torch", "lora_adapter_path": str(adapter)}
    return FolderSettings(load_settings(project, editor={"embeddings": {"huggingface": huggingface}}).settings)


def test_an_adapter_is_hashed_once(
    engine: Engine, manager: AdapterManager, make_adapter: Callable[..., Path], hashed: list[Path]
) -> None:
    adapter = make_adapter(side="query")
    assert manager.follow(wanting(engine.folder, adapter), CancelToken())
    assert hashed == [adapter / "adapter_model.safetensors"]
    state = engine.search("check the password").state
    assert (state.adapter, state.fingerprint) == (str(adapter), inspect_adapter(adapter).fingerprint)


def test_files_written_again_with_the_same_content_load_nothing(
    engine: Engine, manager: AdapterManager, make_adapter: Callable[..., Path]
) -> None:
    adapter = make_adapter(side="query", seed=1)
    manager.follow(wanting(engine.folder, adapter), CancelToken())
    active = manager.active
    weights = adapter / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes())
    manager.follow(wanting(engine.folder, adapter), CancelToken())
    assert active is not None
    assert manager.active is active


def test_without_peft_the_base_model_is_active_and_says_so(
    engine: Engine, manager: AdapterManager, make_adapter: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codecontext.embeddings.huggingface.provider.PEFT_AVAILABLE", False)
    adapter = make_adapter(seed=2)
    manager.follow(wanting(engine.folder, adapter), CancelToken())
    assert engine.search("check the password").state.degraded == (
        f"Using the base model instead of the adapter {adapter}: "
        f"PEFT library not installed, cannot load LoRA adapter: {adapter}. Install with: pip install peft"
    )
