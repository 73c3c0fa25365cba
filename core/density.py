"""Two-dimensional densities on a grid of cells, exact for mixtures of Gaussians.

A Gaussian mixture's mass in a cell is a product of two differences of normal distribution functions, so the whole
grid is one matrix product over the components. What is drawn is each cell's exact mean density: nothing is lost
between grid points however narrow a component is, highest-density regions hold exactly the mass they claim, and there
is no bandwidth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.latents import LatentCloud
from core.priors import MixturePrior, Prior
from core.records import HDR_SHARES, DensityGrid
from core.shapes import ComponentLogVars, ComponentMeans, LogWeights

CELLS = 200
CHUNK = 4096  # components per matrix product: two float64 tables of 4096 x 200 are 13 MB


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


def window(cloud: LatentCloud, priors: list[Prior], *, seed: int = 0, margin: float = 0.06) -> Window:
    """The smallest square that holds 99.9 % of the draws of q(z) and of each prior along each axis, plus a margin.

    Args:
        cloud: posteriors in two dimensions.
        priors: one or more priors over the same space.
        seed: of the draws.
        margin: share of the side added on each side.
    """
    generator = torch.Generator().manual_seed(seed)
    clouds = [cloud.sample(5000, generator=generator)[0]]
    clouds += [prior.sample(5000, generator=generator) for prior in priors]
    ends = torch.stack([torch.quantile(draws, torch.tensor([0.0005, 0.9995]), dim=0) for draws in clouds])  # (c, 2, 2)
    low, high = ends[:, 0].amin(0), ends[:, 1].amax(0)
    centre, half = (low + high) / 2, float((high - low).max()) / 2 * (1 + 2 * margin)
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
def prior_grid(prior: Prior, view: Window, cells: int = CELLS) -> DensityGrid:
    """Density of a prior: exact cell means for mixtures, the value at each cell's centre for any other."""
    if isinstance(prior, MixturePrior):
        return mixture_grid(*prior.components(), view, cells)
    edges = view.edges(cells)
    x, y = ((side[1:] + side[:-1]) / 2 for side in edges)
    points = torch.stack([x.repeat(cells), y.repeat_interleave(cells)], 1).float()
    log_density = torch.cat([prior.log_prob(part) for part in points.split(20_000)]).double().view(cells, cells)
    area = float((edges[0][1] - edges[0][0]) * (edges[1][1] - edges[1][0]))
    return _grid(edges, log_density, float(log_density.exp().sum()) * area)


def cloud_grid(cloud: LatentCloud, view: Window, cells: int = CELLS) -> DensityGrid:
    """The aggregated posterior q(z) = (1/n) sum_i q(z|x_i), exact."""
    return mixture_grid(*cloud.components(), None, view, cells)


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
