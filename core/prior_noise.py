"""From codes to the noise that a prior makes them of, and back: z = g(u) with u ~ N(0, I).

A flow is such a map, and a Gaussian is one with its Cholesky factor: their noise is what ``Prior.sample`` takes first.
A mixture's sampler also chooses a component, so that its noise alone does not make the code. Its map is that of Knothe
and Rosenblatt: one coordinate after another, u_j is the standard normal quantile of the distribution function of z_j
given z_1 .. z_j-1, which is a mixture in one dimension whose weights are the components' responsibilities so far. It
depends on the order of the dimensions; for one diagonal Gaussian it does not, and is u = (z - m) / s.

References:
    Rosenblatt (1952), Remarks on a multivariate transformation. Papamakarios et al. (2021), arXiv:1912.02762.
"""

from __future__ import annotations

import torch
from torch import Tensor

from core.priors import MixturePrior, Prior
from core.priors.flow import FlowPrior
from core.priors.standardised import StandardisedPrior
from core.shapes import Latents

STEPS = 100
"""Towards a quantile, at most: halving alone makes a bracket of 1e3 smaller than 1e-15 in 60."""
CLOSE = 1e-12
"""The last step is shorter than this, in latent units or as a share of the place."""
LOG_2PI_HALF = 0.9189385332046727


def why_not(prior: Prior) -> str | None:
    """Why a prior has no such noise, None where it has."""
    if isinstance(prior, StandardisedPrior):
        return why_not(prior.inner)
    if isinstance(prior, (MixturePrior, FlowPrior)) or prior.gaussians() is not None:
        return None
    return "this prior is no flow, no Gaussian and no mixture of Gaussians"


@torch.no_grad()
def to_noise(prior: Prior, z: Latents) -> Tensor:
    """(n, d) codes to (n, d) noise, float64.

    Raises:
        ValueError: where the prior has no such noise.
    """
    if isinstance(prior, StandardisedPrior):
        return to_noise(prior.inner, prior.frame.inward(z))
    if isinstance(prior, FlowPrior):
        return prior.flow.inverse_and_log_det(z.float())[0].double()
    if isinstance(prior, MixturePrior):
        return _rosenblatt(prior, z.double())
    mean, factor = _gaussian(prior)
    return torch.linalg.solve_triangular(factor, (z.double() - mean).T, upper=False).T


@torch.no_grad()
def from_noise(prior: Prior, u: Tensor) -> Latents:
    """(n, d) noise to (n, d) codes, float64.

    Raises:
        ValueError: where the prior has no such noise.
    """
    if isinstance(prior, StandardisedPrior):
        return prior.frame.outward(from_noise(prior.inner, u))
    if isinstance(prior, FlowPrior):
        return prior.flow.forward_and_log_det(u.float())[0].double()
    if isinstance(prior, MixturePrior):
        return _from_rosenblatt(prior, u.double())
    mean, factor = _gaussian(prior)
    return mean + u.double() @ factor.T


def _gaussian(prior: Prior) -> tuple[Tensor, Tensor]:
    found = prior.gaussians()
    if found is None or len(found[0]) != 1:
        raise ValueError(f"prior {type(prior).__name__} has no noise: {why_not(prior)}")
    return found[0][0].double(), torch.linalg.cholesky(found[1][0].double())


def _rosenblatt(prior: MixturePrior, z: Tensor) -> Tensor:
    mean, log_var, log_weight = (part.double() for part in prior.components())
    scale, u = (0.5 * log_var).exp(), torch.empty_like(z)
    log_share = log_weight.expand(len(z), -1)
    for j in range(z.shape[1]):
        standard = (z[:, j, None] - mean[:, j]) / scale[:, j]  # (n, K)
        u[:, j] = _normal_quantile(standard, log_share.softmax(1))
        log_share = log_share + _log_normal(standard, log_var[:, j])
    return u


def _normal_quantile(standard: Tensor, share: Tensor) -> Tensor:
    """The standard normal quantile of a mixture's distribution function, from the smaller of the two tails."""
    below, above = ((share * torch.special.ndtr(sign * standard)).sum(1) for sign in (1, -1))
    tail = torch.special.ndtri(torch.minimum(below, above).clamp(min=1e-300))
    return torch.where(below < above, tail, -tail)


def _from_rosenblatt(prior: MixturePrior, u: Tensor) -> Tensor:
    mean, log_var, log_weight = (part.double() for part in prior.components())
    scale, z = (0.5 * log_var).exp(), torch.empty_like(u)
    log_share = log_weight.expand(len(u), -1)
    for j in range(u.shape[1]):
        quantiles = mean[:, j] + scale[:, j] * u[:, j, None]  # a mixture's quantile lies between its components'
        share = log_share.softmax(1)
        z[:, j] = _between(quantiles.amin(1), quantiles.amax(1), u[:, j], mean[:, j], scale[:, j], share)
        log_share = log_share + _log_normal((z[:, j, None] - mean[:, j]) / scale[:, j], log_var[:, j])
    return z


def _between(low: Tensor, high: Tensor, u: Tensor, mean: Tensor, scale: Tensor, share: Tensor) -> Tensor:
    """The place between ``low`` and ``high`` at which the mixture's distribution function is that of u.

    Newton's steps on the scale of normal quantiles, where the function is a straight line for one component; a step
    that leaves the bracket is a halving instead.
    """
    if len(mean) == 1:
        return low
    z = (low + high) / 2
    for _ in range(STEPS):
        standard = (z[:, None] - mean) / scale
        quantile = _normal_quantile(standard, share)
        low, high = torch.where(quantile < u, z, low), torch.where(quantile < u, high, z)
        slope = (share * torch.exp(-0.5 * standard.square()) / scale).sum(1) * torch.exp(0.5 * quantile.square())
        newton = z - (quantile - u) / slope
        before, z = z, torch.where((newton >= low) & (newton <= high), newton, (low + high) / 2)
        if ((z - before).abs() <= CLOSE * z.abs().clamp(min=1)).all():
            break
    return z


def _log_normal(standard: Tensor, log_var: Tensor) -> Tensor:
    return -0.5 * (standard.square() + log_var) - LOG_2PI_HALF
