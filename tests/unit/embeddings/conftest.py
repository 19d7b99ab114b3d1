"""The bundled model on each backend, real adapters made by PEFT, and texts to embed."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codecontext.embeddings.huggingface import HuggingFaceConfig, HuggingFaceEmbeddingProvider
from codecontext.embeddings.huggingface.models import bundled_model_folder

MakeAdapter = Callable[..., Path]

CODE = '''def moving_average(values, width):
    """Mean of each run of ``width`` neighbours."""
    window = sum(values[:width])
    for left, right in zip(values, values[width:]):
        yield window / width
        window += right - left
'''


@pytest.fixture(scope="session")
def texts() -> list[str]:
    """Code and prose from nothing to far beyond the bundled model's 256 tokens, in no order of length."""
    return [
        CODE,
        "",
        "where is the session token compared",
        CODE * 12,
        "    \n\t\n",
        "SELECT name FROM users WHERE id = ?",
        "사용자 이름을 찾는 함수",
        "f(x)\n" * 3,
        "getUserByIdOrThrow 🚀 naïve Ångström",
        *(f"class Node{number}:\n" + f"    field_{number}: int\n" * number for number in range(40)),
    ]


@pytest.fixture(scope="session")
def torch_provider() -> Iterator[HuggingFaceEmbeddingProvider]:
    """The bundled model in torch, without an adapter."""
    with HuggingFaceEmbeddingProvider(HuggingFaceConfig(backend="torch", device="cpu")) as provider:
        yield provider


@pytest.fixture(scope="session")
def make_adapter(tmp_path_factory: pytest.TempPathFactory) -> MakeAdapter:
    """Make an adapter for the bundled model with PEFT; its B matrices are not zero, so it changes vectors."""

    def make(
        *, rank: int = 8, alpha: int = 16, seed: int = 0, side: str | None = None, **settings: Any
    ) -> Path:
        import torch
        from peft import LoraConfig, get_peft_model
        from transformers import AutoModel

        torch.manual_seed(seed)
        config = LoraConfig(r=rank, lora_alpha=alpha, **({"target_modules": ["query", "value"]} | settings))
        model = get_peft_model(AutoModel.from_pretrained(bundled_model_folder()), config)
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.5 / math.sqrt(parameter.shape[0]))
        folder = tmp_path_factory.mktemp("adapter")
        model.save_pretrained(folder)
        if side is not None:
            (folder / "codecontext.json").write_text(json.dumps({"side": side}), encoding="utf-8")
        return folder

    return make


@pytest.fixture(scope="session")
def adapter(make_adapter: MakeAdapter) -> Path:
    """One adapter for tests that only read it."""
    return make_adapter()


def cosines(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Cosine of each pair of rows."""
    return (left * right).sum(axis=1) / np.linalg.norm(left, axis=1) / np.linalg.norm(right, axis=1)
