"""Exact log-density of a mixture of diagonal Gaussians of any size, in tiles of matrix products.

log p(z) = logsumexp_k [ log w_k + sum_j log N(z_j; mean_kj, exp(log_var_kj)) ], the sum over dimensions first: taking
the logsumexp dimension by dimension gives a product of one-dimensional mixtures, which is another distribution.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from core.mixture_tiles import (
    COLUMNS,
    EXP_FLOOR,
    ROWS,
    check,
    diagonal_tables,
    full_tables,
    leave_out,
    row_block,
    tiles,
)
from core.shapes import ComponentLogVars, ComponentMeans, Covariances, Index, Latents, LogProb, LogWeights


def log_prob(
    z: Latents,
    mean: ComponentMeans,
    log_var: ComponentLogVars,
    log_weight: LogWeights | None = None,
    *,
    exclude: Index | None = None,
    double: bool = False,
) -> LogProb:
    """Exact log-density of a diagonal-Gaussian mixture; memory is bounded by one tile, gradients reach every argument.

    Args:
        z: (n, d) points.
        mean: (K, d) component means.
        log_var: (K, d) natural logarithms of the component variances.
        log_weight: (K,) normalised log-weights; None means equal weights.
        exclude: (n,) component left out at each point, the others re-weighted to one (leave-one-out); equal weights
            only.
        double: compute in float64 (error under 1e-9 nats instead of about 1e-3); the result is float64 then.

    Returns:
        (n,) nats.

    Raises:
        ValueError: on shapes that do not fit, or ``exclude`` together with ``log_weight``.
    """
    check(z, mean, log_var, log_weight, exclude)
    if double:
        z, mean, log_var = z.double(), mean.double(), log_var.double()
        log_weight = None if log_weight is None else log_weight.double()
    if log_weight is None:
        components = mean.shape[0] - (exclude is not None)
        log_weight = mean.new_full((mean.shape[0],), -math.log(components))
    return _MixtureLogProb.apply(z, mean, log_var, log_weight, exclude)


def component_log_prob(
    z: Latents, mean: ComponentMeans, log_var: ComponentLogVars, log_weight: LogWeights | None = None
) -> Tensor:
    """log w_k + log N(z; mean_k, exp(log_var_k)), (n, K) in nats: the joint density of a point and its component."""
    check(z, mean, log_var, log_weight, None)
    if log_weight is None:
        log_weight = mean.new_full((mean.shape[0],), -math.log(mean.shape[0]))
    centre = mean.mean(0)
    return diagonal_tables(z - centre, mean - centre, log_var, log_weight).tile(slice(None), slice(None))


@torch.no_grad()
def full_log_prob(z: Latents, mean: ComponentMeans, covariance: Covariances, log_weight: LogWeights) -> LogProb:
    """Exact log-density of a mixture of Gaussians with full covariances in few dimensions, without gradients.

    What a diagonal mixture becomes in a plane that is not one of two coordinates. The products z_i z_j are features of
    the point, so the quadratic form is one matrix product here too, d (d + 1) / 2 + d columns wide.

    Args:
        z: (n, d) points.
        mean: (K, d) component means.
        covariance: (K, d, d), positive definite.
        log_weight: (K,) normalised log-weights.

    Returns:
        (n,) nats, in the precision of z.

    Raises:
        ValueError: on shapes that do not fit.
    """
    check(z, mean, mean, log_weight, None)
    if covariance.shape != (*mean.shape, mean.shape[1]):
        raise ValueError(
            f"covariance must be {(*mean.shape, mean.shape[1])} to match the means; got {tuple(covariance.shape)}"
        )
    centre = mean.mean(0)
    tables = full_tables(z - centre, mean - centre, covariance, log_weight)
    return torch.cat([row_block(tables, rows, None, len(mean)) for rows in tiles(len(z), ROWS)] or [z.new_empty(0)])


class _MixtureLogProb(torch.autograd.Function):
    """Forward: online logsumexp over tiles. Backward: responsibilities, tile by tile, folded into matrix products."""

    @staticmethod
    def forward(
        ctx: Any, z: Tensor, mean: Tensor, log_var: Tensor, log_weight: Tensor, exclude: Tensor | None
    ) -> Tensor:
        if torch.is_autocast_enabled(z.device.type):  # half precision is worth nats here: error 3 at d = 40
            z, mean, log_var, log_weight = z.float(), mean.float(), log_var.float(), log_weight.float()
        centre = mean.mean(0)  # keeps the quadratic form small, so that its terms cancel less
        with torch.autocast(z.device.type, enabled=False):
            tables = diagonal_tables(z - centre, mean - centre, log_var, log_weight)
            result = torch.cat(
                [row_block(tables, rows, exclude, mean.shape[0]) for rows in tiles(z.shape[0], ROWS)]
                or [z.new_empty(0)]
            )
        ctx.save_for_backward(z, mean, log_var, log_weight, result, exclude)
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        with torch.autocast(grads[0].device.type, enabled=False):  # backward may be called inside an autocast block
            return *_gradients(ctx.saved_tensors, grads[0]), None


def _gradients(saved: tuple[Any, ...], grad: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Gradients of z, mean, log_var and log_weight: the responsibilities, recomputed tile by tile, times ``grad``."""
    z, mean, log_var, log_weight, result, exclude = saved
    centre = mean.mean(0)
    z, mean = z - centre, mean - centre
    tables = diagonal_tables(z, mean, log_var, log_weight)
    precision = torch.exp(-log_var)
    weighted_mean = mean * precision
    grad_z, mass = torch.zeros_like(z), torch.zeros_like(log_weight)
    first, second = torch.zeros_like(mean), torch.zeros_like(mean)  # sum_n r z and sum_n r z^2
    for rows in tiles(z.shape[0], ROWS):
        for columns in tiles(mean.shape[0], COLUMNS):
            tile = tables.tile(rows, columns)
            leave_out(tile, exclude, rows, columns)
            share = tile.sub_(result[rows, None]).clamp_(min=EXP_FLOOR).exp_().mul_(grad[rows, None])
            grad_z[rows] += share @ weighted_mean[columns] - z[rows] * (share @ precision[columns])
            mass[columns] += share.sum(0)
            moments = share.T @ tables.points[rows]  # (columns, 2d)
            second[columns] += moments[:, : z.shape[1]]
            first[columns] += moments[:, z.shape[1] :]
    grad_mean = precision * (first - mass[:, None] * mean)
    spread = second - 2 * mean * first + mass[:, None] * mean.square()  # sum_n r (z - mean)^2
    grad_log_var = 0.5 * (precision * spread - mass[:, None])
    return grad_z, grad_mean, grad_log_var, mass
