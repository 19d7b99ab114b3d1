"""Adapters as files, written without PEFT or torch."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

AdapterWriter = Callable[..., Path]

OUT, IN = 12, 10
MODULES = ("encoder.layer.0.attention.self.query", "encoder.layer.0.attention.self.value")


def lora_tensors(rank: int = 4, *, out: int = OUT, modules: tuple[str, ...] = MODULES) -> dict[str, np.ndarray]:
    """The tensors that PEFT saves for ``modules``."""
    tensors = {}
    for module in modules:
        tensors[f"base_model.model.{module}.lora_A.weight"] = np.ones((rank, IN), dtype=np.float32)
        tensors[f"base_model.model.{module}.lora_B.weight"] = np.ones((out, rank), dtype=np.float32)
    return tensors


@pytest.fixture
def write_adapter(tmp_path: Path) -> AdapterWriter:
    """Write an adapter folder. ``changes`` are fields of its configuration; ``None`` leaves a field empty."""

    def write(
        name: str = "adapter",
        *,
        tensors: dict[str, np.ndarray] | None = None,
        manifest: dict[str, Any] | None = None,
        **changes: Any,
    ) -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True, exist_ok=True)
        config = {
            "peft_type": "LORA",
            "base_model_name_or_path": "example/base",
            "r": 4,
            "lora_alpha": 8,
            "target_modules": ["value", "query"],
        }
        (folder / "adapter_config.json").write_text(json.dumps(config | changes), encoding="utf-8")
        save_file(lora_tensors() if tensors is None else tensors, folder / "adapter_model.safetensors")
        if manifest is not None:
            (folder / "codecontext.json").write_text(json.dumps(manifest), encoding="utf-8")
        return folder

    return write
