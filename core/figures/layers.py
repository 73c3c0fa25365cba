"""What lies in a panel of a latent plane: regions of a density, points, pseudo-inputs, the picked place.

Traces are plain dictionaries: plotly checks them once, when the figure is put together, which halves the time.
Browsers draw WebGL traces ("scattergl") over all others, so whatever must lie over points is one too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.figures import classes, theme
from core.figures.contours import contour_line, dashes
from core.figures.kept import Kept, content_key
from core.records import HDR_SHARES, DensityGrid

Trace = dict[str, Any]
MAX_POINTS = 99_999
"""From 100,000 points on, hovering over a plotly WebGL trace freezes the page (plotly.js issue 8036)."""
CROWDED = 100
"""Pseudo-inputs from which on their diamonds are small: the densities are to be seen between them."""
_POINT_NAMES = {"samples": "samples of q(z|x)", "means": "means of q(z|x), narrower than q(z)"}


@dataclass(frozen=True)
class Region:
    """A highest-density region: the share of mass in it, and its rim as closed polylines with a nan after each."""

    share: float
    x: np.ndarray
    y: np.ndarray


_kept: Kept[list[Region]] = Kept(16 * 2**20)


def regions(grid: DensityGrid) -> list[Region]:
    """The regions of a density, largest first, without those that the window cuts off (a threshold of nan)."""

    def make() -> list[Region]:
        known = [(share, level) for share, level in zip(HDR_SHARES, grid.levels, strict=True) if np.isfinite(level)]
        return [Region(s, *contour_line(grid.x, grid.y, grid.log_density, level)) for s, level in known[::-1]]

    return _kept.get(content_key(grid), make, lambda found: sum(region.x.nbytes + region.y.nbytes for region in found))


def shares_text(found: Sequence[Region]) -> str:
    """The shares in words, "50, 80, 95 %", smallest first."""
    return ", ".join(f"{100 * region.share:.0f}" for region in reversed(found)) + " %" if found else "no share"


def data_fill(found: Sequence[Region], axis: str) -> list[Trace]:
    """Regions of q filled in blue, one trace each, the smallest darkest; share in ``meta``."""
    return [
        _rim(region, axis, "scatter", "q(z) fill", {"width": 0})
        | {"fill": "toself", "fillcolor": theme.rgba(theme.DATA, theme.BAND_ALPHAS[HDR_SHARES.index(region.share)])}
        for region in found
    ]


def prior_fill(found: Sequence[Region], axis: str) -> list[Trace]:
    """Regions of p under a faint fill, one trace each; share in ``meta``."""
    colour = theme.rgba(theme.PRIOR, theme.FAINT_ALPHA)
    return [
        _rim(region, axis, "scatter", "p(z) fill", {"width": 0}) | {"fill": "toself", "fillcolor": colour}
        for region in found
    ]


def data_rims(found: Sequence[Region], axis: str, *, over_points: bool = False) -> list[Trace]:
    """Rims of q, solid blue, one trace each; share in ``meta``."""
    kind = "scattergl" if over_points else "scatter"
    return [_rim(region, axis, kind, "data q(z)", {"color": theme.DATA, "width": 2}) for region in found]


def keys() -> list[Trace]:
    """Entries of a legend for the two densities, which are many traces in every panel."""
    of_p = {"color": theme.PRIOR, "width": 2.5, "dash": "dash"}
    return [
        {
            "type": "scatter", "mode": "lines", "name": name, "x": [None], "y": [None], "line": line,
            "showlegend": True, "hoverinfo": "skip",
        }
        for name, line in (("q(z)", {"color": theme.DATA, "width": 7}), ("p(z)", of_p))
    ]  # fmt: skip


def prior_rims(found: Sequence[Region], axis: str, *, dash_length: float | None = None) -> list[Trace]:
    """Rims of p, dashed vermilion, one trace each; share in ``meta``; over points if given a length of dash and gap."""
    kind = "scatter" if dash_length is None else "scattergl"
    line = {"color": theme.PRIOR, "width": 2.4, "dash": "solid" if dash_length else "8px,5px"}
    rims = [_rim(region, axis, kind, "prior p(z)", line) for region in found]
    if dash_length:
        rims = [rim | dict(zip("xy", dashes(rim["x"], rim["y"], dash_length), strict=True)) for rim in rims]
    return rims


def point_traces(
    points: np.ndarray, labels: np.ndarray | None, class_names: Sequence[str] = (), kind: str = "samples"
) -> list[Trace]:
    """Points in the first panel, one WebGL trace in all; beside it, an empty trace for each entry of the legend.

    Args:
        points: (n, 2).
        labels: (n,) class of each point from 0, or None for one colour.
        class_names: names by class; numbers where there are too few.
        kind: what the points are.

    Returns:
        The trace of points, then the legend's.
    """
    _check_points(points, labels, kind)
    size, opacity = theme.point_size(len(points))
    edge = {"width": 0.5 if size > 4 else 0, "color": theme.POINT_EDGE}
    marker: dict[str, Any] = {"size": size, "opacity": opacity, "line": edge, "color": theme.DATA}
    legend: list[Trace] = []
    if labels is not None:
        index, names = classes.named(labels, class_names)
        count = len(names)
        symbols = np.array([theme.class_symbol_code(k) for k in range(count)], np.uint8)
        marker |= {"color": index.astype(np.float32), "colorscale": theme.class_scale(count), "showscale": False}
        marker |= {"cmin": -0.5, "cmax": count - 0.5, "symbol": symbols[index]}
        legend = [_legend_entry(k, name) for k, name in enumerate(names)]
    trace = _markers(points, "", "scattergl", _POINT_NAMES[kind], marker) | {"showlegend": labels is None}
    return [trace, *legend]


def pseudo_trace(means: np.ndarray, axis: str) -> Trace:
    """Pseudo-inputs as black-edged yellow diamonds at their posterior means (K, 2)."""
    if means.ndim != 2 or means.shape[1] != 2:
        raise ValueError(f"pseudo_inputs must have shape (K, 2), got {means.shape}")
    few = len(means) <= CROWDED
    edge = {"width": 1 if few else 0.5, "color": theme.PSEUDO_EDGE}
    marker = {"symbol": "diamond", "size": 9 if few else 4, "color": theme.PSEUDO, "line": edge}
    return _markers(means, axis, "scatter", "pseudo-inputs", marker | {"opacity": 1.0}) | {"showlegend": True}


def picked_traces(picked: Sequence[float | int] | np.ndarray | None, axes: Sequence[str]) -> list[Trace]:
    """A black cross-hair in a white halo at the picked place (2,), one trace a panel; none where nothing is picked."""
    if picked is None:
        return []
    z = np.asarray(picked, np.float64)
    if z.shape != (2,) or not np.isfinite(z).all():
        raise ValueError(f"picked must be two finite numbers, got {picked!r}")
    # Two markers at one place, the wide white one first.
    colours = [theme.PICKED_HALO, theme.PICKED]
    edge = {"width": np.array([6, 2], np.float32), "color": colours}
    marker = {"symbol": "circle-cross-open", "size": 18, "line": edge, "color": colours, "opacity": 1.0}
    return [_markers(np.stack([z, z]), axis, "scattergl", "picked", marker) for axis in axes]


def region_traces(corners: Sequence[tuple[float, float]] | None, axes: Sequence[str]) -> list[Trace]:
    """The outline of a chosen polygon, black in a white halo, two traces a panel; none where nothing is chosen."""
    if corners is None:
        return []
    x, y = np.asarray([*corners, corners[0]], np.float32).T
    return [
        {
            "type": "scattergl", "mode": "lines", "x": x, "y": y, "xaxis": f"x{axis}", "yaxis": f"y{axis}",
            "line": {"color": colour, "width": width}, "name": "region", "hoverinfo": "skip", "showlegend": False,
        }
        for axis in axes
        for colour, width in ((theme.PICKED_HALO, 5), (theme.PICKED, 2))
    ]  # fmt: skip


def marks(
    picked: Sequence[float | int] | np.ndarray | None, corners: Sequence[tuple[float, float]] | None, panels: int
) -> list[Trace]:
    """A picked place and a chosen polygon, in each of so many panels: what is put over a figure that is kept.

    Raises:
        ValueError: for a place that is not two finite numbers.
    """
    axes = ["", *(str(number) for number in range(2, panels + 1))]
    return region_traces(corners, axes) + picked_traces(picked, axes)


def _check_points(points: np.ndarray, labels: np.ndarray | None, kind: str) -> None:
    if points.ndim != 2 or points.shape[1] != 2 or len(points) > MAX_POINTS:
        raise ValueError(f"points must be (n, 2) with n at most {MAX_POINTS:,}, got {points.shape}: pass fewer")
    if labels is not None and (labels.shape != points.shape[:1] or labels.min(initial=0) < 0):
        raise ValueError(f"labels must be {points.shape[:1]} whole numbers from 0, got shape {labels.shape}")
    if kind not in _POINT_NAMES:
        raise ValueError(f"point_kind must be one of {sorted(_POINT_NAMES)}, got {kind!r}")


def _markers(z: np.ndarray, axis: str, kind: str, name: str, marker: dict[str, Any]) -> Trace:
    """Markers that neither hover nor fade when something else is selected."""
    still = {"marker": {"opacity": marker["opacity"]}}
    return {
        "type": kind, "mode": "markers", "x": z[:, 0].astype(np.float32), "y": z[:, 1].astype(np.float32),
        "xaxis": f"x{axis}", "yaxis": f"y{axis}", "marker": marker, "name": name, "hoverinfo": "skip",
        "selected": still, "unselected": still, "showlegend": False,
    }  # fmt: skip


def _rim(region: Region, axis: str, kind: str, name: str, line: dict[str, Any]) -> Trace:
    return {
        "type": kind, "mode": "lines", "x": region.x, "y": region.y, "xaxis": f"x{axis}", "yaxis": f"y{axis}",
        "line": line, "name": name, "meta": region.share, "hoverinfo": "skip", "showlegend": False,
    }  # fmt: skip


def _legend_entry(index: int, name: str) -> Trace:
    colour, symbol = theme.class_style(index)
    edge = {"width": 0.5, "color": theme.NEUTRAL}
    marker = {"color": colour, "symbol": symbol, "size": 9, "opacity": 1.0, "line": edge}
    nothing = np.full((1, 2), np.nan)
    return _markers(nothing, "", "scatter", name, marker) | {"showlegend": True}
