"""The compiled sweeps as functions of tensors: what they need is laid out here, threads are shared out here."""

from __future__ import annotations

import importlib
import logging
import math
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.nn import MADE

SHARED_FROM = 4_000_000
"""Multiplications from which a second thread gains more than it costs to start."""

_LOCK = threading.Lock()
_READY: dict[torch.dtype, Kernels | None] = {}
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kernels:
    """The compiled functions and the number of rows they take at once."""

    invert: Any
    adjoint: Any
    block: int


def kernels(dtype: torch.dtype) -> Kernels | None:
    """The compiled functions, or None where numba is missing or does not work here (said once in the log).

    The first call compiles them, some five seconds, or loads them from disk, one; one thread at a time.
    """
    if dtype not in _READY:
        with _LOCK:
            if dtype not in _READY:
                _READY[dtype] = _load(dtype)
    return _READY[dtype]


def _load(dtype: torch.dtype) -> Kernels | None:
    if None in _READY.values():
        return None
    try:
        forwards = importlib.import_module("core.flows.inversion_kernel")
        backwards = importlib.import_module("core.flows.adjoint_kernel")
        ready = Kernels(forwards.invert, backwards.adjoint, forwards.BLOCK)
        _try(ready, dtype)
    except Exception as error:  # numba raises many kinds; the slower method gives the same numbers
        _log.warning("autoregressive flows are inverted without compiled code, several times slower: %s", error)
        return None
    return ready


def _try(ready: Kernels, dtype: torch.dtype) -> None:
    """Compile, by inverting a network of zeros: z = u, and the gradient passes unchanged."""
    flat, none = torch.zeros(12, dtype=dtype), torch.zeros(0, dtype=dtype)
    weights, u = Weights(2, (1,), flat, flat, none, none), torch.ones(3, 2, dtype=dtype)
    z, log_scale, _ = invert(ready, weights, u, 1.0)
    total = adjoint(ready, weights, (z, u, u, u, u))
    if not (torch.equal(z, u) and torch.equal(total, u) and bool((log_scale == 0).all())):
        raise RuntimeError("the compiled code gives wrong numbers here")


@dataclass(frozen=True)
class Layout:
    """Where things lie in the arrays of the kernel, all int64; see ``inversion_kernel``."""

    visible: np.ndarray
    at: np.ndarray
    place: np.ndarray
    bias: np.ndarray


@lru_cache(maxsize=256)
def _layout(dim: int, hidden: tuple[int, ...], block: int) -> Layout:
    widths = [dim, *hidden]
    ends = np.cumsum([before * after for before, after in zip(widths, [*hidden, 2 * dim], strict=True)])
    biases = np.cumsum([0, *hidden]) + ends[-1]
    at = np.cumsum([0, *widths]) * block
    return Layout(MADE.visible(dim, hidden), at, np.array([0, 0, *ends[:-1]]), np.array([0, *biases]))


@lru_cache(maxsize=8)
def _constants(dtype: torch.dtype, bound: float) -> tuple[np.ndarray, np.ndarray, type]:
    """The numbers of the exponential: Taylor's series, log 2 in two parts, the shift into the exponent."""
    single = dtype == torch.float32
    kind, integer, mantissa, offset = (np.float32, np.int32, 23, 127) if single else (np.float64, np.int64, 52, 1023)
    big = 1.5 * 2.0**mantissa
    high = 0.693359375 if single else float.fromhex("0x1.62e42feep-1")  # few bits: k * high is exact
    low = math.log(2) - high if single else 1.90821492927058770002e-10
    series = [0.0, *(1 / math.factorial(i) for i in range(1, 14)), big, 1 / math.log(2), high, low]
    add = offset - int(np.array(big, kind).view(integer))
    more = [2.0, bound, 20 * bound, -2 / bound]
    return np.array(series + more, kind), np.array([add, mantissa], np.int64), integer


@dataclass(frozen=True)
class Weights:
    """A masked network's numbers in the dtype of the calculation, and what a context adds to two of its layers.

    Attributes:
        dim: d.
        hidden: widths of the hidden layers.
        flat: weights of all layers, then biases.
        turned: the weights transposed, in the same places; for the adjoint only.
        first: (H, n) bias and context at the first hidden layer, (0,) without a context.
        last: (2d, n) the same at the outputs.
    """

    dim: int
    hidden: tuple[int, ...]
    flat: Tensor
    turned: Tensor
    first: Tensor
    last: Tensor


