"""What each latent dimension alone tells about which image it is, whatever the prior.

    I(n; z_j) = (1/n) sum_i E_{q(z_j|x_i)} [ log q(z_j|x_i) - log q(z_j) ],    q(z_j) = (1/n) sum_i q(z_j|x_i)

Of a prior that is a product over dimensions the average KL splits into d terms, and each of these into this information
and the marginal KL of its dimension. A mixture or a flow has no such terms; the information of a dimension has no prior
in it, and is comparable between models of the same images.
"""

from __future__ import annotations

import torch

from core.distributions import LOG_2PI, DiagonalNormal
from core.metrics.estimate import over_examples
from core.metrics.per_dimension import log_marginals
from core.records import DimensionInformation
from core.shapes import Latents

DRAWS, FEWEST_DRAWS, MOST_DENSITIES = 2000, 200, 10**9


@torch.inference_mode()
def dimension_information(
    mean: Latents, log_var: Latents, *, draws: int = DRAWS, seed: int = 0
) -> DimensionInformation:
    """The information of every dimension, each density exact: a mixture of n one-dimensional Gaussians.

    Args:
        mean: (n, d) posterior means.
        log_var: (n, d) posterior log-variances.
        draws: of z, at most one per image, and fewer where draws * n * d densities would be more than a thousand
            million.
        seed: of the draws.

    Raises:
        ValueError: with fewer than two images or no draw.
    """
    n, draws = len(mean), min(draws, len(mean), max(FEWEST_DRAWS, MOST_DENSITIES // max(1, mean.numel())))
    if n < 2 or draws < 1:
        raise ValueError(f"the information of a dimension needs two images and a draw; got {n} and {draws}")
    generator = torch.Generator().manual_seed(seed)
    mean, log_var = mean.double(), log_var.double()
    chosen = torch.randperm(n, generator=generator)[:draws]
    own_mean, own_log_var = mean[chosen], log_var[chosen]
    z = DiagonalNormal(own_mean, own_log_var).sample(1, generator=generator)[0]
    own = -0.5 * ((z - own_mean).square() * torch.exp(-own_log_var) + own_log_var + LOG_2PI)
    found = (over_examples(column) for column in (own - log_marginals(z, mean, log_var)).T)
    return DimensionInformation(tuple(found), tuple(mean.var(0, correction=0).tolist()), draws, n)
