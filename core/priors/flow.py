"""A normalizing flow as the prior."""

from __future__ import annotations

from functools import partial

import torch
from pydantic import Field
from torch import Generator

from core.distributions import DiagonalNormal, standard_normal
from core.flows import FLOWS
from core.priors.base import Options, Prior, PriorContext, PriorKind
from core.shapes import Latents, LogProb


class FlowOptions(Options):
    """Settings of a flow prior.

    Attributes:
        layers: couplings or autoregressive layers.
        hidden: width of each layer's network, which has two hidden layers.
    """

    layers: int = Field(6, ge=1, le=64)
    hidden: int = Field(128, ge=1, le=4096)


class FlowPrior(Prior):
    """log p(z) = log N(f(z); 0, I) + log|det df/dz|; sampling is z = g(u), u ~ N(0, I).

    With MAF and RealNVP the density of a given z, which every training step needs, is one pass. With IAF it takes d
    passes: that is why IAF is a poor choice for a prior, and it is kept as the counter-example.

    References:
        Papamakarios, Nalisnick, Rezende, Mohamed, Lakshminarayanan (2021), Normalizing flows for probabilistic modeling
        and inference, arXiv:1912.02762.
    """

    def __init__(self, kind: str, options: FlowOptions, context: PriorContext) -> None:
        super().__init__(context.dim, options)
        self.flow = FLOWS[kind](context.dim, hidden=(options.hidden, options.hidden), layers=options.layers)

    def log_prob(self, z: Latents) -> LogProb:
        """Change of variables, (n,) in nats."""
        u, log_det = self.flow.inverse_and_log_det(z)
        base = DiagonalNormal(u.new_zeros(self.dim), u.new_zeros(self.dim))
        return base.log_prob(u) + log_det

    @torch.no_grad()
    def sample(self, n: int, *, generator: Generator | None = None) -> Latents:
        """Noise pushed through the flow, (n, d)."""
        like = next(self.flow.parameters())
        z, _ = self.flow.forward_and_log_det(standard_normal((n, self.dim), like, generator))
        return z


def kind(flow: str, title: str) -> PriorKind[FlowOptions]:
    """The registry entry of one flow."""
    return PriorKind(title, FlowOptions, partial(FlowPrior, flow))
