"""What a flow is. The direction is fixed here, once.

**forward = noise to data** (the lecture's g: z = g(u)), **inverse = data to noise** (the lecture's f: u = f(z)).
Both return the log-determinant of *their own* Jacobian, (n,) in nats, summed over dimensions.

    log p(z) = log p(u) + log|det du/dz|,   u, log|det du/dz| = inverse_and_log_det(z)

Which direction is one network pass and which needs d of them is said in each flow's docstring. A flow made with
``context`` > 0 depends on that many numbers more, (n, context), one row a point: a posterior's flow depends on x.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from core.shapes import Context, Latents, LogProb


class Flow(nn.Module):
    """An invertible map of (n, d) with a tractable Jacobian.

    A new flow implements the two methods below and nothing else; both must be differentiable, in the input, in the
    context and in every parameter, and must undo each other for the same context.
    """

    @abstractmethod
    def forward_and_log_det(self, u: Latents, context: Context | None = None) -> tuple[Latents, LogProb]:
        """z = g(u; context) and log|det dz/du|."""

    @abstractmethod
    def inverse_and_log_det(self, z: Latents, context: Context | None = None) -> tuple[Latents, LogProb]:
        """u = f(z; context) and log|det du/dz|."""


class Invert(Flow):
    """The same map read backwards: forward becomes inverse. ``Invert(MAF)`` is IAF."""

    def __init__(self, flow: Flow) -> None:
        super().__init__()
        self.flow = flow

    def forward_and_log_det(self, u: Latents, context: Context | None = None) -> tuple[Latents, LogProb]:
        """The wrapped flow's inverse."""
        return self.flow.inverse_and_log_det(u, context)

    def inverse_and_log_det(self, z: Latents, context: Context | None = None) -> tuple[Latents, LogProb]:
        """The wrapped flow's forward."""
        return self.flow.forward_and_log_det(z, context)


class Chain(Flow):
    """Flows one after another: forward runs first to last, inverse last to first."""

    def __init__(self, flows: Iterable[Flow]) -> None:
        super().__init__()
        self.flows = nn.ModuleList(flows)

    def forward_and_log_det(self, u: Latents, context: Context | None = None) -> tuple[Latents, LogProb]:
        """g = g_last o ... o g_first."""
        return self._cascade(u, context, [flow.forward_and_log_det for flow in self._ordered()])

    def inverse_and_log_det(self, z: Latents, context: Context | None = None) -> tuple[Latents, LogProb]:
        """f = f_first o ... o f_last."""
        return self._cascade(z, context, [flow.inverse_and_log_det for flow in reversed(self._ordered())])

    def _ordered(self) -> list[Flow]:
        return [flow for flow in self.flows if isinstance(flow, Flow)]

    @staticmethod
    def _cascade(value: Tensor, context: Tensor | None, steps: list) -> tuple[Tensor, Tensor]:
        """In between, the values lie in memory column by column, which is what the layers are quick with."""
        total = torch.zeros(value.shape[0], dtype=value.dtype, device=value.device)
        value = value.t().contiguous().t()
        for step in steps:
            value, log_det = step(value, context)
            total = total + log_det
        return value.contiguous(), total
