"""Densities whose truth is known: mixtures of Gaussians on a grid, thresholds found by sorting the cells."""

from __future__ import annotations

import numpy as np
import pytest

from core.records import HDR_SHARES, DensityGrid
from tests.checked_figures import figures_are_what_plotly_makes  # noqa: F401  # for every test of this folder


def mixture_grid(means, scales, weights, *, half_width=5.0, cells=101) -> DensityGrid:
    """A mixture of axis-parallel Gaussians on a square window around 0."""
    x = np.linspace(-half_width, half_width, cells)
    y = np.linspace(-half_width, half_width, cells)
    across, up = np.meshgrid(x, y)
    logs = [
        np.log(w) - np.log(2 * np.pi * sx * sy) - ((across - a) / sx) ** 2 / 2 - ((up - b) / sy) ** 2 / 2
        for (a, b), (sx, sy), w in zip(means, scales, weights, strict=True)
    ]
    log_density = np.maximum(np.logaddexp.reduce(logs), DensityGrid.FLOOR)
    ordered = np.sort(log_density, axis=None)[::-1]
    held = np.cumsum(np.exp(ordered)) * (x[1] - x[0]) * (y[1] - y[0])
    levels = tuple(float(ordered[np.searchsorted(held, s)]) if held[-1] > s else float("nan") for s in HDR_SHARES)
    return DensityGrid(x, y, log_density.astype(np.float32), float(held[-1]), levels)


@pytest.fixture
def standard() -> DensityGrid:
    """N(0, I)."""
    return mixture_grid([(0, 0)], [(1, 1)], [1.0])


@pytest.fixture
def two_hills() -> DensityGrid:
    """One hill inside the standard normal's mass, one outside it at (3.5, -3)."""
    return mixture_grid([(-0.5, 0.5), (3.5, -3)], [(0.5, 0.4), (0.3, 0.3)], [0.6, 0.4])


@pytest.fixture
def cut_off() -> DensityGrid:
    """N(0, 4 I) in a window that holds 86 % of it."""
    return mixture_grid([(0, 0)], [(2, 2)], [1.0], half_width=3.6)


@pytest.fixture
def make_grid():
    """The maker itself, for odd densities."""
    return mixture_grid
