"""Draws of posteriors and densities of priors in float32 where that is enough, and in float64 where it is not.

Float32 holds seven digits. A posterior far narrower than its mean is large, such as that of a deterministic encoder,
is drawn on a grid: z is no draw of it any more, and each term of the surgery is wrong by the same amount, which no
residual shows. And the squared distances of a mixture, (distance / deviation)^2, lose digits where components are far
narrower than they lie apart. Noise is drawn in float32 in both cases, so that a seed means the same numbers.
"""

from __future__ import annotations

import copy

import torch
from torch import Generator, Tensor

from core import mixture
from core.distributions import LOG_2PI, DiagonalNormal, standard_normal
from core.priors import MixturePrior, Prior
from core.priors.standardised import StandardisedMixture, StandardisedPrior
from core.shapes import Latents, LogProb

EPSILON = 2.0**-24
"""Largest relative rounding error of float32."""
STEPS = 100
"""A posterior's deviation is at least so many steps of float32 at its mean, or its draws are made in float64.

The variance of rounding is a twelfth of a squared step: at 100 steps log q is off by 4e-6 nats a dimension."""
TOLERATED = 0.02
"""Nats by which float32 may err in a mixture's density at worst. It errs by a twentieth of that as a rule."""


def draws(mean: Latents, log_var: Latents, n: int, *, generator: Generator | None = None) -> tuple[Tensor, Tensor]:
    """n draws of every posterior and their log-density.

    Args:
        mean: (m, d) posterior means.
        log_var: (m, d) posterior log-variances.
        n: draws of each.
        generator: source of the noise.

    Returns:
        z (n, m, d) and log q(z|x) (n, m) in nats; float64 where float32 cannot tell the draws apart.
    """
    if not too_narrow(mean, log_var):
        return DiagonalNormal(mean, log_var).rsample_and_log_prob(n, generator=generator)
    noise = standard_normal((n, *mean.shape), mean, generator).double()
    mean, log_var = mean.double(), log_var.double()
    return mean + torch.exp(0.5 * log_var) * noise, -0.5 * (noise.square() + log_var + LOG_2PI).sum(-1)


def too_narrow(mean: Latents, log_var: Latents) -> bool:
    """Whether some posterior is narrower than float32 can draw it at its mean."""
    return mean.dtype != torch.float64 and bool((torch.exp(0.5 * log_var) < 2 * STEPS * EPSILON * mean.abs()).any())


def log_prior(prior: Prior, z: Tensor) -> Tensor:
    """log p(z) of (..., d) points, (...) in nats: in float64 where the points are, or where a mixture needs it."""
    flat = z.flatten(0, -2)
    if z.dtype == torch.float64 or (isinstance(prior, MixturePrior) and worst_error(prior, flat) > TOLERATED):
        return exact_log_prior(prior, flat).view(z.shape[:-1])
    return prior.log_prob(flat).view(z.shape[:-1])


@torch.no_grad()
def worst_error(prior: MixturePrior, z: Latents) -> float:
    """A bound, in nats, of what float32 can lose in a mixture's density at (n, d) points.

    Each dimension squares distances from the components' common mean in units of the narrowest deviation.
    """
    if isinstance(prior, StandardisedMixture):
        prior, z = prior.inner, prior.frame.inward(z)
    mean, log_var, _ = prior.components()
    if len(mean) == 1:
        return 0.0  # distances from the only component are those that count
    centre = mean.mean(0)
    reach = torch.maximum((z - centre).abs().amax(0), (mean - centre).abs().amax(0))
    return EPSILON * float((reach.square() * torch.exp(-log_var).amax(0)).sum())


@torch.no_grad()
def exact_log_prior(prior: Prior, z: Latents, rows: int = 10_000) -> LogProb:
    """log p(z) of (n, d) points in float64, (n,) in nats."""
    if isinstance(prior, StandardisedMixture | StandardisedPrior):
        frame = copy.deepcopy(prior.frame).double()
        return exact_log_prior(prior.inner, frame.inward(z.double()), rows) - frame.log_volume
    if isinstance(prior, MixturePrior):
        return mixture.log_prob(z, *prior.components(), double=True)
    exact = copy.deepcopy(prior).double()
    return torch.cat([exact.log_prob(part.double()) for part in z.split(rows)])
