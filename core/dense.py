"""A dense layer that takes the faster of the two matrix libraries inside torch.

torch multiplies float32 matrices with MKL, which does not use the AVX-512 units of AMD processors. oneDNN, in the same
torch, does: measured on an AMD EPYC, one thread, 205 against 95 GFLOP/s. torch has no switch for it, so that its oneDNN
operator is called here by name.

Under autocast to bfloat16 torch asks oneDNN for a product of bfloat16 matrices, and a processor without units for them
is slower with it than with float32: on an Intel Xeon whose AMX is hidden, one thread, 82 GFLOP/s against 140, and with
AVX-512's bfloat16 hidden too 29. There the numbers are rounded to bfloat16, multiplied as float32 and rounded again,
which is what such a unit does: products of two bfloat16 are exact in float32, and sums are kept in it.

On every other processor, dtype and device, for small products and under torch.compile the layer is exactly
``nn.Linear``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

WORTH = 2**20
"""Multiplications from which the product outweighs the cost of the call."""


def _onednn_is_faster() -> bool:
    """Whether this is an AMD processor with AVX-512, and a torch whose operator does what is expected of it."""
    if not torch.backends.mkldnn.is_available() or not torch.backends.mkl.is_available():
        return False
    avx512 = torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    return avx512 and "AuthenticAMD" in _processor() and _operator_works()


def _bfloat16_is_slow() -> bool:
    """Whether this is an x86 processor that multiplies float32 faster than bfloat16: no AMX, nor AMD's AVX-512."""
    words = _processor().split()
    x86 = "GenuineIntel" in words or "AuthenticAMD" in words
    return x86 and "amx_bf16" not in words and not ("AuthenticAMD" in words and "avx512_bf16" in words)


def _processor() -> str:
    """What Linux says of the processor: its maker and its flags among others; "" on other systems."""
    information = Path("/proc/cpuinfo")
    return information.read_text(encoding="utf-8", errors="replace") if information.exists() else ""


def _operator_works() -> bool:
    """Try it: the operator is private to torch, and another version may have none or another one of that name."""
    x, weight, bias = torch.linspace(-1, 1, 12).view(3, 4), torch.linspace(0, 1, 8).view(2, 4), torch.ones(2)
    try:
        return torch.allclose(_product(x, weight, bias), F.linear(x, weight, bias), atol=1e-5)
    except (AttributeError, RuntimeError, TypeError):
        return False


class Dense(nn.Linear):
    """``nn.Linear`` with the same parameters, names and values up to rounding."""

    def forward(self, input: Tensor) -> Tensor:
        """(..., inputs) -> (..., outputs)."""
        return linear(input, self.weight, self.bias)


def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """``F.linear(x, weight, bias)`` up to rounding; where oneDNN takes over, gradients of first order only."""
    if _rounds(x):
        return _rounded(F.linear, x, weight, bias)
    if ONEDNN_IS_FASTER and not torch.compiler.is_compiling() and _suits(x, weight):
        return _OneDnnLinear.apply(x, weight, bias)
    return F.linear(x, weight, bias)


def columns(weight: Tensor, x: Tensor, bias: Tensor | None) -> Tensor:
    """weight x + bias for a batch in columns: (outputs, inputs), (inputs, n) and (outputs,) or (outputs, n).

    Halves of such a batch and its order reversed are blocks of memory, where in rows they would be gathered element by
    element: flows run on it.
    """
    bias = bias[:, None] if bias is not None and bias.ndim == 1 else bias
    if _rounds(x):
        return _rounded(torch.mm, weight, x) if bias is None else _rounded(torch.addmm, bias, weight, x)
    if ONEDNN_IS_FASTER and not torch.compiler.is_compiling() and _suits(x.t(), weight):
        product = _OneDnnColumns.apply(weight, x)
        return product if bias is None else product + bias
    return torch.mm(weight, x) if bias is None else torch.addmm(bias, weight, x)


def _rounds(x: Tensor) -> bool:
    """Whether autocast would multiply bfloat16 matrices on a processor that has no units for them."""
    return (
        BFLOAT16_IS_SLOW
        and x.device.type == "cpu"
        and x.dtype != torch.float64  # which autocast leaves alone
        and torch.is_autocast_enabled("cpu")
        and torch.get_autocast_dtype("cpu") == torch.bfloat16
        and not torch.compiler.is_compiling()
    )


def _rounded(product: Callable[..., Tensor], *parts: Tensor) -> Tensor:
    """A product of float32 that reads and gives bfloat16; its gradients are rounded on the same ways back."""
    with torch.autocast("cpu", enabled=False):
        return product(*(part.bfloat16().float() for part in parts)).bfloat16()


def _suits(x: Tensor, weight: Tensor) -> bool:
    single_on_cpu = x.device.type == "cpu" and x.dtype == weight.dtype == torch.float32
    return single_on_cpu and x.ndim == 2 and len(x) * weight.numel() >= WORTH and not torch.is_autocast_enabled("cpu")


class _OneDnnLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _product(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, weight = ctx.saved_tensors
        for_x, for_weight, for_bias = ctx.needs_input_grad
        return (
            _product(grads[0], weight.T, None) if for_x else None,
            _product(grads[0].T, x.T, None) if for_weight else None,
            grads[0].sum(0) if for_bias else None,
        )


class _OneDnnColumns(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor, x: Tensor) -> Tensor:
        ctx.save_for_backward(weight, x)
        return _product(weight, x.T, None)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        weight, x = ctx.saved_tensors
        for_weight, for_x = ctx.needs_input_grad
        return (
            _product(grads[0], x, None) if for_weight else None,
            _product(weight.T, grads[0].T, None) if for_x else None,
        )


def _product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """x weight^T + bias, by oneDNN."""
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")


ONEDNN_IS_FASTER = _onednn_is_faster()
BFLOAT16_IS_SLOW = _bfloat16_is_slow()
