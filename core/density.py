"""Two-dimensional densities on a grid of cells, exact for mixtures of Gaussians.

A mixture of diagonal Gaussians has in a cell the sum of products of two differences of normal distribution functions,
so the whole grid is one matrix product over the components. What is drawn is each cell's exact mean density: nothing
is lost between grid points however narrow a component is, highest-density regions hold exactly the mass they claim,
and there is no bandwidth.

In a plane of mixed directions the components are correlated and there is no such product. There the density is
evaluated on points so close that their sum is the mass (the midpoint rule errs by 2 exp(-2 pi^2 s^2 / h^2) for a
component of standard deviation s at a spacing of h, which is 1e-4 at s = 0.7 h) and averaged over each cell.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core import mixture
from core.records import HDR_SHARES, DensityGrid
from core.shapes import ComponentLogVars, ComponentMeans, Covariances, LogProb, LogWeights

CELLS = 200
CHUNK = 4096  # components per matrix product: two float64 tables of 4096 x 200 are 13 MB
NARROWEST = 0.7
"""Standard deviation of the narrowest component, in spacings, at which the midpoint rule loses 1e-4 of its mass."""
FINEST = 4
"""Points along the side of a cell, at most."""


@dataclass(frozen=True)
class Window:
    """A square part of the latent plane, in latent units."""

    x: tuple[float, float]
    y: tuple[float, float]

    def edges(self, cells: int) -> tuple[Tensor, Tensor]:
        """Cell borders along both axes, (cells + 1,) float64 each."""
        return (
            torch.linspace(*self.x, cells + 1, dtype=torch.float64),
            torch.linspace(*self.y, cells + 1, dtype=torch.float64),
        )


def window(clouds: Sequence[Tensor], *, margin: float = 0.06) -> Window:
    """The smallest square that holds 99.9 % of each cloud of draws along each axis, plus a margin.

    Args:
        clouds: (n, 2) draws of each distribution.
        margin: share of the side added on each side.
    """
    shares = torch.tensor([0.0005, 0.9995], dtype=torch.float64)
    ends = torch.stack([torch.quantile(draws.double(), shares, dim=0) for draws in clouds])  # (c, 2, 2)
    low, high = ends[:, 0].amin(0), ends[:, 1].amax(0)
    centre, half = (low + high) / 2, max(float((high - low).max()) / 2, 1e-3) * (1 + 2 * margin)
    sides = [(float(middle) - half, float(middle) + half) for middle in centre]
    return Window(sides[0], sides[1])


@torch.inference_mode()
def mixture_grid(
    mean: ComponentMeans, log_var: ComponentLogVars, log_weight: LogWeights | None, view: Window, cells: int = CELLS
) -> DensityGrid:
    """Exact mean density of every cell for a mixture of diagonal Gaussians in two dimensions.

    Args:
        mean: (K, 2).
        log_var: (K, 2).
        log_weight: (K,) normalised, None for equal weights.
        view: the part of the plane.
        cells: cells along each axis.
    """
    if mean.ndim != 2 or mean.shape[1] != 2:
        raise ValueError(f"a density grid is for two latent dimensions; the components are {tuple(mean.shape)}")
    edges = view.edges(cells)
    weight = mean.new_full((len(mean),), 1 / len(mean)) if log_weight is None else log_weight.exp()
    mass = torch.zeros(cells, cells, dtype=torch.float64)
    for start in range(0, len(mean), CHUNK):
        rows = slice(start, start + CHUNK)
        across, up = (_interval_mass(edges[j], mean[rows, j], log_var[rows, j]) for j in (0, 1))
        mass += (up * weight[rows, None].double()).T @ across
    area = (edges[0][1] - edges[0][0]) * (edges[1][1] - edges[1][0])
    return _grid(edges, torch.log(mass / area), float(mass.sum()))


@torch.inference_mode()
def full_mixture_grid(
    mean: ComponentMeans, covariance: Covariances, log_weight: LogWeights, view: Window, cells: int = CELLS
) -> DensityGrid:
    """Mean density of every cell for a mixture of Gaussians with full covariances in two dimensions.

    A component narrower than 0.7 of the finest spacing, a quarter of a cell, is widened to that: thinner than a pixel
    all the same, and with all its mass.

    Args:
        mean: (K, 2).
        covariance: (K, 2, 2).
        log_weight: (K,) normalised.
        view: the part of the plane.
        cells: cells along each axis.
    """
    step = (view.x[1] - view.x[0]) / cells
    covariance = covariance.double()
    narrowest = float(torch.linalg.eigvalsh(covariance)[:, 0].min().clamp(min=0).sqrt())
    points = min(FINEST, max(1, math.ceil(NARROWEST * step / max(narrowest, 1e-9))))
    floor = (NARROWEST * step / FINEST) ** 2
    if narrowest**2 < floor:
        values, vectors = torch.linalg.eigh(covariance)
        covariance = (vectors * values.clamp(min=floor)[:, None, :]) @ vectors.mT

    def log_prob(z: Tensor) -> LogProb:
        return mixture.full_log_prob(z.float(), mean.float(), covariance, log_weight.float())

    return function_grid(log_prob, view, cells, points)


@torch.inference_mode()
def function_grid(
    log_prob: Callable[[Tensor], LogProb], view: Window, cells: int = CELLS, points: int = 1
) -> DensityGrid:
    """Mean density of every cell from ``points`` x ``points`` values in it: for one, the value at its centre.

    Args:
        log_prob: (n, 2) float32 places to (n,) nats.
        view: the part of the plane.
        cells: cells along each axis.
        points: values along each side of a cell.
    """
    fine = view.edges(cells * points)
    x, y = ((side[1:] + side[:-1]) / 2 for side in fine)
    rows = []
    for part in y.view(cells, points).split(max(1, 50_000 // (len(x) * points))):  # whole rows of cells at a time
        places = torch.stack([x.repeat(part.numel()), part.flatten().repeat_interleave(len(x))], 1).float()
        rows.append(_cell_means(log_prob(places).double(), cells, points))
    return _evaluated(torch.cat(rows), view)


def lattice_grid(values: Tensor, view: Window, points: int) -> DensityGrid:
    """Mean density of every cell from log-densities at ``points`` x ``points`` places in it.

    Args:
        values: (cells * points, cells * points), rows upwards.
        view: the part of the plane.
        points: values along each side of a cell.
    """
    return _evaluated(_cell_means(values.double(), len(values) // points, points), view)


def _cell_means(values: Tensor, cells: int, points: int) -> Tensor:
    """Log of the mean density of each cell in whole rows of cells."""
    apart = values.reshape(-1, points, cells, points).permute(0, 2, 1, 3).flatten(2)
    return apart.squeeze(2) if points == 1 else apart.logsumexp(2) - 2 * math.log(points)


def _evaluated(log_density: Tensor, view: Window) -> DensityGrid:
    edges = view.edges(len(log_density))
    area = float((edges[0][1] - edges[0][0]) * (edges[1][1] - edges[1][0]))
    return _grid(edges, log_density, float(log_density.exp().sum()) * area)


def _interval_mass(edges: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    """P(edge_j < z < edge_j+1) of each component, (K, cells) float64.

    Right of the mean the difference is taken between upper tails, where it does not cancel.
    """
    standard = (edges - mean.double()[:, None]) * torch.exp(-0.5 * log_var.double())[:, None]  # (K, cells + 1)
    low, high = standard[:, :-1], standard[:, 1:]
    right = low > 0
    low, high = torch.where(right, -high, low), torch.where(right, -low, high)
    return torch.special.ndtr(high) - torch.special.ndtr(low)


def _grid(edges: tuple[Tensor, Tensor], log_density: Tensor, mass: float) -> DensityGrid:
    x, y = (((side[1:] + side[:-1]) / 2).numpy() for side in edges)
    floored = log_density.clamp(min=DensityGrid.FLOOR).numpy()
    area = (x[1] - x[0]) * (y[1] - y[0])
    return DensityGrid(x, y, floored.astype(np.float32), mass, hdr_levels(floored, area))


def hdr_levels(log_density: np.ndarray, area: float) -> tuple[float, ...]:
    """Log-density thresholds of the highest-density regions that hold 50, 80 and 95 % of the whole mass.

    Args:
        log_density: cell means on a grid.
        area: of a cell.

    Returns:
        one threshold for each of ``HDR_SHARES``; nan where the window holds less than that share.

    References:
        Hyndman (1996), Computing and graphing highest density regions.
    """
    ordered = np.sort(log_density, axis=None)[::-1]
    inside = np.cumsum(np.exp(ordered) * area)
    places = np.searchsorted(inside, HDR_SHARES)
    return tuple(float(ordered[place]) if place < ordered.size else float("nan") for place in places)
