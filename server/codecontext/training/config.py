"""How an adapter is trained."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from codecontext.adapters import AdapterSide
from codecontext.embeddings.huggingface.config import Device

LEARNING_RATES = {AdapterSide.QUERY: 2e-3, AdapterSide.BOTH: 5e-4}
"""Where documents move too, smaller steps."""


class TrainingConfig(BaseModel):
    """Choices of a training run; the defaults were found on development repositories (docs/training.md)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    side: AdapterSide = Field(AdapterSide.QUERY, description="Which texts pass through the adapter.")
    rank: int = Field(8, ge=1, le=256, description="Rank of the adapter's matrices.")
    alpha: float = Field(16.0, gt=0, description="Scale of the adapter: its product is multiplied by alpha / rank.")
    targets: tuple[str, ...] = Field((), description="Modules to adapt. Empty: chosen by the model's architecture.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout in front of the adapter's matrices.")
    epochs: int = Field(3, ge=1, le=100, description="Passes over the training pairs.")
    batch_size: int = Field(32, ge=2, le=4096, description="Pairs of a step.")
    learning_rate: float = Field(2e-3, gt=0, lt=1, description="Highest learning rate.")
    weight_decay: float = Field(0.01, ge=0, description="AdamW's weight decay.")
    warmup: float = Field(0.1, ge=0, lt=1, description="Share of the steps in which the learning rate rises.")
    temperature: float = Field(0.05, gt=0, description="Cosines are divided by it before the softmax.")
    validations_per_epoch: int = Field(2, ge=1, description="How often the validation pairs are asked in an epoch.")
    patience: int = Field(4, ge=1, description="Validations without a better result after which training ends.")
    hard_negatives: int = Field(1, ge=0, description="Both sides: mined wrong answers for each pair of a step.")
    micro_batch: int = Field(16, ge=1, description="Both sides: texts that go through the model at once.")
    device: Device = Field("auto", description="Where training runs.")
    threads: int | None = Field(None, ge=1, description="CPU threads. Unset: all cores but one.")
    seed: int = Field(0, ge=0, description="Decides the split, the order and the first weights.")
