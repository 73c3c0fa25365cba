"""A posterior of any shape: the encoder's Gaussian, bent by a flow that the image steers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from pydantic import Field
from torch import nn

from core.config import Frozen
from core.distributions import DiagonalNormal
from core.flows import FLOWS
from core.nn import full_precision, gated_mlp, he_init, soft_bound
from core.posteriors.base import Posterior, PosteriorKind
from core.posteriors.flowed_normal import FlowedNormal
from core.posteriors.gaussian import LOG_VAR_HIGH, LOG_VAR_LOW
from core.shapes import Images


class FlowOptions(Frozen):
    """Settings of a flow posterior.

    Attributes:
        layers: couplings or autoregressive layers.
        hidden: width of each layer's network, which has two hidden layers.
        context: numbers h(x) that the encoder hands to every layer.
    """

    layers: int = Field(4, ge=1, le=64)
    hidden: int = Field(64, ge=1, le=4096)
    context: int = Field(16, ge=1, le=1024)


class FlowPosterior(Posterior):
    """z = g(u; h(x)) with u ~ N(mu(x), diag(sigma^2(x))): training and sampling are one pass of the flow.

    A posterior is only ever asked for draws and for the density of its own draws, and the direction noise to data gives
    both. IAF is cheap in just that direction: what makes it a poor prior makes it a good posterior. The flow starts at
    the identity (up to the order of the coordinates), so that training starts at the Gaussian posterior.

    Args:
        kind: key of ``FLOWS``.
        options: settings.
        pixels: length of a flat image.
        dim: latent dimension d.
        hidden: widths of the encoder's gated layers.

    References:
        Rezende, Mohamed (2015), Variational inference with normalizing flows, arXiv:1505.05770.
        Kingma, Salimans, Jozefowicz, Chen, Sutskever, Welling (2016), Improving variational inference with inverse
        autoregressive flow, arXiv:1606.04934.
    """

    def __init__(self, kind: str, options: FlowOptions, pixels: int, dim: int, hidden: Sequence[int]) -> None:
        super().__init__(options)
        self.sizes = (dim, dim, options.context)
        self.body = gated_mlp(pixels, hidden)
        self.head = nn.Linear(hidden[-1], sum(self.sizes))
        he_init(self)  # before the flow is there: its own layers start as it wants them
        self.flow = FLOWS[kind](dim, (options.hidden, options.hidden), options.layers, options.context)

    def forward(self, x: Images) -> FlowedNormal:
        """(n, pixels) -> n distributions over (d,)."""
        body = full_precision(self.body(x))
        with torch.autocast(x.device.type, enabled=False):  # these numbers place z: never rounded to bf16
            mean, raw, context = self.head(body).split(self.sizes, dim=-1)
        return FlowedNormal(DiagonalNormal(mean, soft_bound(raw, LOG_VAR_LOW, LOG_VAR_HIGH)), context, self.flow)


def kind(flow: str, title: str) -> PosteriorKind[FlowOptions]:
    """The registry entry of one flow."""
    return PosteriorKind(title, FlowOptions, partial(FlowPosterior, flow))
