"""What mixture densities are made of: tables whose matrix product is the quadratic form, cut into tiles.

The quadratic form is one matrix product of (z^2, z) with (-prec / 2, mean * prec) per tile. After subtracting the
running maximum every exponent is clamped at ``EXP_FLOOR``: exp of underflowing input is about 80 times slower on a
CPU, and the clamp changes a density by less than a factor 1 + 1e-26 K. The floor leaves room below it: responsibilities
are multiplied by the gradient, and a matrix product of numbers under 1e-38 takes an Intel Xeon ten times as long.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from core import dense
from core.distributions import LOG_2PI

EXP_FLOOR = -60.0
ROWS, COLUMNS = 500, 1000  # measured best of seven shapes: 2 MB in float32, within reach of a core's own cache


def check(z: Tensor, mean: Tensor, log_var: Tensor, log_weight: Tensor | None, exclude: Tensor | None) -> None:
    """Refuse arguments of a mixture's log-density that do not fit together.

    Raises:
        ValueError: naming the first.
    """
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
class Tables:
    """The two factors of the quadratic form, (n, f) and (K, f), and the constant of each component."""

    points: Tensor
    factors: Tensor
    constant: Tensor

    def tile(self, rows: slice, columns: slice) -> Tensor:
        """Joint log-density of points ``rows`` and components ``columns``."""
        return dense.linear(self.points[rows], self.factors[columns], self.constant[columns])


def diagonal_tables(z: Tensor, mean: Tensor, log_var: Tensor, log_weight: Tensor) -> Tables:
    """Of (n, d) points and (K, d) components, with log-weights (K,)."""
    return Tables(features(z), *factors(mean, log_var, log_weight))


def features(z: Tensor) -> Tensor:
    """(z^2, z) of each point, (n, 2 d)."""
    return torch.cat([z.square(), z], 1)


def factors(mean: Tensor, log_var: Tensor, log_weight: Tensor) -> tuple[Tensor, Tensor]:
    """(-prec / 2, mean * prec) of each component, (K, 2 d), and its constant, (K,)."""
    precision = torch.exp(-log_var)
    weighted_mean = mean * precision
    constant = log_weight - 0.5 * ((mean * weighted_mean).sum(1) + log_var.sum(1) + mean.shape[1] * LOG_2PI)
    return torch.cat([-0.5 * precision, weighted_mean], 1), constant


def full_tables(z: Tensor, mean: Tensor, covariance: Tensor, log_weight: Tensor) -> Tables:
    """As ``diagonal_tables``, of covariances (K, d, d): the products z_i z_j are features of the point."""
    precision = torch.linalg.inv(covariance.double())
    weighted_mean = (precision @ mean.double()[:, :, None])[:, :, 0]
    log_det = torch.logdet(covariance.double())
    constant = log_weight.double() - 0.5 * ((mean.double() * weighted_mean).sum(1) + log_det + mean.shape[1] * LOG_2PI)
    i, j = torch.triu_indices(mean.shape[1], mean.shape[1])
    share = torch.where(i == j, -0.5, -1.0).double()  # z_i z_j and z_j z_i are one feature
    table = torch.cat([share * precision[:, i, j], weighted_mean], 1)
    return Tables(torch.cat([z[:, i] * z[:, j], z], 1), table.to(z.dtype), constant.to(z.dtype))


def tiles(total: int, size: int) -> list[slice]:
    """0 to ``total`` in slices of ``size``, the last one shorter."""
    return [slice(start, min(start + size, total)) for start in range(0, total, size)]


def leave_out(tile: Tensor, exclude: Tensor | None, rows: slice, columns: slice) -> None:
    """Set the left-out component of each row to log 0, where it lies in this tile."""
    if exclude is None:
        return
    position = exclude[rows] - columns.start
    inside = (position >= 0) & (position < tile.shape[1])
    row = inside.nonzero().squeeze(1)
    tile[row, position[row]] = -torch.inf


def row_block(tables: Tables, rows: slice, exclude: Tensor | None, components: int) -> Tensor:
    """logsumexp over all components for one block of points, with a running maximum over tiles."""
    maximum: Tensor | None = None
    total: Tensor | None = None
    for columns in tiles(components, COLUMNS):
        tile = tables.tile(rows, columns)
        leave_out(tile, exclude, rows, columns)
        peak = tile.amax(1)
        if maximum is None or total is None:
            maximum, total = peak.clamp(min=torch.finfo(peak.dtype).min), torch.zeros_like(peak)
        else:
            higher = torch.maximum(maximum, peak)
            total *= torch.exp((maximum - higher).clamp_(min=EXP_FLOOR))
            maximum = higher
        total += tile.sub_(maximum[:, None]).clamp_(min=EXP_FLOOR).exp_().sum(1)
    assert maximum is not None and total is not None  # components >= 1 by check
    return maximum + torch.log(total)
