"""Training of queries and documents together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.integration.training.conftest import CONFIG, bench_for, settings_with

from codecontext.adapters import AdapterSide, inspect_adapter
from codecontext.embeddings.base import InstructionType
from codecontext.engine.engine import Engine
from codecontext.training.config import TrainingConfig
from codecontext.training.optimize.encoder import TrainableEncoder
from codecontext.training.optimize.gradient_cache import backward_in_parts
from codecontext.training.trainer import Trainer

pytestmark = pytest.mark.slow


@pytest.fixture
def encoder() -> TrainableEncoder:
    """The bundled model with a new adapter, without any dropout."""
    encoder = TrainableEncoder(settings_with(device="cpu").embeddings.huggingface, CONFIG)
    encoder.vectors(["leaves training mode"], InstructionType.NL2CODE_QUERY)
    return encoder


def test_gradients_in_parts_are_those_of_the_whole_batch(encoder: TrainableEncoder) -> None:
    import torch

    texts = ["short", "a somewhat longer text about locks", "sorted rows", "x " * 40, "def f(): return 1"]
    tokens = encoder.tokens(texts, InstructionType.NL2CODE_QUERY)
    # B matrices begin as zeros, which leaves the A matrices without gradients.
    torch.manual_seed(0)
    for parameter in encoder.parameters():
        torch.nn.init.normal_(parameter, std=0.02)

    def loss_of(vectors: torch.Tensor) -> torch.Tensor:
        return -torch.log_softmax(vectors[:2] @ vectors[2:].T / 0.05, dim=1).diagonal().mean()

    def gradients() -> list[np.ndarray]:
        found = [parameter.grad.clone().numpy() for parameter in encoder.parameters()]
        for parameter in encoder.parameters():
            parameter.grad = None
        return found

    whole = loss_of(encoder.forward(tokens))
    whole.backward()
    expected = gradients()
    loss = backward_in_parts(encoder.forward, tokens, loss_of, part_size=2, seed=0)
    found = gradients()

    assert loss == pytest.approx(float(whole.detach()), rel=2e-2)
    assert max(np.abs(gradient).max() for gradient in expected) > 1e-3
    for left, right in zip(expected, found, strict=True):
        cosine = (left * right).sum() / (np.linalg.norm(left) * np.linalg.norm(right))
        assert cosine > 0.99  # bfloat16 rounds otherwise in batches of another shape


def test_an_adapter_for_both_sides_moves_documents_and_answers_better(jargon: Path, tmp_path: Path) -> None:
    config = TrainingConfig(
        side=AdapterSide.BOTH, epochs=4, batch_size=16, learning_rate=2e-3, threads=1, validations_per_epoch=1
    )
    with bench_for(jargon) as bench:
        report = Trainer(bench, config, tmp_path / "both").run()
    assert inspect_adapter(tmp_path / "both").side is AdapterSide.BOTH
    assert report.course.strength == 1.0
    assert report.test.dense["mrr_at_10"].gain.low > 0
    with Engine(jargon, settings_with()) as engine:
        base_space = engine.index().space_id
    with Engine(jargon, settings_with(lora_adapter_path=str(tmp_path / "both"))) as engine:
        index = engine.index()
        assert index.space_id != base_space
        assert index.chunks_embedded > 0
        assert engine.search("quench the kestrels").state.coverage == 1.0
