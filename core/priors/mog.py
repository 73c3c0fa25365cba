"""A learned mixture of Gaussians."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import nn

from core.distributions import standard_normal
from core.nn import soft_bound
from core.priors.base import MixturePrior, Options, PriorContext, PriorKind
from core.shapes import ComponentLogVars, ComponentMeans, LogWeights

LOG_VAR_LOW, LOG_VAR_HIGH = -6.0, 2.0
"""Variances stay bounded: without the floor a component shrinks onto one point and the density runs off to infinity."""


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
        self.mean = nn.Parameter(options.init_scale * standard_normal(shape, torch.empty(()), context.generator))
        self.raw_log_var = nn.Parameter(torch.full(shape, -1.0))
        self.logits = nn.Parameter(torch.zeros(options.components))

    def components(self) -> tuple[ComponentMeans, ComponentLogVars, LogWeights]:
        """Means, bounded log-variances, softmax log-weights."""
        return self.mean, soft_bound(self.raw_log_var, LOG_VAR_LOW, LOG_VAR_HIGH), self.logits.log_softmax(0)


KIND = PriorKind("Mixture of Gaussians", MogOptions, MixtureOfGaussians)
