"""The signed map: where the data is and the prior is not, and the reverse."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from core.figures import theme
from core.records import DensityGrid

CORE_SHARE = 0.999
"""A place counts in full where it lies in this share of what either distribution has in the window."""
FADE_NATS = 3.0
"""Outside, the map fades to nothing within this many nats."""


def signed_map(q: DensityGrid, p: DensityGrid, limit: float = 8.0) -> np.ndarray:
    """log q - log p in nats, clipped at +-limit: positive where the data is and the prior is not ("leaks").

    A ratio of two densities that are both nothing says nothing. So a cell counts in full where it lies inside the
    99.9 % region of q or of p (of the mass that the window shows). Outside both, the value shrinks to 0, which is drawn
    transparent: linearly in the nats by which the cell is under the nearer of the two thresholds, to 0 at ``FADE_NATS``.

    Args:
        q: aggregated posterior.
        p: prior on the same grid.
        limit: clip in nats.

    Returns:
        (ny, nx) float32; exact, up to the clip, wherever q or p has mass.
    """
    if not limit > 0:
        raise ValueError(f"limit must be positive, got {limit}")
    above = np.maximum(q.log_density - region_level(q, CORE_SHARE), p.log_density - region_level(p, CORE_SHARE))
    weight = np.clip(1 + above / FADE_NATS, 0, 1)
    return (np.clip(q.log_density - p.log_density, -limit, limit) * weight).astype(np.float32)


def region_level(grid: DensityGrid, share: float) -> float:
    """Log-density of the last cell, from the highest down, needed to hold ``share`` of the mass in the window."""
    ordered = np.sort(grid.log_density, axis=None)[::-1].astype(np.float64)
    held = np.cumsum(np.exp(ordered - ordered[0]))
    return float(ordered[min(int(np.searchsorted(held, share * held[-1])), len(ordered) - 1)])


def signed_trace(q: DensityGrid, p: DensityGrid, limit: float, axis: str) -> go.Heatmap:
    """The signed map as a heat map with its colour bar in nats, the clip at its ends."""
    half = limit / 2
    bar = {
        "title": {"text": "nats", "side": "top", "font": {"size": theme.FONT_SMALL}}, "thickness": 14, "outlinewidth": 0,
        "x": 1.005, "tickvals": [-limit, -half, 0, half, limit], "tickfont": {"size": theme.FONT_SMALL},
        "ticktext": [f"≤ −{limit:g}", f"−{half:g}", "0", f"+{half:g}", f"≥ +{limit:g}"],
    }  # fmt: skip
    return go.Heatmap(
        x=q.x.astype(np.float32), y=q.y.astype(np.float32), z=signed_map(q, p, limit), zmin=-limit, zmax=limit,
        xaxis=f"x{axis}", yaxis=f"y{axis}", colorscale=theme.signed_scale(), colorbar=bar, hoverinfo="skip",
        name="log q − log p",
    )  # fmt: skip
