"""Turning an autoregressive layer round: from u to the z whose parameters depend on z itself.

    z_i = u_i exp(s_i(z_<i)) + t_i(z_<i),    s, t = conditioner(z)

Three methods give the same z and the same gradients, to rounding: the textbook's d passes of the network (``naive``),
one pass in which every hidden unit waits for its own inputs only (``incremental``), and repeated passes until nothing
changes any more (``fixed_point``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from core.flows import compiled
from core.flows.adjoint import Repeated, Solver
from core.flows.incremental import sweep
from core.nn import MADE

METHODS = ("naive", "incremental", "fixed_point")

SWEEP_UP_TO = {"cpu": 256, "cuda": 12}
"""Largest d for which the incremental method in torch's own operations, ten a coordinate, beats the fixed point."""

Conditioner = Callable[[Tensor], tuple[Tensor, Tensor]]
"""z (n, d) -> shift and log-scale, (n, d) each; entry i depends on z before i only."""


class Inversion(NamedTuple):
    """What an inversion found.

    Attributes:
        z: (n, d).
        log_scale: (n, d), at z; its sum over a row is log|det dz/du|.
        passes: arithmetic spent, in passes of the whole network: d, 1, or as many as it took.
    """

    z: Tensor
    log_scale: Tensor
    passes: int


def known(method: str | None) -> str | None:
    """The method, if there is one of that name.

    Raises:
        ValueError: otherwise, with the names there are.
    """
    if method is not None and method not in METHODS:
        raise ValueError(f"inversion method must be one of {', '.join(METHODS)} or None; got {method!r}")
    return method


class SolvedInOrder:
    """Mark of a layer one of whose directions is solved coordinate by coordinate, and its choice of method."""

    method: str | None = None


def set_inversion(flow: nn.Module, method: str | None) -> None:
    """Choose the method of every autoregressive layer inside a flow, a prior or a model; None: the fastest each time.

    Raises:
        ValueError: if there is no such method.
    """
    known(method)
    for module in flow.modules():
        if isinstance(module, SolvedInOrder):
            module.method = method


def fastest(u: Tensor) -> str:
    """The fastest method for u (n, d): measured on the CPU, by number of calls on a GPU."""
    if u.shape[1] <= 2:
        return "naive"  # as fast as any without a graph, faster with one, and nothing has to be compiled for it
    if u.device.type == "cpu" and compiled.kernels(u.dtype) is not None:
        return "incremental"
    return "incremental" if u.shape[1] <= SWEEP_UP_TO.get(u.device.type, 12) else "fixed_point"


def naive(u: Tensor, conditioner: Conditioner) -> Inversion:
    """The textbook algorithm: d passes of the whole network, z_i being right after pass i.

    Exact, and so are its gradients: the conditioner's Jacobian is strictly triangular, so d steps of the fixed-point
    map leave no error. Nothing is written in place, so autograd runs through.

    Args:
        u: (n, d).
        conditioner: the masked network.
    """
    z = torch.zeros_like(u)
    log_scale = torch.zeros_like(u)
    for _ in range(u.shape[1]):
        shift, log_scale = conditioner(z)
        z = torch.addcmul(shift, u, torch.exp(log_scale))
    return Inversion(z, log_scale, u.shape[1])


@torch.no_grad()
def fixed_point(u: Tensor, conditioner: Conditioner, tolerance: float | None = None) -> Inversion:
    """Jacobi's iteration: the same passes, but no more of them once no row changes.

    After k passes the first k coordinates are exact whatever the rest does, so d passes always do; how many fewer is a
    matter of how strongly the coordinates depend on each other. A row with an infinity or a NaN in u is not waited for.

    Args:
        u: (n, d).
        conditioner: the masked network.
        tolerance: change of a coordinate, as a fraction of the largest in its row (at least 1), under which it counts
            as none. Default: 4 units in the last place, what rounding alone does.
    """
    tolerance = 4 * torch.finfo(u.dtype).eps if tolerance is None else tolerance
    waited_for = torch.isfinite(u).all(1)
    z, log_scale, passes = torch.zeros_like(u), torch.zeros_like(u), 0
    while passes < u.shape[1]:
        shift, log_scale = conditioner(z)
        before, z = z, torch.addcmul(shift, u, torch.exp(log_scale))
        passes += 1
        settled = (z - before).abs().amax(1) <= tolerance * z.abs().amax(1).clamp(min=1)
        if bool((settled | ~waited_for).all()):
            break
    return Inversion(z, log_scale, passes)


@torch.no_grad()
def incremental(u: Tensor, made: MADE, bound: float, context: Tensor | None = None) -> Inversion:
    """One pass, spread over the coordinates: as soon as z_i is known, the hidden units that waited for it follow.

    The mask makes it exact: a hidden unit of degree m sees the first m coordinates only and is seen by later outputs
    only. Half of the multiplications of one dense pass, the other half being those by zero.

    Args:
        u: (n, d), float32 or float64.
        made: the masked network; its second output is the log-scale before bounding.
        bound: log-scales lie in (-bound, bound).
        context: (n, c) or None.
    """
    ready = compiled.kernels(u.dtype) if u.device.type == "cpu" else None
    if ready is None:
        return Inversion(*sweep(u, made, bound, context)[:2], 1)
    weights = compiled.weights_of(made, context, u.dtype)
    return Inversion(*compiled.invert(ready, weights, u, bound)[:2], 1)


def adjoint(method: str, made: MADE, bound: float, found: Inversion, u: Tensor, context: Tensor | None) -> Solver:
    """What carries a gradient back through an inversion; it remembers the network as it is now.

    Args:
        method: that of the inversion.
        made: the masked network.
        bound: log-scales lie in (-bound, bound).
        found: the inversion, without a graph.
        u: (n, d), what was inverted.
        context: (n, c) or None.
    """
    z, log_scale = found.z.detach(), found.log_scale.detach()
    stretch, slope = u.detach() * torch.exp(log_scale), 1 - (log_scale / bound).square()
    ready = compiled.kernels(u.dtype) if u.device.type == "cpu" and method == "incremental" else None
    if ready is None:
        return Repeated(made, z, context, stretch, slope)
    weights = compiled.weights_of(made, context, u.dtype, turned=True)
    return lambda grad_z, grad_s: compiled.adjoint(ready, weights, (z, grad_z, grad_s, stretch, slope))
