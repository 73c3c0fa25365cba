"""What each image's code costs: KL(q(z|x_i) || p(z)), image by image."""

from __future__ import annotations

import torch
from torch import Tensor

from core.distributions import DiagonalNormal
from core.posteriors import FlowedNormal
from core.priors import Prior
from core.priors.standard import StandardPrior

DRAWS = 16


@torch.inference_mode()
def image_kl(
    q: DiagonalNormal | FlowedNormal, prior: Prior, *, draws: int = DRAWS, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """KL(q(z|x_i) || p(z)) of every image, (n,) float64 nats, and its standard error, (n,).

    The closed form for Gaussians against N(0, I), where the error is 0; else the mean of log q(z|x_i) - log p(z) over
    draws of q(z|x_i).

    Args:
        q: n posteriors, of batch shape (n,).
        prior: p(z).
        draws: of each posterior, at least 2.
        seed: of the draws.

    Raises:
        ValueError: with fewer than two draws, which leave no standard error.
    """
    if draws < 2:
        raise ValueError(f"draws must be at least 2 to know their noise; got {draws}")
    if isinstance(q, DiagonalNormal) and isinstance(prior, StandardPrior):
        exact = DiagonalNormal(q.mean.double(), q.log_var.double()).kl_standard()
        return exact, torch.zeros_like(exact)
    z, log_q = q.rsample_and_log_prob(draws, generator=torch.Generator().manual_seed(seed))
    values = log_q.double() - prior.log_prob(z.flatten(0, 1)).double().view(draws, -1)
    return values.mean(0), values.std(0) / draws**0.5
