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
    own, log_q, _ = _own_and_aggregated(q, q.sample(n_samples, generator=generator))
    information = own - log_q
    z = q.sample(n_samples, generator=generator)
    _, log_q, others = _own_and_aggregated(q, z)
    log_p = prior.log_prob(z.flatten(0, 1)).double().view(log_q.shape)
    return surgery_of(average, information, log_q - log_p, log_q - others)


def log_conditionals(q: FlowedNormal, z: Latents) -> Tensor:
    """log q(z_j|x_i) of m points under all n posteriors, (m, n), in tiles."""
    tiles = z.split(max(1, PAIRS // len(q.context)))
    return torch.cat([q.log_prob(tile[:, None]) for tile in tiles])


def _own_and_aggregated(q: FlowedNormal, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """At (S, n, d) draws, draw [s, i] of posterior i: log q(z|x_i), log q(z), and log q_-i(z) without it, in float64.

    A pass of the flow is single precision; the sums are not.
    """
    n = z.shape[1]
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    for draws in z:
        every = log_conditionals(q, draws).double()
        own, total = every.diagonal().clone(), every.logsumexp(1) - math.log(n)
        every.fill_diagonal_(-torch.inf)
        parts.append((own, total, every.logsumexp(1) - math.log(n - 1)))
    own, total, others = (torch.stack(values) for values in zip(*parts, strict=True))
    return own, total, others
