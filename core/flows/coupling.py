"""Coupling flows: RealNVP (affine) and NICE (additive). Both directions are one network pass a layer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from core.flows.base import Chain, Flow
from core.flows.permute import reverse
from core.nn import common, rectified, require_context, soft_bound, symmetric_bound
from core.shapes import Context, Latents, LogProb

LOG_SCALE_LIMIT = 5.0


def _conditioner(inputs: int, hidden: Sequence[int], outputs: int) -> nn.Sequential:
    """A ReLU network whose last layer starts at zero, so that the flow starts at the identity."""
    widths = [inputs, *hidden]
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), nn.ReLU()]
    last = nn.Linear(widths[-1], outputs)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(*layers, last)


def _outputs(net: nn.Sequential, kept: Tensor, context: Tensor | None, width: int) -> Tensor:
    """The network's outputs at the kept coordinates (k, n) and the context, in columns."""
    require_context(context, width, kept.shape[1])
    layers = [module for module in net if isinstance(module, nn.Linear)]
    weights, biases = [layer.weight for layer in layers], [layer.bias for layer in layers]
    seen = common(kept if context is None else torch.cat([kept, context.t()]), weights[0])
    if seen.dtype != weights[0].dtype:
        weights, biases = [weight.to(seen.dtype) for weight in weights], [bias.to(seen.dtype) for bias in biases]
    return rectified(weights, biases, seen)


def _require_two(dim: int, name: str) -> None:
    if dim < 2:
        raise ValueError(
            f"{name} couples two halves and needs dim >= 2; got dim={dim}. Use maf or iaf for one dimension"
        )


def _kept(dim: int, number: int) -> int:
    """How many coordinates layer ``number`` keeps: half, the odd one kept and moved in turn.

    Were it always moved, the middle coordinate, which stays in its place when the order is reversed, would influence no
    other at all.
    """
    return (dim + number % 2) // 2


class AffineCoupling(Flow):
    """z_a = u_a, z_b = u_b exp(s(u_a)) + t(u_a), with a the first ``kept`` coordinates (half by default)."""

    def __init__(self, dim: int, hidden: Sequence[int], kept: int | None = None, context: int = 0) -> None:
        super().__init__()
        _require_two(dim, "RealNVP")
        self.kept = dim // 2 if kept is None else kept
        self.context = context
        self.net = _conditioner(self.kept + context, hidden, 2 * (dim - self.kept))

    def _shift_and_log_scale(self, kept: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        shift, raw = _outputs(self.net, kept, context, self.context).chunk(2)
        return shift, symmetric_bound(raw, LOG_SCALE_LIMIT)

    def forward_and_log_det(self, u: Latents, context: Context | None = None) -> tuple[Latents, LogProb]:
        """One pass."""
        kept, moved = u.t()[: self.kept], u.t()[self.kept :]
        shift, log_scale = self._shift_and_log_scale(kept, context)
        log_det = log_scale.sum(0)
        return torch.cat([kept, torch.addcmul(shift, moved, log_scale.exp())]).t(), log_det

    def inverse_and_log_det(self, z: Latents, context: Context | None = None) -> tuple[Latents, LogProb]:
        """One pass."""
        kept, moved = z.t()[: self.kept], z.t()[self.kept :]
        shift, log_scale = self._shift_and_log_scale(kept, context)
        log_det = -log_scale.sum(0)
        return torch.cat([kept, (moved - shift) / log_scale.exp()]).t(), log_det


class AdditiveCoupling(Flow):
    """z_a = u_a, z_b = u_b + t(u_a): volume preserving. ``kept`` is the length of a (default: half)."""

    def __init__(self, dim: int, hidden: Sequence[int], kept: int | None = None, context: int = 0) -> None:
        super().__init__()
        _require_two(dim, "NICE")
        self.kept = dim // 2 if kept is None else kept
        self.context = context
        self.net = _conditioner(self.kept + context, hidden, dim - self.kept)

    def forward_and_log_det(self, u: Latents, context: Context | None = None) -> tuple[Latents, LogProb]:
        """One pass; the log-determinant is zero."""
        kept, moved = u.t()[: self.kept], u.t()[self.kept :]
        shift = _outputs(self.net, kept, context, self.context)
        return torch.cat([kept, moved + shift]).t(), u.new_zeros(u.shape[0])

    def inverse_and_log_det(self, z: Latents, context: Context | None = None) -> tuple[Latents, LogProb]:
        """One pass; the log-determinant is zero."""
        kept, moved = z.t()[: self.kept], z.t()[self.kept :]
        shift = _outputs(self.net, kept, context, self.context)
        return torch.cat([kept, moved - shift]).t(), z.new_zeros(z.shape[0])


class DiagonalScaling(Flow):
    """z = u exp(s): the only place where NICE can change a volume."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.raw = nn.Parameter(torch.zeros(dim))

    def _log_scale(self) -> Tensor:
        return soft_bound(self.raw, -LOG_SCALE_LIMIT, LOG_SCALE_LIMIT)

    def forward_and_log_det(self, u: Latents, context: Context | None = None) -> tuple[Latents, LogProb]:  # noqa: ARG002
        """Element by element."""
        log_scale = self._log_scale()
        return u * torch.exp(log_scale), log_scale.sum().expand(u.shape[0])

    def inverse_and_log_det(self, z: Latents, context: Context | None = None) -> tuple[Latents, LogProb]:  # noqa: ARG002
        """Element by element."""
        log_scale = self._log_scale()
        return z * torch.exp(-log_scale), -log_scale.sum().expand(z.shape[0])


def realnvp(dim: int, hidden: Sequence[int] = (128, 128), layers: int = 5, context: int = 0) -> Flow:
    """RealNVP: affine couplings with the coordinates reversed between them.

    Args:
        dim: d, at least 2.
        hidden: widths of each coupling's network.
        layers: number of couplings; every coordinate is moved by every second one, so use at least 4.
        context: numbers more that every network sees.

    References:
        Dinh, Sohl-Dickstein, Bengio (2016), Density estimation using Real NVP, arXiv:1605.08803.
    """
    flows: list[Flow] = []
    for number in range(layers):
        flows += [AffineCoupling(dim, hidden, _kept(dim, number), context), reverse(dim)]
    return Chain(flows)


def nice(dim: int, hidden: Sequence[int] = (128, 128), layers: int = 5, context: int = 0) -> Flow:
    """NICE: additive couplings, the coordinates reversed between them, and one diagonal scaling at the data's end.

    Args:
        dim: d, at least 2.
        hidden: widths of each coupling's network.
        layers: number of couplings.
        context: numbers more that every network sees.

    References:
        Dinh, Krueger, Bengio (2014), NICE: non-linear independent components estimation, arXiv:1410.8516.
    """
    flows: list[Flow] = []
    for number in range(layers):
        flows += [AdditiveCoupling(dim, hidden, _kept(dim, number), context), reverse(dim)]
    return Chain([*flows, DiagonalScaling(dim)])
