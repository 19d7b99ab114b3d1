"""Pooling sees real tokens only, wherever the padding is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from codecontext.embeddings.pooling import POOLERS, Pooling

TOKENS = {
    1: np.array([[3.0, -1.0]]),
    3: np.array([[1.0, -9.0], [5.0, -3.0], [3.0, -6.0]]),
    4: np.array([[-2.0, 1.0], [-4.0, 2.0], [-6.0, 3.0], [-8.0, 6.0]]),
}
EXPECTED = {
    Pooling.MEAN: lambda tokens: tokens.mean(axis=0),
    Pooling.MAX: lambda tokens: tokens.max(axis=0),
    Pooling.CLS: lambda tokens: tokens[0],
    Pooling.LAST: lambda tokens: tokens[-1],
}


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("pooling", Pooling)
def test_ignores_padding_on_either_side(pooling, side):
    hidden, mask = np.full((len(TOKENS), 4, 2), 99.0), np.zeros((len(TOKENS), 4), dtype=np.int64)
    for row, (length, tokens) in enumerate(TOKENS.items()):
        real = slice(0, length) if side == "right" else slice(4 - length, 4)
        hidden[row, real], mask[row, real] = tokens, 1

    pooled = POOLERS[pooling](torch.from_numpy(hidden), torch.from_numpy(mask)).numpy()

    assert pooled.tolist() == [EXPECTED[pooling](tokens).tolist() for tokens in TOKENS.values()]
