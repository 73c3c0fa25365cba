"""Exact log-density of a mixture of diagonal Gaussians of any size, in tiles of matrix products.

log p(z) = logsumexp_k [ log w_k + sum_j log N(z_j; mean_kj, exp(log_var_kj)) ], the sum over dimensions first: taking
the logsumexp dimension by dimension gives a product of one-dimensional mixtures, which is another distribution.

The quadratic form is one matrix product of (z^2, z) with (-prec / 2, mean * prec) per tile. After subtracting the
running maximum every exponent is clamped at ``EXP_FLOOR``: exp of underflowing input is about 80 times slower on a
CPU, and the clamp changes a density by less than a factor 1 + 1e-26 K. The floor leaves room below it: responsibilities
are multiplied by the gradient, and a matrix product of numbers under 1e-38 takes an Intel Xeon ten times as long.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from core import dense
from core.distributions import LOG_2PI
from core.shapes import ComponentLogVars, ComponentMeans, Covariances, Index, Latents, LogProb, LogWeights

EXP_FLOOR = -60.0
ROWS, COLUMNS = 500, 1000  # measured best of seven shapes: 2 MB in float32, within reach of a core's own cache


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
    _check(z, mean, log_var, log_weight, exclude)
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
    _check(z, mean, log_var, log_weight, None)
    if log_weight is None:
        log_weight = mean.new_full((mean.shape[0],), -math.log(mean.shape[0]))
    centre = mean.mean(0)
    return _diagonal_tables(z - centre, mean - centre, log_var, log_weight).tile(slice(None), slice(None))


class Prepared:
    """A diagonal-Gaussian mixture whose exact log-density is asked for again and again, at few places.

    What hangs on the components alone is calculated once, in float64: for 10,000 components in 40 dimensions it takes
    ten times as long as the rest for a few places. Nothing has a gradient.

    Args:
        mean: (K, d) component means.
        log_var: (K, d) natural logarithms of the component variances.
        log_weight: (K,) normalised log-weights; None means equal weights.

    Raises:
        ValueError: on shapes that do not fit.
    """

    @torch.no_grad()
    def __init__(self, mean: ComponentMeans, log_var: ComponentLogVars, log_weight: LogWeights | None = None) -> None:
        _check(mean[:0], mean, log_var, log_weight, None)
        mean = mean.double()
        if log_weight is None:
            log_weight = mean.new_full((len(mean),), -math.log(len(mean)))
        self._centre = mean.mean(0)
        self._factors, self._constant = _factors(mean - self._centre, log_var.double(), log_weight.double())

    @torch.no_grad()
    def log_prob(self, z: Latents) -> LogProb:
        """The log-density at (n, d) points, (n,) float64 in nats, with an error under 1e-9.

        Raises:
            ValueError: for points of another dimension.
        """
        if z.ndim != 2 or z.shape[1] != len(self._centre):
            raise ValueError(f"z must be (n, {len(self._centre)}) to match the components; got {tuple(z.shape)}")
        tables = _Tables(_features(z.double() - self._centre), self._factors, self._constant)
        blocks = [_row_block(tables, rows, None, len(self._constant)) for rows in _tiles(len(z), ROWS)]
        return torch.cat(blocks or [self._constant[:0]])


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
    _check(z, mean, mean, log_weight, None)
    if covariance.shape != (*mean.shape, mean.shape[1]):
        raise ValueError(
            f"covariance must be {(*mean.shape, mean.shape[1])} to match the means; got {tuple(covariance.shape)}"
        )
    centre = mean.mean(0)
    tables = _full_tables(z - centre, mean - centre, covariance, log_weight)
    return torch.cat([_row_block(tables, rows, None, len(mean)) for rows in _tiles(len(z), ROWS)] or [z.new_empty(0)])


def _check(z: Tensor, mean: Tensor, log_var: Tensor, log_weight: Tensor | None, exclude: Tensor | None) -> None:
    if mean.ndim != 2 or mean.shape != log_var.shape or not len(mean):
        raise ValueError(
            f"mean and log_var must both be (K, d) with K >= 1; got {tuple(mean.shape)} and {tuple(log_var.shape)}"
        )
    if z.ndim != 2 or z.shape[1] != mean.shape[1]:
        raise ValueError(f"z must be (n, {mean.shape[1]}) to match the components; got {tuple(z.shape)}")
    if log_weight is not None and log_weight.shape != mean.shape[:1]:
        raise ValueError(f"log_weight must be ({mean.shape[0]},); got {tuple(log_weight.shape)}")
    if exclude is not None and log_weight is not None:
        raise ValueError("exclude (leave-one-out) is defined for equal weights; leave log_weight out")
    if exclude is not None and mean.shape[0] < 2:
        raise ValueError("exclude needs at least two components: leaving one out must leave one")
    if exclude is not None and exclude.shape != z.shape[:1]:
        raise ValueError(f"exclude must name one component for each of the {len(z)} points; got {tuple(exclude.shape)}")
    if exclude is not None and len(z) and not (0 <= exclude.min() and exclude.max() < mean.shape[0]):
        raise ValueError(f"exclude must lie in 0..{mean.shape[0] - 1}; got {exclude.min()} to {exclude.max()}")


@dataclass(frozen=True)
class _Tables:
    """The two factors of the quadratic form, (n, f) and (K, f), and the constant of each component."""

    points: Tensor
    factors: Tensor
    constant: Tensor

    def tile(self, rows: slice, columns: slice) -> Tensor:
        """Joint log-density of points ``rows`` and components ``columns``."""
        return dense.linear(self.points[rows], self.factors[columns], self.constant[columns])


def _diagonal_tables(z: Tensor, mean: Tensor, log_var: Tensor, log_weight: Tensor) -> _Tables:
    return _Tables(_features(z), *_factors(mean, log_var, log_weight))


def _features(z: Tensor) -> Tensor:
    return torch.cat([z.square(), z], 1)


def _factors(mean: Tensor, log_var: Tensor, log_weight: Tensor) -> tuple[Tensor, Tensor]:
    precision = torch.exp(-log_var)
    weighted_mean = mean * precision
    constant = log_weight - 0.5 * ((mean * weighted_mean).sum(1) + log_var.sum(1) + mean.shape[1] * LOG_2PI)
    return torch.cat([-0.5 * precision, weighted_mean], 1), constant


def _full_tables(z: Tensor, mean: Tensor, covariance: Tensor, log_weight: Tensor) -> _Tables:
    precision = torch.linalg.inv(covariance.double())
    weighted_mean = (precision @ mean.double()[:, :, None])[:, :, 0]
    log_det = torch.logdet(covariance.double())
    constant = log_weight.double() - 0.5 * ((mean.double() * weighted_mean).sum(1) + log_det + mean.shape[1] * LOG_2PI)
    i, j = torch.triu_indices(mean.shape[1], mean.shape[1])
    share = torch.where(i == j, -0.5, -1.0).double()  # z_i z_j and z_j z_i are one feature
    factors = torch.cat([share * precision[:, i, j], weighted_mean], 1)
    return _Tables(torch.cat([z[:, i] * z[:, j], z], 1), factors.to(z.dtype), constant.to(z.dtype))


def _tiles(total: int, size: int) -> list[slice]:
    return [slice(start, min(start + size, total)) for start in range(0, total, size)]


def _leave_out(tile: Tensor, exclude: Tensor | None, rows: slice, columns: slice) -> None:
    """Set the left-out component of each row to log 0, where it lies in this tile."""
    if exclude is None:
        return
    position = exclude[rows] - columns.start
    inside = (position >= 0) & (position < tile.shape[1])
    row = inside.nonzero().squeeze(1)
    tile[row, position[row]] = -torch.inf


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
            tables = _diagonal_tables(z - centre, mean - centre, log_var, log_weight)
            result = torch.cat(
                [_row_block(tables, rows, exclude, mean.shape[0]) for rows in _tiles(z.shape[0], ROWS)]
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
    tables = _diagonal_tables(z, mean, log_var, log_weight)
    precision = torch.exp(-log_var)
    weighted_mean = mean * precision
    grad_z, mass = torch.zeros_like(z), torch.zeros_like(log_weight)
    first, second = torch.zeros_like(mean), torch.zeros_like(mean)  # sum_n r z and sum_n r z^2
    for rows in _tiles(z.shape[0], ROWS):
        for columns in _tiles(mean.shape[0], COLUMNS):
            tile = tables.tile(rows, columns)
            _leave_out(tile, exclude, rows, columns)
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


def _row_block(tables: _Tables, rows: slice, exclude: Tensor | None, components: int) -> Tensor:
    """logsumexp over all components for one block of points, with a running maximum over tiles."""
    maximum: Tensor | None = None
    total: Tensor | None = None
    for columns in _tiles(components, COLUMNS):
        tile = tables.tile(rows, columns)
        _leave_out(tile, exclude, rows, columns)
        peak = tile.amax(1)
        if maximum is None or total is None:
            maximum, total = peak.clamp(min=torch.finfo(peak.dtype).min), torch.zeros_like(peak)
        else:
            higher = torch.maximum(maximum, peak)
            total *= torch.exp((maximum - higher).clamp_(min=EXP_FLOOR))
            maximum = higher
        total += tile.sub_(maximum[:, None]).clamp_(min=EXP_FLOOR).exp_().sum(1)
    assert maximum is not None and total is not None  # components >= 1 by _check
    return maximum + torch.log(total)
