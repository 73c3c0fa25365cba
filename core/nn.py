"""Network parts: gated dense layers, masked dense layers, MADE."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core import dense
from core.dense import Dense


def soft_bound(raw: Tensor, low: float, high: float) -> Tensor:
    """Squash into (low, high), with slope 1 at the middle and a gradient everywhere.

    A hard clamp would leave units on the bound without a gradient for good.
    """
    middle, half = (low + high) / 2, (high - low) / 2
    if middle == 0:
        return half * torch.tanh(raw / half)
    return middle + half * torch.tanh((raw - middle) / half)


def symmetric_bound(raw: Tensor, limit: float) -> Tensor:
    """``soft_bound(raw, -limit, limit)``, in raw's own memory where no gradient is wanted."""
    if torch.is_grad_enabled() and raw.requires_grad:
        return soft_bound(raw, -limit, limit)
    return raw.div_(limit).tanh_().mul_(limit)


def full_precision(value: Tensor) -> Tensor:
    """Half-precision values (of autocast) as float32; float32 and float64 as they are."""
    return value.to(torch.promote_types(value.dtype, torch.float32))


def require_context(context: Tensor | None, width: int, rows: int) -> None:
    """Refuse a context that is not what a network was made for.

    Raises:
        ValueError: saying what came and what was expected.
    """
    expected = f"(n, {width}), one row a point: ({rows}, {width})" if width else "none: make the flow with context > 0"
    if context is None and width:
        raise ValueError(f"this network depends on a context of shape {expected}; got none")
    if context is not None and (not width or tuple(context.shape) != (rows, width)):
        raise ValueError(f"context of shape {tuple(context.shape)}; expected {expected}")


def common(value: Tensor, weight: Tensor) -> Tensor:
    """The value in the wider of its dtype and the weight's; autocast chooses by itself."""
    if value.dtype == weight.dtype or torch.is_autocast_enabled(value.device.type):
        return value
    return value.to(torch.promote_types(value.dtype, weight.dtype))


def rectified(weights: Sequence[Tensor], biases: Sequence[Tensor], x: Tensor) -> Tensor:
    """A ReLU network on a batch in columns, (inputs, n) -> (outputs, n); the last layer is linear.

    Args:
        weights: (outputs, inputs) of each layer.
        biases: (outputs,) or, different for every point, (outputs, n).
        x: (inputs, n).
    """
    if torch.is_grad_enabled() or any(bias.ndim > 1 for bias in biases):
        for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
            x = dense.columns(weight, x, bias).relu_()
        return dense.columns(weights[-1], x, biases[-1])
    carried = (
        None  # relu(v + b) = max(v, -b) + b, and b joins the next layer's bias: the batch is gone through once less
    )
    for weight, bias in zip(weights, biases, strict=True):
        bias = bias if carried is None else torch.addmv(bias, weight, carried)
        if weight is weights[-1]:
            return dense.columns(weight, x, bias)
        x, carried = dense.columns(weight, x, None).clamp_min_(-bias[:, None]), bias
    return x


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
    holds the low degrees only and most inputs influence no output at all. With both ends any width lets every input but
    the last reach the last output. What a width under ``dim`` - 1 costs is the nearest past: output i sees the inputs
    up to the largest degree below i, up to (dim - 2) / (width - 1) of them behind, and width 1 leaves all outputs but
    the last constant.
    """
    if dim == 1:
        return np.ones(width, dtype=np.int64)  # no output may see the single input: hidden units stay unused
    if width == 1:
        return np.array([dim - 1])  # one end only is possible: the one that every input reaches
    return np.linspace(1, dim - 1, width).round().astype(np.int64)


def _require_sizes(dim: int, hidden: Sequence[int]) -> None:
    if dim < 1:
        raise ValueError(f"dim must be at least 1; got {dim}")
    if any(width < 1 for width in hidden):
        raise ValueError(
            f"every hidden layer needs a width of at least 1, or no input reaches an output; got {tuple(hidden)}"
        )


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
        _require_sizes(dim, hidden)
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
        self.dim, self.hidden, self.context = dim, tuple(hidden), context
        self.to_hidden = self.to_output = None
        if context:
            self.to_hidden = nn.Linear(context, hidden[0], bias=False) if hidden else None
            self.to_output = nn.Linear(context, outputs * dim, bias=False)
            nn.init.zeros_(self.to_output.weight)

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, ...]:
        """(n, D) and, where the network was made for one, its context (n, C) -> ``outputs`` tensors of (n, D)."""
        require_context(context, self.context, len(x))
        value = common(x, self.last.weight).t()
        weights = [(layer.weight * layer.mask).to(value.dtype) for layer in self.layers()]
        biases = [layer.bias.to(value.dtype) for layer in self.layers()]
        if context is not None:
            first, biases[-1] = self.offsets(context, value.dtype)
            biases[0] = first if len(biases) > 1 else biases[0]
        return tuple(part.t() for part in rectified(weights, biases, value).chunk(self.outputs))

    def offsets(self, context: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Bias and context at the first hidden layer, (H, n), and at the outputs, (outputs * D, n)."""
        terms, seen = [], context.to(dtype).t()
        for layer, of_context in ((self.layers()[0], self.to_hidden), (self.last, self.to_output)):
            weight = None if of_context is None else of_context.weight.to(dtype)
            bias = layer.bias.to(dtype)
            terms.append(bias[:, None] if weight is None else torch.addmm(bias[:, None], weight, seen))
        return terms[0], terms[1]

    def layers(self) -> list[MaskedLinear]:
        """The masked layers, first to last."""
        return [module for module in self.net if isinstance(module, MaskedLinear)]

    @property
    def last(self) -> MaskedLinear:
        """The layer that gives the outputs."""
        return self.layers()[-1]

    @staticmethod
    def visible(dim: int, hidden: Sequence[int]) -> np.ndarray:
        """How many units of each layer have a degree of at most m: (layers, dim), the inputs first, m = 0..dim-1.

        Degrees ascend, so that output i (from 0) sees the first ``visible[-1, i]`` units of the last hidden layer.
        """
        degrees = [np.arange(1, dim + 1), *(hidden_degrees(dim, width) for width in hidden)]
        return np.stack([np.searchsorted(degree, np.arange(dim), side="right") for degree in degrees])