@torch.no_grad()
def weights_of(made: MADE, context: Tensor | None, dtype: torch.dtype, *, turned: bool = False) -> Weights:
    """Copied at every call: they are read as they are now, and no copy can grow old while a network trains.

    Masked weights are in the copy but never read.
    """
    layers = made.layers()
    parts = [layer.weight.reshape(-1) for layer in layers]
    parts += [layer.bias for layer in layers]
    flat = torch.cat(parts).to(dtype)
    back = torch.cat([layer.weight.t().reshape(-1) for layer in layers]).to(dtype) if turned else flat
    none = flat.new_empty(0)
    if context is None:
        return Weights(made.dim, made.hidden, flat, back, none, none)
    first, last = made.offsets(context, dtype)
    return Weights(made.dim, made.hidden, flat, back, first.reshape(-1), last.reshape(-1))


def invert(ready: Kernels, weights: Weights, u: Tensor, bound: float) -> tuple[Tensor, Tensor, int]:
    """z, the log-scale at z, both (n, d), and the multiplications made for each row; u is float32 or float64."""
    rows = u.detach().t().contiguous()
    layout = _layout(weights.dim, weights.hidden, ready.block)
    series, numbers, integer = _constants(u.dtype, bound)
    z, log_scale = torch.empty_like(rows), torch.empty_like(rows)
    fixed = [weights.flat, layout.place, layout.bias, layout.visible, weights.first, weights.last, layout.at]
    fixed = [array.numpy() if isinstance(array, Tensor) else array for array in fixed]
    given, results = rows.numpy(), (z.numpy(), log_scale.numpy())
    made_for_a_row: list[int] = [0]

    def part(start: int, stop: int) -> None:
        work = np.empty(layout.at[-1] + 5 * ready.block, given.dtype)
        bits = work[layout.at[-1] + 3 * ready.block :].view(integer)
        made_for_a_row[0] = ready.invert(given, *fixed, series, numbers, *results, work, bits, start, stop)

    _share(part, len(u), len(u) * weights.flat.numel() // 2, ready.block)
    return z.t(), log_scale.t(), made_for_a_row[0]


def adjoint(ready: Kernels, weights: Weights, arrays: tuple[Tensor, ...]) -> Tensor:
    """dL/dz (n, d) with everything that depends on z counted in.

    Args:
        ready: the compiled functions.
        weights: the network's numbers as they were, with ``turned``.
        arrays: z, dL/dz and dL/dlog_scale as they arrive, dz/dlog_scale, dlog_scale/draw, each (n, d).
    """
    rows = [array.detach().t().contiguous() for array in arrays]
    layout = _layout(weights.dim, weights.hidden, ready.block)
    total = torch.empty_like(rows[0])
    fixed = [weights.flat, weights.turned, layout.place, layout.bias, layout.visible, weights.first, layout.at, total]
    fixed = [array.numpy() if isinstance(array, Tensor) else array for array in fixed]
    given = [array.numpy() for array in rows]

    def part(start: int, stop: int) -> None:
        work = np.empty(layout.at[-1] + 2 * ready.block, given[0].dtype)
        grads = np.empty(layout.at[-1] + 2 * weights.dim * ready.block, given[0].dtype)
        ready.adjoint(*given, *fixed, work, grads, start, stop)

    _share(part, rows[0].shape[1], 2 * rows[0].shape[1] * weights.flat.numel() // 2, ready.block)
    return total.t()


def _share(part: Callable[[int, int], None], n: int, work: int, block: int) -> None:
    """Run ``part`` over the rows, on no more threads than torch may use; it lets go of Python's lock while it runs."""
    blocks = -(-n // block)
    threads = max(1, min(torch.get_num_threads(), blocks, work // SHARED_FROM))
    edges = [min(n, block * (blocks * k // threads)) for k in range(threads + 1)]
    if threads == 1:
        return part(0, n)
    with ThreadPoolExecutor(threads - 1) as helpers:
        others = [helpers.submit(part, edges[k], edges[k + 1]) for k in range(1, threads)]
        part(edges[0], edges[1])
    for other in others:
        other.result()
