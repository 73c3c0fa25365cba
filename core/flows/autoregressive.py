"""Gaussian autoregressive flows: MAF, and IAF as its inverse."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from core.flows.adjoint import Solved
from core.flows.base import Chain, Flow, Invert
from core.flows.inversion import Inversion, SolvedInOrder, adjoint, fastest, fixed_point, incremental, known, naive
from core.flows.permute import reverse
from core.nn import MADE, full_precision, require_context, symmetric_bound
from core.shapes import Context, Latents, LogProb

LOG_SCALE_LIMIT = 5.0
"""Scales stay inside (e^-5, e^5): wide enough for any latent space here, and no exp ever overflows."""


class AutoregressiveLayer(Flow, SolvedInOrder):
    """z_i = sigma_i(z_<i) u_i + mu_i(z_<i).

    inverse is one network pass (every z is known); in forward z_i waits for z_<i, see ``core.flows.inversion``.

    Attributes:
        method: how forward is solved, one of ``METHODS``; None for the fastest.
    """

    def __init__(self, dim: int, hidden: Sequence[int], context: int = 0) -> None:
        super().__init__()
        self.made = MADE(dim, hidden, outputs=2, context=context)

    def conditioner(self, z: Latents, context: Context | None = None) -> tuple[Latents, Latents]:
        """Shift mu(z) and log-scale log sigma(z), (n, d) each."""
        shift, raw = self.made(z, context)
        return shift, symmetric_bound(raw, LOG_SCALE_LIMIT)

    def invert(self, u: Latents, context: Context | None = None) -> Inversion:
        """z, log-scale and passes made, by ``method``; differentiable in u, the context and every parameter.

        Calculated in float32 or float64, also under autocast: a rounding error made in the first coordinate is in all
        that follow.
        """
        u = full_precision(u.to(torch.promote_types(u.dtype, self.made.last.weight.dtype)))
        require_context(context, self.made.context, len(u))
        given = [u, *self.parameters(), *([] if context is None else [context])]
        graph = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in given)
        with torch.autocast(u.device.type, enabled=False):
            method = known(self.method) or fastest(u)
            if method == "naive":
                return naive(u, lambda z: self.conditioner(z, context))
            if method == "incremental":
                found = incremental(u, self.made, LOG_SCALE_LIMIT, context)
            else:
                found = fixed_point(u, lambda z: self.conditioner(z, context))
            if not graph:
                return found
            solver = adjoint(method, self.made, LOG_SCALE_LIMIT, found, u, context)
            shift, log_scale = self.conditioner(found.z, context)
            z, log_scale = Solved.apply(u * torch.exp(log_scale) + shift, log_scale, solver)
            return Inversion(z, log_scale, found.passes)

    def forward_and_log_det(self, u: Latents, context: Context | None = None) -> tuple[Latents, LogProb]:
        """d passes in the textbook, the arithmetic of one by default."""
        found = self.invert(u, context)
        return found.z, found.log_scale.sum(1)

    def inverse_and_log_det(self, z: Latents, context: Context | None = None) -> tuple[Latents, LogProb]:
        """One pass."""
        shift, log_scale = self.conditioner(z, context)
        return (z - shift) / torch.exp(log_scale), -log_scale.sum(1)


def maf(dim: int, hidden: Sequence[int] = (128, 128), layers: int = 5, context: int = 0) -> Flow:
    """Masked autoregressive flow: density of given data in one pass a layer, sampling coordinate by coordinate.

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
    """Inverse autoregressive flow: sampling in one pass a layer, density of given data coordinate by coordinate.

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
