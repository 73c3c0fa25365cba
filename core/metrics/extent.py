"""Where n posteriors lie in latent space and how narrow they are: what a grid must cover and resolve."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from core.distributions import DiagonalNormal
from core.posteriors import FlowedNormal

DRAWS = 64
"""Draws of each flow posterior behind its moments."""
PLACES = 8
"""Draws of each flow posterior at which its local width is looked at."""
NUDGE = 0.01
"""Step in noise, in standard deviations, of the finite differences behind a local width."""
NARROW = 0.01
"""Quantile of the flow posteriors' widths from which a grid starts. The bound punishes q(z|x) for what it covers
beyond p(z|x), not for what it leaves out, so that the thinnest q(z|x) is far thinner than anything that is integrated;
a grid that is too coarse for some image is found out by its error and made finer."""


@dataclass(frozen=True)
class Extent:
    """The surroundings of n posteriors.

    Attributes:
        mean: (n, d) their means.
        log_var: (n, d) logarithms of their variances along the axes.
        size: (n,) grows with what each one covers; only its order means anything.
        narrowest: the smallest standard deviation of any of them in any direction, of flows the quantile ``NARROW``. A
            bent posterior is far narrower across than its variances along the axes tell.
        reached: (2, d) corners of the box around all draws; of Gaussians, around all means.
    """

    mean: Tensor
    log_var: Tensor
    size: Tensor
    narrowest: float
    reached: Tensor


@torch.inference_mode()
def extent_of(q: DiagonalNormal | FlowedNormal, *, seed: int = 0) -> Extent:
    """Exact for Gaussians; for flows from draws of each posterior.

    Args:
        q: of batch shape (n,).
        seed: of the draws.
    """
    if isinstance(q, DiagonalNormal):
        mean, log_var = q.mean.cpu(), q.log_var.cpu()
        corners = torch.stack([mean.amin(0), mean.amax(0)])
        return Extent(mean, log_var, log_var.sum(1), float(torch.exp(0.5 * log_var.min())), corners)
    z = q.sample(DRAWS, generator=torch.Generator().manual_seed(seed)).cpu()  # (S, n, d)
    corners = torch.stack([z.flatten(0, 1).amin(0), z.flatten(0, 1).amax(0)])
    widths = local_widths(q, seed=seed)
    return Extent(z.mean(0), z.var(0).log(), widths, float(widths.quantile(NARROW)), corners)


@torch.inference_mode()
def local_widths(q: FlowedNormal, *, seed: int = 0) -> Tensor:
    """Standard deviation of each flow posterior across its narrowest direction, (n,): the median over some draws.

    Near a draw, z is a linear function of standard normal noise; its smallest singular value is the width there.
    """
    noise = torch.randn((PLACES, *q.base.mean.shape), generator=torch.Generator().manual_seed(seed)).to(q.base.mean)
    scale = torch.exp(0.5 * q.base.log_var)
    here = q.push(q.base.mean + scale * noise)[0]
    steps = NUDGE * torch.eye(noise.shape[-1]).to(noise)
    columns = [(q.push(q.base.mean + scale * (noise + step))[0] - here) / NUDGE for step in steps]
    return torch.linalg.svdvals(torch.stack(columns, -1).cpu().double()).amin(-1).median(0).values
