"""Runs a model with torch, on any device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codecontext.embeddings.backend import EmbeddingBackend, TokenArray
from codecontext.embeddings.base import Vectors

if TYPE_CHECKING:
    from torch.nn import Module


class TorchBackend(EmbeddingBackend):
    """A torch module (input_ids, attention_mask) → (batch, d).

    ``threads`` sets how many CPU threads torch uses in this process; unset leaves them as they are.
    """

    def __init__(
        self, encoder: Module, *, device: str, pad_id: int, batch_tokens: int, threads: int | None = None
    ) -> None:
        import torch

        if threads is not None:
            torch.set_num_threads(threads)
        self._encoder = encoder
        self._device = device
        self.pad_id = pad_id
        self.batch_tokens = batch_tokens

    @property
    def name(self) -> str:
        """``torch (cpu)``."""
        return f"torch ({self._device})"

    def forward(self, input_ids: TokenArray, attention_mask: TokenArray) -> Vectors:
        """Vectors of one batch."""
        import torch

        with torch.inference_mode():
            vectors = self._encoder(
                torch.from_numpy(input_ids).to(self._device),
                torch.from_numpy(attention_mask).to(self._device),
            )
            result: Vectors = vectors.float().cpu().numpy()
        return result

    def free_memory(self) -> None:
        """Give cached blocks back to the device."""
        import torch

        if self._device.startswith("cuda"):
            torch.cuda.empty_cache()
        elif self._device == "mps":
            torch.mps.empty_cache()
