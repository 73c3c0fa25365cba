"""Fixed permutations between layers: without them the same coordinates would be conditioned on all the way through."""

from __future__ import annotations

import torch
from torch import Tensor

from core.flows.base import Flow
from core.shapes import Context, Latents, LogProb


class Permute(Flow):
    """z = u[:, order]; the log-determinant is zero.

    Args:
        order: (d,) a permutation of 0..d-1.

    Raises:
        ValueError: if ``order`` is not a permutation.
    """

    order: Tensor
    undo: Tensor

    def __init__(self, order: Tensor) -> None:
        super().__init__()
        if order.sort().values.tolist() != list(range(len(order))):
            raise ValueError(f"order must be a permutation of 0..{len(order) - 1}; got {order.tolist()}")
        self.reverses = len(order) > 0 and bool((order == torch.arange(len(order)).flip(0)).all())
        self.register_buffer("order", order, persistent=False)  # follows from the configuration
        self.register_buffer("undo", order.argsort(), persistent=False)

    def forward_and_log_det(self, u: Latents, context: Context | None = None) -> tuple[Latents, LogProb]:  # noqa: ARG002
        """(n, d) re-ordered."""
        return u.flip(1) if self.reverses else u[:, self.order], u.new_zeros(1).expand(len(u))

    def inverse_and_log_det(self, z: Latents, context: Context | None = None) -> tuple[Latents, LogProb]:  # noqa: ARG002
        """(n, d) in the first order."""
        return z.flip(1) if self.reverses else z[:, self.undo], z.new_zeros(1).expand(len(z))


def reverse(dim: int) -> Permute:
    """The permutation that turns the order of the coordinates round."""
    return Permute(torch.arange(dim).flip(0))
