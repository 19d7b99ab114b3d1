"""Gradients of a loss over a batch that does not fit in memory at once.

Gao et al., "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup" (arXiv:2101.06983): vectors are
made without a graph, the loss gives the gradient of each vector, and each part of the batch is run once more with a
graph to hand that gradient on. The result is that of the whole batch at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from codecontext.training.optimize.batches import batches_by_length

if TYPE_CHECKING:
    from torch import Tensor

Encode = Callable[[Sequence[Sequence[int]]], "Tensor"]


def backward_in_parts(
    encode: Encode,
    token_ids: Sequence[Sequence[int]],
    loss_of: Callable[[Tensor], Tensor],
    part_size: int,
    seed: int,
) -> float:
    """Add the gradients of ``loss_of(vectors)`` to the weights behind ``encode``, and return the loss.

    ``encode`` makes vectors of ``part_size`` texts at once, shape (texts, dimension); ``loss_of`` gets those of all,
    in the order of ``token_ids``. ``seed`` gives a part the same dropout in both passes.
    """
    import torch

    parts = batches_by_length(token_ids, part_size)
    order = torch.tensor([row for part in parts for row in part])

    def run(number: int) -> Tensor:
        torch.manual_seed(seed + number)
        return encode([token_ids[row] for row in parts[number]])

    with torch.no_grad():
        vectors = torch.cat([run(number) for number in range(len(parts))])
    position = order.argsort().to(vectors.device)
    vectors.requires_grad_()
    loss = loss_of(vectors[position])
    (gradients,) = torch.autograd.grad(loss, vectors)
    for number in range(len(parts)):
        of_part = gradients[number * part_size : (number + 1) * part_size]
        (run(number) * of_part).sum().backward()  # type: ignore[no-untyped-call]
    return float(loss.detach())
