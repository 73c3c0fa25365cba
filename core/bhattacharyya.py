"""How much Gaussians overlap, for all pairs at once."""

from __future__ import annotations

import torch
from torch import Tensor

from core.shapes import ComponentLogVars, ComponentMeans

TILE = 2_000_000
"""Numbers in one block of the calculation: 16 MB."""


@torch.no_grad()
def distances(mean: ComponentMeans, log_var: ComponentLogVars) -> Tensor:
    """Bhattacharyya distance between every two of K diagonal Gaussians.

    D(i, j) = (1/4) sum_a (mu_ia - mu_ja)^2 / (v_ia + v_ja) + (1/2) sum_a log[(v_ia + v_ja) / (2 sqrt(v_ia v_ja))]
            = -log integral sqrt(N_i N_j): 0 where the two are one.

    Args:
        mean: (K, d).
        log_var: (K, d) natural logarithms of the variances v.

    Returns:
        (K, K) float64, symmetric, zeros on the diagonal, without unit.

    References:
        Bhattacharyya (1943), On a measure of divergence between two statistical populations.
    """
    if mean.ndim != 2 or mean.shape != log_var.shape:
        raise ValueError(f"mean and log_var must both be (K, d); got {tuple(mean.shape)} and {tuple(log_var.shape)}")
    mean, log_var = mean.double(), log_var.double()
    variance, total = log_var.exp(), log_var.sum(1)
    rows = max(1, TILE // max(mean.numel(), 1))
    blocks = []
    for start in range(0, len(mean), rows):
        part = slice(start, start + rows)
        both = variance[part, None] + variance  # (rows, K, d)
        apart = ((mean[part, None] - mean).square() / both).sum(2) / 4
        blocks.append(apart + 0.5 * (both / 2).log().sum(2) - 0.25 * (total[part, None] + total))
    return torch.cat(blocks).clamp_(min=0).fill_diagonal_(0)  # rounding
