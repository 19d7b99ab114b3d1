"""How an adapter is trained."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from codecontext.adapters import AdapterSide
from codecontext.embeddings.huggingface.config import Device

LEARNING_RATES = {AdapterSide.QUERY: 2e-3, AdapterSide.BOTH: 5e-4}
"""Smaller steps where documents move too."""


class TrainingConfig(BaseModel):
    """Options of a training run; the defaults were chosen on development repositories (docs/training.md)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    side: AdapterSide = Field(AdapterSide.QUERY, description="Which texts are embedded with the adapter.")
    rank: int = Field(8, ge=1, le=256, description="Rank of the adapter's matrices.")
    alpha: float = Field(
        16.0, gt=0, description="LoRA scale: the product of the matrices is multiplied by alpha / rank."
    )
    targets: tuple[str, ...] = Field((), description="Modules to adapt. Empty: chosen by the model's architecture.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout in front of the adapter's matrices.")
    epochs: int = Field(3, ge=1, le=100, description="Passes over the training pairs.")
    batch_size: int = Field(32, ge=2, le=4096, description="Pairs per training step.")
    learning_rate: float = Field(2e-3, gt=0, lt=1, description="Peak learning rate.")
    weight_decay: float = Field(0.01, ge=0, description="AdamW's weight decay.")
    warmup: float = Field(0.1, ge=0, lt=1, description="Share of the steps with a rising learning rate.")
    temperature: float = Field(0.05, gt=0, description="Temperature of the softmax over cosines.")
    validations_per_epoch: int = Field(1, ge=1, description="Validations per epoch.")
    patience: int = Field(2, ge=1, description="Validations without a better result before training stops early.")
    hard_negatives: int = Field(1, ge=0, description="Both sides: mined hard negatives per pair.")
    micro_batch: int = Field(16, ge=1, description="Both sides: texts per forward pass.")
    device: Device = Field("auto", description="Device to train on.")
    threads: int | None = Field(None, ge=1, description="CPU threads. Unset: all cores but one.")
    seed: int = Field(0, ge=0, description="Random seed for the split, the order of pairs and the initial weights.")
