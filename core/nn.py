"""Network parts: gated dense layers, masked dense layers, MADE."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.dense import Dense


def soft_bound(raw: Tensor, low: float, high: float) -> Tensor:
    """Squash into (low, high), with slope 1 at the middle and a gradient everywhere.

    A hard clamp would leave units on the bound without a gradient for good.
    """
    middle, half = (low + high) / 2, (high - low) / 2
    return middle + half * torch.tanh((raw - middle) / half)


def full_precision(value: Tensor) -> Tensor:
    """Half-precision values (of autocast) as float32; float32 and float64 as they are."""
    return value.to(torch.promote_types(value.dtype, torch.float32))


def he_init(module: nn.Module) -> None:
    """He normal weights and zero biases for every dense layer, as the VampPrior reference code has them."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=(2 / layer.in_features) ** 0.5)
            nn.init.zeros_(layer.bias)


class GatedDense(nn.Module):
    """h * sigmoid(g) with h and g two dense layers of the input, computed as one matrix product.

    References:
        Dauphin, Fan, Auli, Grangier (2017), Language modeling with gated convolutional networks, arXiv:1612.08083.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.pair = Dense(inputs, 2 * outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) -> (..., outputs)."""
        return F.glu(self.pair(x), dim=-1)


def gated_mlp(inputs: int, hidden: Sequence[int]) -> nn.Sequential:
    """A stack of gated dense layers, (..., inputs) -> (..., hidden[-1])."""
    widths = [inputs, *hidden]
    return nn.Sequential(*(GatedDense(a, b) for a, b in pairwise(widths)))


class MaskedLinear(nn.Linear):
    """A dense layer whose weight is multiplied by a fixed 0/1 mask of shape (outputs, inputs)."""

    mask: Tensor

    def __init__(self, mask: Tensor) -> None:
        super().__init__(mask.shape[1], mask.shape[0])
        self.register_buffer("mask", mask.to(self.weight.dtype), persistent=False)  # follows from the sizes

    def forward(self, input: Tensor) -> Tensor:
        """(..., inputs) -> (..., outputs)."""
        return F.linear(input, self.weight * self.mask, self.bias)


def hidden_degrees(dim: int, width: int) -> np.ndarray:
    """Degrees of ``width`` hidden units, ascending and spread evenly over 1..dim-1, both ends included, (width,).

    Both ends matter: with ``arange(width) % (dim - 1)``, as other libraries have it, a layer narrower than ``dim``
    holds the low degrees only and most inputs influence no output at all.
    """
    if dim == 1:
        return np.ones(width, dtype=np.int64)  # no output may see the single input: hidden units stay unused
    if width == 1:
        return np.array([dim - 1])  # one end only is possible: the one that every input reaches
    return np.linspace(1, dim - 1, width).round().astype(np.int64)


def _mask(after: np.ndarray, before: np.ndarray) -> Tensor:
    """1 where a unit of degree ``after`` may see one of degree ``before``, (after, before)."""
    return torch.from_numpy((after[:, None] >= before[None, :]).astype(np.float32))


class MADE(nn.Module):
    """Masked network whose output i depends on the inputs before i only.

    Args:
        dim: number of inputs D.
        hidden: widths of the hidden layers.
        outputs: numbers per input, returned as ``outputs`` tensors of (n, D).
        context: C further inputs that every output may depend on; 0 for none.

    The last layer starts at zero, so that a flow built on it starts at the identity. The context is added to the first
    hidden layer and, because the first output sees no hidden unit, to the outputs.

    References:
        Germain, Gregor, Murray, Larochelle (2015), MADE: masked autoencoder for distribution estimation,
        arXiv:1502.03509.
    """

    def __init__(self, dim: int, hidden: Sequence[int], outputs: int, context: int = 0) -> None:
        super().__init__()
        inputs = np.arange(1, dim + 1)
        degrees = [inputs, *(hidden_degrees(dim, width) for width in hidden)]
        layers: list[nn.Module] = []
        for before, after in pairwise(degrees):
            layers += [MaskedLinear(_mask(after, before)), nn.ReLU()]
        last = MaskedLinear(_mask(np.tile(inputs, outputs) - 1, degrees[-1]))  # strictly later than what it sees
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.net = nn.Sequential(*layers, last)
        self.outputs = outputs
        self.to_hidden = self.to_output = None
        if context:
            self.to_hidden = nn.Linear(context, hidden[0], bias=False)
            self.to_output = nn.Linear(context, outputs * dim, bias=False)
            nn.init.zeros_(self.to_output.weight)

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, ...]:
        """(n, D) and, where the network was made for one, its context (n, C) -> ``outputs`` tensors of (n, D)."""
        if self.to_hidden is None or self.to_output is None:
            return self.net(x).chunk(self.outputs, dim=-1)
        if context is None:
            raise ValueError(f"this network depends on a context of {self.to_hidden.in_features} numbers; got none")
        hidden = self.net[1:-1](self.net[0](x) + self.to_hidden(context))
        return (self.net[-1](hidden) + self.to_output(context)).chunk(self.outputs, dim=-1)
