"""The signed map: where the data is and the prior is not, and the reverse."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.figures import theme
from core.records import DensityGrid

FULL_SHARE, CORE_SHARE = 0.95, 0.999
"""The map is in full colour inside the 95 % region of either distribution, and gone outside both 99.9 % regions."""


def signed_map(q: DensityGrid, p: DensityGrid, limit: float = 8.0) -> np.ndarray:
    """The log ratio log q - log p in nats, clipped at +-limit: above 0 where the data outweighs the prior.

    A ratio of two densities that are both nothing says nothing, and would shout loudest in the empty corners. So a
    cell counts in full where it lies inside the 95 % region of q or of p, the outlines that the panels draw. Outside
    both it shrinks to 0, which is drawn transparent: linearly in nats, for the density that is nearer to its region,
    down to the rim of that one's 99.9 % region. Regions are of the mass that the window shows.

    Args:
        q: aggregated posterior.
        p: prior on the same grid.
        limit: clip in nats.

    Returns:
        (ny, nx) float32; exact, up to the clip, inside either 95 % region; 0 outside both 99.9 % regions.
    """
    if not limit > 0:
        raise ValueError(f"limit must be positive, got {limit}")
    weight = np.maximum(_weight(q), _weight(p))
    return (np.clip(q.log_density - p.log_density, -limit, limit) * weight).astype(np.float32)


def _weight(grid: DensityGrid) -> np.ndarray:
    """(ny, nx): 1 inside the 95 % region, 0 outside the 99.9 % region, linear in the log-density between them."""
    full, none = region_level(grid, FULL_SHARE), region_level(grid, CORE_SHARE)
    inside = grid.log_density >= full
    return np.where(inside, 1.0, np.clip((grid.log_density - none) / max(full - none, 1e-6), 0, 1))


def region_level(grid: DensityGrid, share: float) -> float:
    """Log-density of the last cell, from the highest down, needed to hold ``share`` of the mass in the window."""
    ordered = np.sort(grid.log_density, axis=None)[::-1].astype(np.float64)
    held = np.cumsum(np.exp(ordered - ordered[0]))
    return float(ordered[min(int(np.searchsorted(held, share * held[-1])), len(ordered) - 1)])


def signed_trace(q: DensityGrid, p: DensityGrid, limit: float, axis: str) -> dict[str, Any]:
    """The signed map as a heat map with its colour bar in nats, the clip at its ends."""
    half = limit / 2
    bar = {
        "title": {"text": "nats", "side": "top", "font": {"size": theme.FONT_SMALL}}, "outlinewidth": 0,
        "thickness": 14, "x": 1.005, "lenmode": "pixels", "len": 210, "y": 1, "yanchor": "top", "ypad": 0,
        "tickvals": [-limit, -half, 0, half, limit], "tickfont": {"size": theme.FONT_SMALL},
        "ticktext": [f"≤ −{limit:g}", f"−{half:g}", "0", f"+{half:g}", f"≥ +{limit:g}"],
    }  # fmt: skip
    return {
        "type": "heatmap", "x": q.x.astype(np.float32), "y": q.y.astype(np.float32), "z": signed_map(q, p, limit),
        "zmin": -limit, "zmax": limit, "xaxis": f"x{axis}", "yaxis": f"y{axis}", "colorscale": theme.signed_scale(),
        "colorbar": bar, "hoverinfo": "skip", "name": "log q − log p",
    }  # fmt: skip
