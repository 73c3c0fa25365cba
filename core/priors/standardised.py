"""Priors of standardised codes: u = (z - shift) / scale, by dimension, has a prior of the registry, and so z has one.

    log p(z) = log p_u((z - shift) / scale) - sum_j log scale_j

A mixture's deviations have bounds and a flow starts at N(0, I): both are made for codes of about unit scale. Codes that
another encoder made may have any, and a prior that is fitted to them would be judged by that.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Generator, Tensor, nn

from core.priors.base import MixturePrior, Prior, PriorContext, PriorKind
from core.shapes import ComponentLogVars, ComponentMeans, Covariances, Latents, LogProb, LogWeights


class Frame(nn.Module):
    """Where the codes lie, dimension by dimension: z = shift + scale u. It starts at u = z.

    Args:
        dim: d.
    """

    shift: Tensor
    log_scale: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("shift", torch.zeros(dim))
        self.register_buffer("log_scale", torch.zeros(dim))  # its exponential is positive, whatever a file holds

    @property
    def log_volume(self) -> Tensor:
        """log |dz/du|, a scalar in nats."""
        return self.log_scale.sum()

    def inward(self, z: Tensor) -> Tensor:
        """u of (n, d) codes, in the wider of the two precisions."""
        return (z - self.shift) * torch.exp(-self.log_scale)

    def outward(self, u: Tensor) -> Tensor:
        """z of (n, d) standardised codes."""
        return self.shift + torch.exp(self.log_scale) * u

    @torch.no_grad()
    def place(self, centre: Tensor, deviation: Tensor) -> None:
        """Put the origin at ``centre`` (d,) and the unit at ``deviation`` (d,), which is positive."""
        self.shift.copy_(centre)
        self.log_scale.copy_(deviation.log())


class StandardisedMixture(MixturePrior):
    """A mixture of Gaussians over u: it is one over z as well, with its components moved and stretched.

    Args:
        inner: p_u.
    """

    def __init__(self, inner: MixturePrior) -> None:
        super().__init__(inner.dim, inner.options)
        self.inner, self.frame = inner, Frame(inner.dim)
        self.rate_scale = inner.rate_scale

    def components(self) -> tuple[ComponentMeans, ComponentLogVars, LogWeights]:
        """Those of z."""
        mean, log_var, log_weight = self.inner.components()
        return self.frame.outward(mean), log_var + 2 * self.frame.log_scale, log_weight

    def log_prob(self, z: Latents) -> LogProb:
        """Over u, where nothing is large, (n,) in nats."""
        return self.inner.log_prob(self.frame.inward(z)) - self.frame.log_volume


class StandardisedPrior(Prior):
    """Any other prior over u.

    Args:
        inner: p_u.
    """

    def __init__(self, inner: Prior) -> None:
        super().__init__(inner.dim, inner.options)
        self.inner, self.frame = inner, Frame(inner.dim)
        self.rate_scale = inner.rate_scale

    def log_prob(self, z: Latents) -> LogProb:
        """Change of variables, (n,) in nats."""
        return self.inner.log_prob(self.frame.inward(z)) - self.frame.log_volume

    @torch.no_grad()
    def sample(self, n: int, *, generator: Generator | None = None) -> Latents:
        """Draws of u, moved and stretched, (n, d)."""
        return self.frame.outward(self.inner.sample(n, generator=generator))

    def gaussians(self) -> tuple[ComponentMeans, Covariances, LogWeights] | None:
        """Those of z, where p_u consists of Gaussians."""
        if (found := self.inner.gaussians()) is None:
            return None
        mean, covariance, log_weight = found
        scale = torch.exp(self.frame.log_scale)
        return self.frame.outward(mean), scale[:, None] * covariance * scale, log_weight


Standardised = StandardisedMixture | StandardisedPrior


def standardised(kind: PriorKind[Any], options: dict[str, Any], context: PriorContext) -> Standardised:
    """A prior of the registry over standardised codes; until its frame is placed they are the codes themselves.

    Raises:
        ValueError: naming the setting that is unknown or out of range.
    """
    inner = kind.from_config(options, replace(context, standardised=True))
    return StandardisedMixture(inner) if isinstance(inner, MixturePrior) else StandardisedPrior(inner)
