"""What lies in a panel of a latent plane: regions of a density, points, pseudo-inputs, the picked place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

from core.figures import theme
from core.figures.contours import contour_line
from core.records import HDR_SHARES, DensityGrid

PointKind = Literal["samples", "means"]
MAX_POINTS = 99_999
"""From 100,000 points on, hovering over a plotly WebGL trace freezes the page (plotly.js issue 8036)."""
_POINT_NAMES = {"samples": "samples of q(z|x)", "means": "means of q(z|x), narrower than q(z)"}


def data_regions(q: DensityGrid, axis: str, *, every: bool, legend: bool = False) -> list[go.Scatter]:
    """q's highest-density regions: filled, solid rims, largest first; or the rim of the largest alone.

    Args:
        q: aggregated posterior.
        axis: "" for the first panel, "2" for the second and so on.
        every: all regions with their fill, or the outer rim.
        legend: whether they stand in the legend.

    Returns:
        One trace a region, its share in ``meta``; none for thresholds that are nan.
    """
    name = f"data q(z), regions of {_shares_text(q)}"
    known = _known(q)
    traces = []
    for share, level, alpha in known if every else known[:1]:
        fill = theme.rgba(theme.DATA, alpha) if every else None
        line = {"color": theme.DATA, "width": 1.5 if every else 2.0}
        traces.append(_region(q, share, level, axis, name, line, fill, legend and share == known[0][0]))
    return traces


def prior_regions(p: DensityGrid, axis: str, *, every: bool, fill: bool = False, legend: bool = False) -> list[go.Scatter]:
    """p's highest-density regions: dashed rims, faint fill or none, largest first; or the rim of the largest alone.

    Args:
        p: prior.
        axis: as in `data_regions`.
        every: all regions, or the outer rim.
        fill: whether a faint fill lies under the rims.
        legend: whether they stand in the legend.

    Returns:
        One trace a region, its share in ``meta``; none for thresholds that are nan.
    """
    name = f"prior p(z), regions of {_shares_text(p)}"
    known = _known(p)
    colour = theme.rgba(theme.PRIOR, theme.FAINT_ALPHA) if fill else None
    line = {"color": theme.PRIOR, "width": 2.2, "dash": "7px,4px"}
    return [
        _region(p, share, level, axis, name, line, colour, legend and share == known[0][0])
        for share, level, _ in (known if every else known[:1])
    ]


def point_traces(
    points: np.ndarray, labels: np.ndarray | None, class_names: Sequence[str] = (), kind: PointKind = "samples"
) -> list[Any]:
    """Points in the first panel, one WebGL trace in all; beside it, an empty trace for each legend entry.

    Args:
        points: (n, 2).
        labels: (n,) class of each point, or None for one colour.
        class_names: names by class; numbers where too few are given.
        kind: what the points are.

    Returns:
        The trace of points, then the legend's.
    """
    if points.ndim != 2 or points.shape[1] != 2 or len(points) > MAX_POINTS:
        raise ValueError(f"points must be (n, 2) with n at most {MAX_POINTS:,}, got {points.shape}: draw fewer")
    if labels is not None and labels.shape != points.shape[:1]:
        raise ValueError(f"labels must have shape {points.shape[:1]}, one for each point, got {labels.shape}")
    if kind not in _POINT_NAMES:
        raise ValueError(f"point_kind must be one of {sorted(_POINT_NAMES)}, got {kind!r}")
    marker: dict[str, Any] = {"size": 5, "opacity": 0.85, "line": {"width": 0.5, "color": theme.POINT_EDGE}}
    legend: list[go.Scatter] = []
    if labels is None:
        marker["color"] = theme.DATA
    else:
        index = labels.astype(np.int64)
        count = max(int(index.max(initial=0)) + 1, len(class_names))
        symbols = np.array([theme.class_style(k)[1] for k in range(count)])
        marker |= {"color": index.astype(np.float32), "colorscale": theme.class_scale(count), "symbol": symbols[index]}
        marker |= {"cmin": -0.5, "cmax": count - 0.5, "showscale": False}
        names = [str(k) if k >= len(class_names) else str(class_names[k]) for k in range(count)]
        legend = [_legend_entry(k, name, _POINT_NAMES[kind]) for k, name in enumerate(names)]
    still = {"marker": {"opacity": marker["opacity"]}}
    trace = go.Scattergl(
        x=points[:, 0].astype(np.float32), y=points[:, 1].astype(np.float32), mode="markers", marker=marker,
        name=_POINT_NAMES[kind], hoverinfo="skip", selected=still, unselected=still, showlegend=labels is None,
    )  # fmt: skip
    return [trace, *legend]


def pseudo_trace(means: np.ndarray, axis: str) -> go.Scatter:
    """Pseudo-inputs as black-edged yellow diamonds at their posterior means (K, 2)."""
    if means.ndim != 2 or means.shape[1] != 2:
        raise ValueError(f"pseudo_inputs must have shape (K, 2), got {means.shape}")
    size = 9 if len(means) <= 100 else 6
    still = {"marker": {"opacity": 1.0}}
    return go.Scatter(
        x=means[:, 0].astype(np.float32), y=means[:, 1].astype(np.float32), mode="markers", hoverinfo="skip",
        marker={"symbol": "diamond", "size": size, "color": theme.PSEUDO, "line": {"width": 1, "color": theme.PSEUDO_EDGE}},
        name=f"pseudo-inputs ({len(means)})", selected=still, unselected=still, **_axes(axis),
    )  # fmt: skip


def picked_traces(picked: Sequence[float] | None, axes: Sequence[str]) -> list[go.Scattergl]:
    """A cross in a halo at the picked place (2,), one trace a panel; none where nothing is picked."""
    if picked is None:
        return []
    z = np.asarray(picked, np.float32)
    if z.shape != (2,) or not np.isfinite(z).all():
        raise ValueError(f"picked must be two finite numbers, got {picked!r}")
    # Two markers at one place, the wide one first. WebGL, since that is drawn over everything else.
    lines = {"width": np.array([7, 2.5], np.float32), "color": [theme.PICKED_HALO, theme.PICKED]}
    marker = {"symbol": ["circle-cross-open", "circle-cross-open"], "size": 20, "line": lines, "opacity": 1.0}
    marker["color"] = lines["color"]
    still = {"marker": {"opacity": 1.0}}
    return [
        go.Scattergl(
            x=z[[0, 0]], y=z[[1, 1]], mode="markers", marker=marker, hoverinfo="skip", name="picked",
            selected=still, unselected=still, showlegend=False, **_axes(axis),
        )
        for axis in axes
    ]  # fmt: skip


def _region(
    grid: DensityGrid, share: float, level: float, axis: str, name: str, line: dict, fill: str | None, legend: bool
) -> go.Scatter:
    x, y = contour_line(grid.x, grid.y, grid.log_density, level)
    return go.Scatter(
        x=x, y=y, mode="lines", line=line, fill="toself" if fill else "none", fillcolor=fill, hoverinfo="skip",
        name=name, meta=share, showlegend=legend, **_axes(axis),
    )  # fmt: skip


def _known(grid: DensityGrid) -> list[tuple[float, float, float]]:
    """Share, threshold and opacity of each region, largest first, without those that the window cuts off."""
    rows = list(zip(HDR_SHARES, grid.levels, theme.BAND_ALPHAS, strict=True))
    return [row for row in rows[::-1] if np.isfinite(row[1])]


def _shares_text(grid: DensityGrid) -> str:
    return ", ".join(f"{100 * share:.0f}" for share, _, _ in _known(grid)[::-1]) + " %"


def _legend_entry(index: int, name: str, heading: str) -> go.Scatter:
    colour, symbol = theme.class_style(index)
    nothing = np.array([np.nan], np.float32)
    marker = {"color": colour, "symbol": symbol, "size": 9, "line": {"width": 0.5, "color": theme.NEUTRAL}}
    title = {"text": f"{heading}: "} if index == 0 else None
    return go.Scatter(
        x=nothing, y=nothing, mode="markers", marker=marker, name=name, hoverinfo="skip",
        legend="legend2", legendgrouptitle=title,
    )  # fmt: skip


def _axes(axis: str) -> dict[str, str]:
    return {"xaxis": f"x{axis}", "yaxis": f"y{axis}"}
