"""The aggregated posterior against the prior in a latent plane: three linked panels, and one wide picture for Home."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.figures import layers, theme
from core.figures.drawing import Drawing, drawing
from core.figures.lattice import DIMENSIONS, lattice_traces
from core.figures.layers import Region, Trace
from core.figures.signed import CORE_SHARE, region_level, signed_trace
from core.records import DensityGrid

_PANELS = ("", "2", "3")
_DOMAINS = ((0.0, 0.315), (0.3425, 0.6575), (0.685, 1.0))
_DASH = 0.05
"""Length of a dash and its gap, over points, as a share of the window."""
_KEY_ROOM = 0.17
"""Room above the densities for the key in the corner, as a share of theirs."""


def density_panels(
    q: DensityGrid,
    p: DensityGrid,
    *,
    points: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    class_names: Sequence[str] = (),
    point_kind: str = "samples",
    pseudo_inputs: np.ndarray | None = None,
    lattice: int = 41,
    limit: float = 8.0,
    names: tuple[str, str] = ("Aggregated posterior q(z)", "Prior p(z)"),
    axes: tuple[str, str] = DIMENSIONS,
    title: str | None = None,
    compact: bool = False,
) -> Drawing:
    """Three linked panels: the aggregated posterior, the prior, and where they differ.

    The third panel is the signed map of `core.figures.signed.signed_map`, which fades where both densities are nothing.

    Args:
        q: aggregated posterior.
        p: prior on the same grid.
        points: (n, 2) draws or means of the posterior, for the left panel.
        labels: (n,) class of each point, from 0.
        class_names: their names; numbers where none are given.
        point_kind: what the points are, for the words above the panel.
        pseudo_inputs: (K, 2) posterior means of the pseudo-inputs, for the middle panel.
        lattice: clickable places along each side.
        limit: nats at which the signed map is clipped.
        names: of the two distributions, above their panels.
        axes: what the axes of the plane are called.
        title: heading, where figures of several models stand below one another.
        compact: lower, for the same use.

    Returns:
        A figure whose clicks `core.figures.clicked` reads.
    """
    check_grids(q, p)
    of_q, of_p = layers.regions(q), layers.regions(p)
    traces = [signed_trace(q, p, limit, "3"), *layers.data_fill(of_q, ""), *layers.prior_fill(of_p, "2")]
    if points is not None:
        traces += layers.point_traces(points, labels, class_names, point_kind)
    traces += layers.data_rims(of_q, "", over_points=True)
    traces += layers.prior_rims(of_p[:1], "", dash_length=_DASH * _span(q))
    traces += layers.prior_rims(of_p, "2") + layers.data_rims(of_q[:1], "2")
    traces += layers.data_rims(of_q[:1], "3") + layers.prior_rims(of_p[:1], "3")
    if pseudo_inputs is not None:
        traces.append(layers.pseudo_trace(pseudo_inputs, "2"))
    traces += lattice_traces(q, p, lattice, _PANELS, axes)
    height = theme.HEIGHT_COMPACT if compact else theme.HEIGHT
    layout = theme.layout(height=height, legend=_legend(traces), heads=True, title=title)
    dots = point_kind if points is not None else None
    return drawing(traces, layout | _linked_axes(q, axes) | {"annotations": _heads(of_q, of_p, dots, names)})


def hero(
    q: DensityGrid,
    p: DensityGrid,
    points: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    *,
    class_names: Sequence[str] = (),
    point_kind: str = "samples",
    axes: tuple[str, str] = DIMENSIONS,
    lattice: int = 41,
    height: int = theme.HEIGHT,
) -> Drawing:
    """One wide picture: the data's regions filled in blue with its samples, the prior's dashed over them.

    Args:
        q: aggregated posterior.
        p: prior on the same grid.
        points: (n, 2) draws or means of the posterior.
        labels: (n,) class of each point, from 0.
        class_names: their names; numbers where none are given.
        point_kind: what the points are.
        axes: what the axes of the plane are called.
        lattice: clickable places along each side.
        height: pixels.

    Returns:
        A figure whose clicks `core.figures.clicked` reads.
    """
    check_grids(q, p)
    of_q, of_p = layers.regions(q), layers.regions(p)
    traces = layers.data_fill(of_q, "")
    if points is not None:
        traces += layers.point_traces(points, labels, class_names, point_kind)
    # Nothing lies outside the regions that hold 99.9 %, so the picture is theirs; equal scale by a wider range.
    across, up = _core_window(q, p)
    up[1] += _KEY_ROOM * (up[1] - up[0])
    traces += layers.data_rims(of_q, "", over_points=True)
    traces += layers.prior_rims(of_p, "", dash_length=0.7 * _DASH * (up[1] - up[0]))
    traces += lattice_traces(q, p, lattice, ("",), axes)
    layout = theme.layout(height=height, legend=_legend(traces)) | {
        "xaxis": theme.AXIS | {"range": across, "title": theme.axis_title(axes[0], 4)},
        "yaxis": theme.AXIS | {"range": up, "title": theme.axis_title(axes[1], 12), "scaleanchor": "x"},
        "annotations": [_corner_key(of_q, of_p)],
    }
    return drawing(traces, layout)


def check_grids(q: DensityGrid, p: DensityGrid) -> None:
    """Raises ValueError unless both densities are well formed and on one grid."""
    for name, grid in (("q", q), ("p", p)):
        shape = (len(grid.y), len(grid.x))
        if grid.log_density.shape != shape or min(shape) < 2:
            raise ValueError(f"{name}.log_density must be (ny, nx) = {shape}, 2 or more, got {grid.log_density.shape}")
    if not (np.array_equal(q.x, p.x) and np.array_equal(q.y, p.y)):
        raise ValueError("q and p must be on the same grid: evaluate both densities on one window")


def _window(grid: DensityGrid) -> tuple[list[float], list[float]]:
    """Ranges of the two axes: to the outer edges of the outer cells."""
    half_x, half_y = (grid.x[1] - grid.x[0]) / 2, (grid.y[1] - grid.y[0]) / 2
    across = [float(grid.x[0] - half_x), float(grid.x[-1] + half_x)]
    return across, [float(grid.y[0] - half_y), float(grid.y[-1] + half_y)]


def _core_window(q: DensityGrid, p: DensityGrid) -> tuple[list[float], list[float]]:
    """Ranges of the axes around the cells where q or p has 99.9 % of its mass, with a margin of a twentieth."""
    core = (q.log_density >= region_level(q, CORE_SHARE)) | (p.log_density >= region_level(p, CORE_SHARE))
    ranges = []
    for centres, hit in ((q.x, core.any(axis=0)), (q.y, core.any(axis=1))):
        low, high = float(centres[hit][0]), float(centres[hit][-1])
        margin = 0.05 * (high - low) + float(centres[1] - centres[0])
        ranges.append([low - margin, high + margin])
    return ranges[0], ranges[1]


def _span(grid: DensityGrid) -> float:
    return float(grid.x[-1] - grid.x[0])


def _legend(traces: Sequence[Trace]) -> list[str]:
    return [trace["name"] for trace in traces if trace.get("showlegend")]


def _linked_axes(grid: DensityGrid, names: tuple[str, str]) -> dict[str, Any]:
    """Axes of three panels that pan and zoom as one, in equal scale: circles are circles."""
    x_range, y_range = _window(grid)
    axes: dict[str, Any] = {}
    for axis, domain in zip(_PANELS, _DOMAINS, strict=True):
        across = {"domain": domain, "range": x_range, "anchor": f"y{axis}", "title": theme.axis_title(names[0], 4)}
        up = {"range": y_range, "anchor": f"x{axis}", "constraintoward": "top"}
        if axis:
            across["matches"], up["matches"], up["showticklabels"] = "x", "y", False
        else:
            up |= {"scaleanchor": "x", "title": theme.axis_title(names[1], 12)}
        axes[f"xaxis{axis}"] = theme.AXIS | across | {"constrain": "domain"}
        axes[f"yaxis{axis}"] = theme.AXIS | up | {"constrain": "domain"}
    return axes


def _heads(of_q: list[Region], of_p: list[Region], kind: str | None, names: tuple[str, str]) -> list[dict[str, Any]]:
    """Names of the panels, which are the legend too, above each and moving with it."""
    dots = "" if kind is None else f", dots: {kind}"
    lines = (
        (theme.words(names[0], theme.DATA), f"filled: {layers.shares_text(of_q)}{dots}"),
        (theme.words(names[1], theme.PRIOR), f"dashed: {layers.shares_text(of_p)}"),
        ("<b>log q − log p</b>", f"{theme.words('holes', theme.HOLE)} q ≪ p, {theme.words('leaks', theme.LEAK)} q ≫ p"),
    )
    return [
        {
            "text": f'{head}<br><span style="font-size:{theme.FONT_SMALL}px">{line}</span>', "align": "left",
            "xref": f"x{axis} domain", "yref": f"y{axis} domain", "x": 0, "y": 1, "xanchor": "left",
            "yanchor": "bottom", "yshift": 2, "borderpad": 0, "showarrow": False, "font": {"size": theme.FONT_TITLE},
        }
        for axis, (head, line) in zip(_PANELS, lines, strict=True)
    ]  # fmt: skip


def _corner_key(of_q: list[Region], of_p: list[Region]) -> dict[str, Any]:
    """What is filled and what is dashed, in the upper left corner of the wide picture."""
    lines = (
        f"{theme.words('Data, q(z)', theme.DATA)}: filled, {layers.shares_text(of_q)}",
        f"{theme.words('Prior, p(z)', theme.PRIOR)}: dashed, {layers.shares_text(of_p)}",
    )
    return {
        "text": "<br>".join(lines), "align": "left", "xref": "x domain", "yref": "y domain", "x": 0, "y": 1,
        "xanchor": "left", "yanchor": "top", "xshift": 8, "yshift": -6, "showarrow": False,
        "font": {"size": theme.FONT_TITLE},
    }  # fmt: skip
