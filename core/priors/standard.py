"""The fixed prior N(0, I)."""

from __future__ import annotations

import torch
from torch import Tensor

from core.distributions import DiagonalNormal
from core.priors.base import MixturePrior, Options, PriorContext, PriorKind
from core.shapes import ComponentLogVars, ComponentMeans, Latents, LogProb, LogWeights


class StandardOptions(Options):
    """N(0, I) has nothing to set."""


class StandardPrior(MixturePrior):
    """p(z) = N(0, I): one component, nothing to learn."""

    zeros: Tensor

    def __init__(self, dim: int, options: StandardOptions) -> None:
        super().__init__(dim, options)
        self.register_buffer("zeros", torch.zeros(1, dim), persistent=False)

    def components(self) -> tuple[ComponentMeans, ComponentLogVars, LogWeights]:
        """One component of mean zero and variance one."""
        return self.zeros, self.zeros, self.zeros[:, 0]

    def log_prob(self, z: Latents) -> LogProb:
        """The closed form, without the detour over a mixture."""
        return DiagonalNormal(self.zeros[0], self.zeros[0]).log_prob(z)


def _build(options: StandardOptions, context: PriorContext) -> StandardPrior:
    return StandardPrior(context.dim, options)


KIND = PriorKind("Standard normal", StandardOptions, _build)
