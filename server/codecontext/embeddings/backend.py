"""What every backend does: one padded batch of token ids to vectors."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from codecontext.embeddings.base import Vectors

TokenArray = NDArray[np.int64]
"""Token ids or attention mask of a batch, shape (batch, tokens)."""


class EmbeddingBackend(ABC):
    """A model with pooling, ready to run. ``forward`` may be called from several threads."""

    batch_tokens: int
    """Padded tokens of a batch that use the device well and fit in its memory."""
    pad_id: int
    """Token that pads shorter texts; the attention mask hides it."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What runs the model, where and in which precision, for people: ``openvino (cpu, bf16)``."""

    @abstractmethod
    def forward(self, input_ids: TokenArray, attention_mask: TokenArray) -> Vectors:
        """Vectors of one batch, shape (batch, d), normalised if the model is.

        Running out of memory raises ``MemoryError`` or a ``RuntimeError`` that says so.
        """

    def free_memory(self) -> None:  # noqa: B027 - most backends keep no memory
        """Free memory that is kept for reuse, before a smaller batch is tried."""
