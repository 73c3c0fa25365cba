"""A learned mixture of Gaussians."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from core.distributions import standard_normal
from core.nn import soft_bound
from core.priors.base import MixturePrior, Options, PriorContext, PriorKind
from core.shapes import ComponentLogVars, ComponentMeans, LogWeights

LOG_VAR_LOW, LOG_VAR_HIGH = -6.0, 2.0
"""Variances stay bounded: without the floor a component shrinks onto one point and the density runs off to infinity."""
STANDARDISED_LOW, STANDARDISED_HIGH = -12.0, 8.0
"""Where the codes are standardised: clusters of another encoder may be 1/400 as wide as they lie apart. At narrower
ones float32 errs by more than 0.04 nats, since (distance / deviation)^2 loses digits. The middle is that of the others,
so that a step of a fit is as long."""


class MogOptions(Options):
    """Settings of the mixture of Gaussians.

    Attributes:
        components: K.
        init_scale: standard deviation of the initial means. Near zero all components stay together.
    """

    components: int = Field(100, ge=1, le=20_000)
    init_scale: float = Field(1.0, gt=0, le=100)


class MixtureOfGaussians(MixturePrior):
    """p(z) = sum_k w_k N(z; mu_k, diag(sigma_k^2)) with everything learned."""

    def __init__(self, options: MogOptions, context: PriorContext) -> None:
        super().__init__(context.dim, options)
        shape = (options.components, context.dim)
        self.bounds = (STANDARDISED_LOW, STANDARDISED_HIGH) if context.standardised else (LOG_VAR_LOW, LOG_VAR_HIGH)
        self.mean = nn.Parameter(options.init_scale * standard_normal(shape, torch.empty(()), context.generator))
        self.raw_log_var = nn.Parameter(torch.full(shape, -1.0))
        self.logits = nn.Parameter(torch.zeros(options.components))

    def components(self) -> tuple[ComponentMeans, ComponentLogVars, LogWeights]:
        """Means, bounded log-variances, softmax log-weights."""
        return self.mean, soft_bound(self.raw_log_var, *self.bounds), self.logits.log_softmax(0)

    @torch.no_grad()
    def place(self, mean: Tensor, log_var: Tensor) -> None:
        """Put the components somewhere.

        Args:
            mean: (K, d).
            log_var: (K, d); what lies outside nine tenths of the way to the bounds is moved there, where the gradient
                is still a fifth of what it is in the middle.
        """
        low, high = self.bounds
        middle, half = (low + high) / 2, (high - low) / 2
        self.mean.copy_(mean)
        self.raw_log_var.copy_(middle + half * torch.atanh(((log_var - middle) / half).clamp(-0.9, 0.9)))


KIND = PriorKind("Mixture of Gaussians", MogOptions, MixtureOfGaussians)
