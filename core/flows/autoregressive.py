"""Gaussian autoregressive flows: MAF, and IAF as its inverse."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from core.flows.base import Chain, Flow, Invert
from core.flows.inversion import naive
from core.flows.permute import reverse
from core.nn import MADE, soft_bound
from core.shapes import Context, Latents, LogProb

LOG_SCALE_LIMIT = 5.0
"""Scales stay inside (e^-5, e^5): wide enough for any latent space here, and no exp ever overflows."""


class AutoregressiveLayer(Flow):
    """z_i = sigma_i(z_<i) u_i + mu_i(z_<i).

    inverse is one network pass (every z is known), forward needs d of them (z_i waits for z_<i).
    """

    def __init__(self, dim: int, hidden: Sequence[int], context: int = 0) -> None:
        super().__init__()
        self.made = MADE(dim, hidden, outputs=2, context=context)

    def conditioner(self, z: Latents, context: Context | None = None) -> tuple[Latents, Latents]:
        """Shift mu(z) and log-scale log sigma(z), (n, d) each."""
        shift, raw = self.made(z, context)
        return shift, soft_bound(raw, -LOG_SCALE_LIMIT, LOG_SCALE_LIMIT)

    def forward_and_log_det(self, u: Latents, context: Context | None = None) -> tuple[Latents, LogProb]:
        """d passes."""
        z, log_scale = naive(u, lambda z: self.conditioner(z, context))
        return z, log_scale.sum(1)

    def inverse_and_log_det(self, z: Latents, context: Context | None = None) -> tuple[Latents, LogProb]:
        """One pass."""
        shift, log_scale = self.conditioner(z, context)
        return (z - shift) * torch.exp(-log_scale), -log_scale.sum(1)


def maf(dim: int, hidden: Sequence[int] = (128, 128), layers: int = 5, context: int = 0) -> Flow:
    """Masked autoregressive flow: density of given data in one pass a layer, sampling in d passes a layer.

    Args:
        dim: d.
        hidden: widths of each layer's masked network.
        layers: number of autoregressive layers, the order of the coordinates reversed between them.
        context: numbers more that every network sees.

    References:
        Papamakarios, Pavlakou, Murray (2017), Masked autoregressive flow for density estimation, arXiv:1705.07057.
    """
    flows: list[Flow] = []
    for _ in range(layers):
        flows += [AutoregressiveLayer(dim, hidden, context), reverse(dim)]
    return Chain(flows)


def iaf(dim: int, hidden: Sequence[int] = (128, 128), layers: int = 5, context: int = 0) -> Flow:
    """Inverse autoregressive flow: sampling in one pass a layer, density of given data in d passes a layer.

    Args:
        dim: d.
        hidden: widths of each layer's masked network.
        layers: number of autoregressive layers.
        context: numbers more that every network sees.

    References:
        Kingma, Salimans, Jozefowicz, Chen, Sutskever, Welling (2016), Improving variational inference with inverse
        autoregressive flow, arXiv:1606.04934.
    """
    return Invert(maf(dim, hidden, layers, context))
