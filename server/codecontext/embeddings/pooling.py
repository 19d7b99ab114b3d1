"""From one vector a token to one vector a text.

The functions take the model's last hidden states, shape (batch, tokens, d), and the attention mask, shape
(batch, tokens), 1 for real tokens; padding may be on either side. They return shape (batch, d). They use
tensor methods alone, so that this module imports without torch and traces into any graph.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


class Pooling(StrEnum):
    """How token vectors become a text's vector; values are sentence-transformers' names."""

    MEAN = "mean"
    CLS = "cls"
    LAST = "lasttoken"
    MAX = "max"


def pool_mean(hidden: Tensor, mask: Tensor) -> Tensor:
    """Average of the real tokens."""
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1e-9)


def pool_max(hidden: Tensor, mask: Tensor) -> Tensor:
    """Largest value of each dimension over the real tokens."""
    return hidden.masked_fill(mask.unsqueeze(-1) == 0, float("-inf")).amax(dim=1)


def pool_cls(hidden: Tensor, mask: Tensor) -> Tensor:
    """The first real token."""
    return _take(hidden, mask.argmax(dim=1))


def pool_last_token(hidden: Tensor, mask: Tensor) -> Tensor:
    """The last real token."""
    return _take(hidden, (mask.cumsum(dim=1) * mask).argmax(dim=1))


POOLERS: dict[Pooling, Callable[[Tensor, Tensor], Tensor]] = {
    Pooling.MEAN: pool_mean,
    Pooling.CLS: pool_cls,
    Pooling.LAST: pool_last_token,
    Pooling.MAX: pool_max,
}


def _take(hidden: Tensor, positions: Tensor) -> Tensor:
    index = positions.unsqueeze(-1).unsqueeze(-1).expand(-1, 1, hidden.shape[-1])
    return hidden.gather(1, index).squeeze(1)
