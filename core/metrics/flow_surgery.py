"""ELBO surgery of flow posteriors: exact over all n, as long as n is small.

q(z) = (1/n) sum_i q(z|x_i) is no mixture of Gaussians here. Its density at one z is n densities of the flow, each an
inverse pass (d network passes with IAF), so that n draws cost n^2 of them: a few seconds for 300 images, two minutes
for 2,000, an hour for 10,000. Above ``MOST`` nothing is estimated: fewer posteriors would cap the information at the
logarithm of their number, and would be another q(z).
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from core.metrics.marginal_null import null_of, quarters
from core.metrics.surgery import Surgery, surgery_of
from core.posteriors import FlowedNormal
from core.priors import Prior
from core.shapes import Latents

MOST = 2000
"""Images up to which the n x n densities are calculated."""
PAIRS = 2**17
"""Densities at once: some 30 MB for each hidden layer of 64."""


@torch.inference_mode()
def flow_surgery(
    q: FlowedNormal, prior: Prior, average: Tensor, *, n_samples: int = 4, generator: Generator | None = None
) -> Surgery | None:
    """Split the average KL of n flow posteriors; None where n is over ``MOST``.

    Args:
        q: of batch shape (n,).
        prior: p(z).
        average: (S, n) draws of log q(z|x_i) - log p(z), made with the bound.
        n_samples: draws per example and per term, at least 2.
        generator: source of the draws.

    Raises:
        ValueError: with fewer than two draws, which leave the residual without a standard error.
    """
    if n_samples < 2:
        raise ValueError(f"n_samples must be at least 2 to know the noise of the draws; got {n_samples}")
    if len(q.context) > MOST:
        return None
    n = len(q.context)
    quarter = quarters(n, n_samples)
    own, parts = _own_and_parts(q, q.sample(n_samples, generator=generator), quarter)
    information = own - parts.logsumexp(2) + math.log(n)
    z = q.sample(n_samples, generator=generator)
    own, parts = _own_and_parts(q, z, quarter)
    log_p = prior.log_prob(z.flatten(0, 1)).double().view(own.shape)
    marginal = parts.logsumexp(2) - math.log(n) - log_p
    return surgery_of(average, information, marginal, null_of(own, parts, quarter, n))


def log_conditionals(q: FlowedNormal, z: Latents) -> Tensor:
    """log q(z_j|x_i) of m points under all n posteriors, (m, n), in tiles."""
    tiles = z.split(max(1, PAIRS // len(q.context)))
    return torch.cat([q.log_prob(tile[:, None]) for tile in tiles])


def _own_and_parts(q: FlowedNormal, z: Tensor, quarter: Tensor) -> tuple[Tensor, Tensor]:
    """At (S, n, d) draws: log q(z|x_i) of the draw's own posterior, and log of the sum over those of each quarter.

    A pass of the flow is single precision; the sums are not.

    Args:
        q: of batch shape (n,).
        z: draw [s, i] is of posterior i.
        quarter: (S, n), each posterior's, as ``marginal_null.quarters`` gives them.

    Returns:
        (S, n) and (S, n, 4), in float64.
    """
    own: list[Tensor] = []
    parts: list[Tensor] = []
    for draws, label in zip(z, quarter.to(z.device), strict=True):
        every = log_conditionals(q, draws).double()
        own.append(every.diagonal().clone())
        parts.append(torch.stack([every[:, label == part].logsumexp(1) for part in range(4)], 1))
    return torch.stack(own), torch.stack(parts)
