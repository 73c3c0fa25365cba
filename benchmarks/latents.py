"""A test problem like a trained VAE's: some active dimensions in clusters, the others collapsed onto the prior."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

CLUSTERS = 10


@dataclass(frozen=True)
class Problem:
    """Points and the mixture whose density is asked for.

    Attributes:
        points: (m, d), half drawn from the mixture, half from N(0, I), shuffled.
        mean, log_var: (n, d), the components.
    """

    points: Tensor
    mean: Tensor
    log_var: Tensor


def make_problem(components: int, points: int, dim: int = 40, active: int = 24, seed: int = 0) -> Problem:
    """Active dimensions: ten clusters, standard deviations about 0.25. The others: q(z|x) nearly N(0, 1)."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator)

    cluster = torch.randint(CLUSTERS, (components,), generator=generator)
    mean = torch.cat(
        [
            0.8 * normal(CLUSTERS, active)[cluster] + 0.6 * normal(components, active),
            0.02 * normal(components, dim - active),
        ],
        1,
    )
    log_var = torch.cat(
        [2 * math.log(0.25) + 0.3 * normal(components, active), 0.02 * normal(components, dim - active)], 1
    )
    chosen = torch.randint(components, (points // 2,), generator=generator)
    own = mean[chosen] + torch.exp(0.5 * log_var[chosen]) * normal(points // 2, dim)
    everything = torch.cat([own, normal(points - points // 2, dim)])
    return Problem(everything[torch.randperm(points, generator=generator)], mean, log_var)


def direct_log_prob(z: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    """The definition in float64, without expanding the square: what the others are checked against, (m,) nats."""
    z, mean, log_var = z.double(), mean.double(), log_var.double()
    constant = -0.5 * (log_var.sum(1) + mean.shape[1] * math.log(2 * math.pi)) - math.log(len(mean))
    scale = torch.exp(-0.5 * log_var)
    return torch.stack([(constant - 0.5 * ((row - mean) * scale).square().sum(1)).logsumexp(0) for row in z])
