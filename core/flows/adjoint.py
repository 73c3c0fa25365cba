"""Gradients through an inverted autoregressive layer, without autograd running through its steps.

With z = u exp(s(z)) + t(z) and a loss L of z and s, everything that depends on z counted in,

    dL/dz_total = dL/dz + (ds/dz)^T (dL/ds + u exp(s) dL/dz_total) + (dt/dz)^T dL/dz_total

(the implicit function theorem), where both Jacobians are strictly triangular: the last coordinate's gradient is known
at once, the others follow. Given it, all other gradients are those of one pass of the network at the known z.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from core.nn import MADE

Solver = Callable[[Tensor, Tensor], Tensor]
"""dL/dz and dL/dlog_scale as they arrive, (n, d) each -> dL/dz_total, (n, d)."""


class Solved(torch.autograd.Function):
    """z and log-scale unchanged; backwards, dL/dz is replaced by dL/dz_total. First-order gradients only."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, log_scale: Tensor, solver: Solver) -> tuple[Tensor, Tensor]:
        """Nothing is calculated."""
        ctx.solver = solver
        return z.view_as(z), log_scale.view_as(log_scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Solve the adjoint equation."""
        return ctx.solver(grads[0], grads[1]), grads[1], None


class Repeated:
    """The adjoint equation by Jacobi's iteration: at most d products with the transposed Jacobian, fewer as a rule.

    Args:
        made: the masked network; its weights are taken as they are now.
        z: (n, d), the inversion's result.
        context: (n, c) or None.
        stretch: dz/dlog_scale = u exp(log_scale), (n, d).
        slope: derivative of the log-scale by the network's raw output, (n, d).
    """

    @torch.no_grad()
    def __init__(self, made: MADE, z: Tensor, context: Tensor | None, stretch: Tensor, slope: Tensor) -> None:
        self.weights = [(layer.weight * layer.mask).to(z.dtype) for layer in made.layers()]
        self.stretch, self.slope = stretch, slope
        self.on: list[Tensor] = []
        value, offsets = z, [layer.bias.to(z.dtype) for layer in made.layers()]
        if context is not None:
            offsets[0] = made.offsets(context, z.dtype)[0].t()
        for offset, weight in zip(offsets[:-1], self.weights[:-1], strict=True):
            value = torch.relu(value @ weight.t() + offset)
            self.on.append((value > 0).to(z.dtype))

    def __call__(self, grad_z: Tensor, grad_log_scale: Tensor) -> Tensor:
        """dL/dz_total, (n, d)."""
        tolerance, total = 4 * torch.finfo(grad_z.dtype).eps, grad_z
        waited_for = (torch.isfinite(grad_z) & torch.isfinite(grad_log_scale)).all(1)
        for _ in range(grad_z.shape[1]):
            before, total = total, grad_z + self._passed_back(total, grad_log_scale)
            settled = (total - before).abs().amax(1) <= tolerance * total.abs().amax(1)
            if bool((settled | ~waited_for).all()):
                break
        return total

    def _passed_back(self, total: Tensor, grad_log_scale: Tensor) -> Tensor:
        """The gradient that reaches z through shift and log-scale."""
        raw = torch.addcmul(grad_log_scale, total, self.stretch) * self.slope
        grad = torch.cat([total, raw], 1) @ self.weights[-1]
        for weight, on in zip(reversed(self.weights[:-1]), reversed(self.on), strict=True):
            grad = (grad * on) @ weight
        return grad
