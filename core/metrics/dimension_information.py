"""What each latent dimension alone tells about which image it is, whatever the prior.

    I(n; z_j) = (1/n) sum_i E_{q(z_j|x_i)} [ log q(z_j|x_i) - log q(z_j) ],    q(z_j) = (1/n) sum_i q(z_j|x_i)

Of a prior that is a product over dimensions the average KL splits into d terms, and each of these into this information
and the marginal KL of its dimension. A mixture or a flow has no such terms; the information of a dimension has no prior
in it, and is comparable between models of the same images.
"""

from __future__ import annotations

import torch

from core import mixture
from core.distributions import DiagonalNormal
from core.metrics.estimate import over_examples
from core.records import DimensionInformation
from core.shapes import Latents


@torch.inference_mode()
def dimension_information(mean: Latents, log_var: Latents, *, draws: int = 2000, seed: int = 0) -> DimensionInformation:
    """The information of every dimension, each density exact: a mixture of n one-dimensional Gaussians.

    Args:
        mean: (n, d) posterior means.
        log_var: (n, d) posterior log-variances.
        draws: of z, at most one per image: n are made where this is more. The cost is draws * n * d densities.
        seed: of the draws.

    Raises:
        ValueError: with fewer than two images or no draw.
    """
    n, draws = len(mean), min(draws, len(mean))
    if n < 2 or draws < 1:
        raise ValueError(f"the information of a dimension needs two images and a draw; got {n} and {draws}")
    generator = torch.Generator().manual_seed(seed)
    mean, log_var = mean.double(), log_var.double()
    chosen = torch.randperm(n, generator=generator)[:draws]
    own_mean, own_log_var = mean[chosen], log_var[chosen]
    z = DiagonalNormal(own_mean, own_log_var).sample(1, generator=generator)[0]
    found = []
    for j in range(mean.shape[1]):
        column = [j]
        own = DiagonalNormal(own_mean[:, column], own_log_var[:, column]).log_prob(z[:, column])
        found.append(over_examples(own - mixture.log_prob(z[:, column], mean[:, column], log_var[:, column])))
    return DimensionInformation(tuple(found), tuple(mean.var(0, correction=0).tolist()), draws, n)
