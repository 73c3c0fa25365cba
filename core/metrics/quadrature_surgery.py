"""ELBO surgery of posteriors over two latent dimensions by quadrature: what the sampling estimate must agree with."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from core import mixture
from core.distributions import LOG_2PI
from core.metrics.quadrature import BLOCK, NODES, plane_over
from core.priors import Prior
from core.shapes import Latents


@dataclass(frozen=True)
class ExactSurgery:
    """ELBO surgery by quadrature, in nats: the posteriors are given, so that there is no sampling error.

    Attributes:
        average_kl: mutual_information + marginal_kl.
        mutual_information: entropy of q(z) less the mean entropy of q(z|x_i).
        marginal_kl: KL(q(z) || p(z)).
        error: the largest difference of a term between two grids half a cell apart, each as fine as the spacing.
        spacing: of each grid, in latent units.
        mass: integral of q(z) over the plane; 1 where nothing is cut off.
    """

    average_kl: float
    mutual_information: float
    marginal_kl: float
    error: float
    spacing: float
    mass: float


@torch.inference_mode()
def surgery_2d(mean: Latents, log_var: Latents, prior: Prior, *, spacing: float | None = None) -> ExactSurgery:
    """Mutual information and marginal KL of n posteriors over two latent dimensions, by quadrature of the exact q(z).

    Args:
        mean: (n, 2).
        log_var: (n, 2).
        prior: p(z).
        spacing: of the grids; None means the smallest posterior standard deviation.

    Raises:
        ValueError: where there are not two dimensions.
    """
    if mean.ndim != 2 or mean.shape[1] != 2 or not len(mean):
        raise ValueError(f"quadrature needs (n, 2) posteriors; got {tuple(mean.shape)}")
    spacing = spacing or float(torch.exp(0.5 * log_var.min()))
    plane = plane_over(mean, log_var, mean.double(), spacing * BLOCK)
    entropy = float(0.5 * (log_var.double() + LOG_2PI + 1).sum(1).mean())
    terms = torch.zeros(2, 3, dtype=torch.float64)  # two grids; mass, E log q, E log p
    for group in torch.arange(len(plane.corners)).split(NODES // BLOCK**2):
        nodes = plane.nodes(group, BLOCK)
        for grid, shift in enumerate((-0.25, 0.25)):
            z = nodes + shift * plane.side / BLOCK
            log_q = mixture.log_prob(z, mean, log_var, double=True)
            log_p = prior.log_prob(z.to(mean)).double()
            terms[grid] += log_q.exp() @ torch.stack([torch.ones_like(log_q), log_q, log_p], 1)
    terms *= (plane.side / BLOCK) ** 2
    value, change = terms.mean(0), (terms[0] - terms[1]).abs().max()
    mass, log_q, log_p = value.tolist()
    return ExactSurgery(-log_p - entropy, -log_q - entropy, log_q - log_p, float(change), plane.side / BLOCK, mass)
