"""A Gaussian pushed through a flow: one distribution for every image, immutable."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from core.distributions import DiagonalNormal
from core.flows import Flow


@dataclass(frozen=True)
class FlowedNormal:
    """z = g(u; h) with u ~ N(mean, diag(sigma^2)) and a flow g that depends on the context h.

        log q(z) = log N(u; mean, diag(sigma^2)) - log|det dg/du|,   u = g^-1(z; h)

    Drawing and the density of a draw take one forward pass of the flow; the density of a given z takes its inverse,
    which with IAF is d passes. Everything is calculated in the precision of ``base``, never in that of autocast.

    There is no ``mean``: a flow's mean has no closed form, and a Gaussian's would be wrong in its place. What stands in
    for "the code of the image" is ``centre``.

    Args:
        base: of batch shape ``batch`` and event (d,).
        context: h, (*batch, c).
        flow: shared by the whole batch, made for c numbers of context.
    """

    base: DiagonalNormal
    context: Tensor
    flow: Flow

    @property
    def event_shape(self) -> tuple[int, ...]:
        """(d,)."""
        return self.base.event_shape

    @property
    def centre(self) -> Tensor:
        """Image of the base's mean under the flow, (*batch, d): a typical code, but not the mean of q."""
        return self.push(self.base.mean)[0]

    def log_prob(self, value: Tensor) -> Tensor:
        """log q(value), in nats; leading axes of ``value`` and of the batch are broadcast."""
        batch = torch.broadcast_shapes(value.shape[:-1], self.base.mean.shape[:-1])
        value, context = value.expand(*batch, -1), self.context.expand(*batch, -1)
        with torch.autocast(value.device.type, enabled=False):
            u, log_det = self.flow.inverse_and_log_det(_rows(value), _rows(context))
        return self.base.log_prob(u.view(value.shape)) + log_det.view(batch)

    def rsample_and_log_prob(self, n: int, *, generator: Generator | None = None) -> tuple[Tensor, Tensor]:
        """Draws (n, *batch, d) and their log-density (n, *batch), both with gradients, from one pass."""
        u, log_base = self.base.rsample_and_log_prob(n, generator=generator)
        z, log_det = self.push(u)
        return z, log_base - log_det

    def sample(self, n: int, *, generator: Generator | None = None) -> Tensor:
        """Draws without gradients, (n, *batch, d)."""
        with torch.no_grad():
            return self.push(self.base.rsample(n, generator=generator))[0]

    def take(self, index: Tensor | slice) -> FlowedNormal:
        """The distributions of some of the batch."""
        return FlowedNormal(
            DiagonalNormal(self.base.mean[index], self.base.log_var[index]), self.context[index], self.flow
        )

    def push(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """Values of the base, (*draws, *batch, d), through the flow, and their log-determinants, (*draws, *batch)."""
        context = self.context.expand(*u.shape[:-1], -1)
        with torch.autocast(u.device.type, enabled=False):
            z, log_det = self.flow.forward_and_log_det(_rows(u), _rows(context))
        return z.view(u.shape), log_det.view(u.shape[:-1])


def joined(parts: Sequence[FlowedNormal]) -> FlowedNormal:
    """Several batches of one flow as one batch, on the CPU's side of memory as they are."""
    base = DiagonalNormal(torch.cat([q.base.mean for q in parts]), torch.cat([q.base.log_var for q in parts]))
    return FlowedNormal(base, torch.cat([q.context for q in parts]), parts[0].flow)


def _rows(value: Tensor) -> Tensor:
    """(*batch, k) as (rows, k), which is what a flow takes."""
    return value.reshape(math.prod(value.shape[:-1]), value.shape[-1])
